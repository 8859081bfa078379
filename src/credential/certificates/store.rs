//! The statements of certificates.

use chrono::NaiveDate;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper,
    sql_types::{self, Jsonb},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    files,
    model::{Certificate, CertificateRow, CertificateState, CompletionKey},
};
use crate::{
    app::Tx,
    authz::Protected,
    credential::events::CERTIFICATE_ISSUED,
    db::{
        Fixed, Sql,
        schema::{certificate_files, certificates, completions},
    },
    enrollment::completions::store::{VALID_UNTIL, joined_satisfied},
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    people::days::Zones,
    resource::record::as_json,
    sql,
};

const LISTING: Listing = Listing {
    id: "certificates.id",
    sorts: &[Sort {
        name: "created_at",
        column: "certificates.created_at",
        kind: SortKind::Instant,
    }],
};

macro_rules! attributes {
    ($($name:literal $kind:expr, $column:expr, $doc:literal;)*) => {
        &[$(Attribute { name: $name, kind: $kind, column: Column::Scalar($column), doc: $doc }),*]
    };
}

/// Whether a certificate is good, over `certificates` and `clock`, a row that holds today.
pub const STATE: Fixed = Fixed(
    "(CASE WHEN certificates.state = 'issued' AND certificates.valid_until < clock.today
    THEN 'expired' ELSE certificates.state END)",
);

static CERTIFICATES: Schema = Schema::new(attributes! {
    "id" Kind::Id, "certificates.id", "Our id.";
    "user_id" Kind::Id, "certificates.user_id", "The user.";
    "course_id" Kind::Id, "certificates.course_id", "The course.";
    "completion_id" Kind::Id, "certificates.completion_id", "The completion that it certifies.";
    "serial" Kind::String, "certificates.serial", "The number that verifies it.";
    "state" Kind::Enum(CertificateState::WORDS), STATE.0, "Its status today.";
    "issued_at" Kind::Instant, "certificates.issued_at", "When it was issued.";
    "issued_on" Kind::Date, "certificates.issued_on", "The day of issue, in the learner's time zone.";
    "valid_until" Kind::Date, "certificates.valid_until", "The last day of validity.";
    "revoked_at" Kind::Instant, "certificates.revoked_at", "When it was revoked.";
    "superseded_by" Kind::Id, "certificates.superseded_by", "The certificate that was issued in its place.";
    "created_at" Kind::Instant, "certificates.created_at", "When it was added.";
});

#[derive(QueryableByName)]
struct ListRow {
    #[diesel(embed)]
    certificate: CertificateRow,
    #[diesel(sql_type = Jsonb)]
    sort_key: Value,
}

/// A page of the certificates that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Certificate>> {
    let scope = tx.scope(CertificateRow::READ)?;
    let today = tx.today();
    let (page, filter) = query.page(&LISTING, &CERTIFICATES, &tx.filter_clock())?;
    let rows: Vec<ListRow> = sql!(
        "SELECT certificates.*, {key} AS sort_key FROM certificates
         CROSS JOIN (SELECT {today}::date AS today) clock WHERE {rows} ORDER BY {order} LIMIT {limit}",
        key = page.key(),
        rows = page.rows([CertificateRow::covered(&scope), filter]),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows
        .into_iter()
        .map(|row| (row.certificate, row.sort_key))
        .collect();
    let page = page.page(rows, |row| row.id);
    Ok(Page {
        data: page
            .data
            .into_iter()
            .map(|row| row.on(today))
            .collect::<ApiResult<_>>()?,
        next_cursor: page.next_cursor,
    })
}

/// A completion to be certified.
#[derive(Debug, Clone)]
pub struct NotedCompletion {
    /// Which one.
    pub key: CompletionKey,
    /// The one that it corrects.
    pub corrects: Option<Uuid>,
    /// Whether it says that that one did not happen.
    pub is_void: bool,
}

/// Those of `noted` that there are.
pub fn completions(tx: &mut Tx, noted: &[CompletionKey]) -> ApiResult<Vec<NotedCompletion>> {
    let people: Vec<Uuid> = noted.iter().map(|one| one.user_id).collect();
    let ids: Vec<Uuid> = noted.iter().map(|one| one.completion_id).collect();
    let found: Vec<(Uuid, Uuid, Option<Uuid>, bool)> = completions::table
        .filter(completions::user_id.eq_any(people))
        .filter(completions::id.eq_any(ids))
        .order(completions::id)
        .select((
            completions::user_id,
            completions::id,
            completions::supersedes_id,
            completions::is_void,
        ))
        .load(tx.conn)?;
    Ok(found
        .into_iter()
        .map(|(user_id, completion_id, corrects, is_void)| NotedCompletion {
            key: CompletionKey {
                user_id,
                completion_id,
            },
            corrects,
            is_void,
        })
        .collect())
}

/// The certificates of a completion, in whatever state.
pub fn of_completion(tx: &mut Tx, user_id: Uuid, completion_id: Uuid) -> ApiResult<Vec<CertificateRow>> {
    Ok(certificates::table
        .filter(certificates::user_id.eq(user_id))
        .filter(certificates::completion_id.eq(completion_id))
        .select(CertificateRow::as_select())
        .load(tx.conn)?)
}

/// Whether a later completion corrects this one.
pub fn is_corrected(tx: &mut Tx, user_id: Uuid, completion_id: Uuid) -> ApiResult<bool> {
    let corrections = completions::table
        .filter(completions::user_id.eq(user_id))
        .filter(completions::supersedes_id.eq(completion_id));
    Ok(diesel::select(diesel::dsl::exists(corrections)).get_result(tx.conn)?)
}

/// The completions that this one corrects: the one before it, the one that that one corrected, and so on.
pub fn corrected_by(tx: &mut Tx, user_id: Uuid, completion_id: Uuid) -> ApiResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let rows: Vec<Row> = sql!(
        "WITH RECURSIVE corrected AS (
            SELECT supersedes_id AS id FROM completions WHERE user_id = {user_id} AND id = {completion_id}
            UNION ALL
            SELECT c.supersedes_id FROM corrected JOIN completions c ON c.user_id = {user_id} AND c.id = corrected.id)
         SELECT id FROM corrected WHERE id IS NOT NULL"
    )
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The certificates of a completion that have no file yet.
pub fn without_file(tx: &mut Tx, user_id: Uuid, completion_id: Uuid) -> ApiResult<Vec<CertificateRow>> {
    let file = certificates::user_id
        .eq(certificate_files::user_id)
        .and(certificates::id.eq(certificate_files::certificate_id));
    Ok(certificates::table
        .left_join(certificate_files::table.on(file))
        .filter(certificates::user_id.eq(user_id))
        .filter(certificates::completion_id.eq(completion_id))
        .filter(certificate_files::certificate_id.nullable().is_null())
        .select(CertificateRow::as_select())
        .load(tx.conn)?)
}

/// A certificate that is about to be issued.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its id.
    pub id: Uuid,
    /// The completion that it is issued from.
    pub completion: CompletionKey,
    /// Its serial.
    pub serial: String,
}

/// Issues certificates as `layout` lays them out, unless one of the completion is in force already; answers those that
/// were added. What they show is what is known now of the person and of the course version that they completed.
fn issuing(tx: &mut Tx, drafts: &[Draft], layout: &Value) -> ApiResult<Sql> {
    let people: Vec<Uuid> = drafts.iter().map(|draft| draft.completion.user_id).collect();
    let zones = Zones::of(tx, &people)?;
    let days: Vec<String> = people
        .iter()
        .map(|person| zones.day(*person, tx.now).to_string())
        .collect();
    let column = |of: fn(&Draft) -> Uuid| drafts.iter().map(of).collect::<Vec<Uuid>>();
    let serials: Vec<String> = drafts.iter().map(|draft| draft.serial.clone()).collect();
    let now = tx.now;
    let issuing = sql!(
        "INSERT INTO certificates (id, user_id, course_id, completion_id, serial, state, shown, layout,
            issued_at, issued_on, valid_until, created_at, updated_at)
         SELECT draft.id, c.user_id, c.course_id, c.id, draft.serial, 'issued', jsonb_build_object(
            'name', btrim(u.given_name || ' ' || u.family_name), 'course', v.title,
            'completed_on', c.occurred_on, 'valid_until', {VALID_UNTIL}, 'issuer', {academy_name}::text,
            'verification_url', {verification_url} || draft.serial), {layout}, {now},
            draft.issued_on::date, {VALID_UNTIL}, {now}, {now}
         FROM unnest({new_ids}, {people}, {completion_ids}, {serials}, {days}) AS draft(id, user_id,
            completion_id, serial, issued_on)
         JOIN completions c ON c.user_id = draft.user_id AND c.id = draft.completion_id
         JOIN users u ON u.id = c.user_id JOIN course_versions v ON v.id = c.course_version_id {joined_satisfied}
         ON CONFLICT DO NOTHING RETURNING certificates.*",
        academy_name = tx.app.config.academy_name.as_str(),
        verification_url = files::verification_url(&tx.app.config, ""),
        new_ids = column(|draft| draft.id),
        completion_ids = column(|draft| draft.completion.completion_id),
        joined_satisfied = joined_satisfied(),
    );
    Ok(issuing.is_planned_each_time())
}

/// Issues a certificate; none if one of the completion is in force already.
pub fn insert(tx: &mut Tx, draft: &Draft, layout: &Value) -> ApiResult<Option<CertificateRow>> {
    let issuing = issuing(tx, std::slice::from_ref(draft), layout)?;
    Ok(issuing.load(tx.conn)?.pop())
}

/// As [`insert`], for many, with their events.
pub fn insert_all(tx: &mut Tx, drafts: &[Draft], layout: &Value) -> ApiResult<()> {
    let issuing = issuing(tx, drafts, layout)?;
    let changes = sql!(
        "certificates AS ({issuing}),
         changes AS (SELECT {CERTIFICATE_ISSUED.action} AS action, id, user_id, NULL::jsonb AS before,
                {certificate} || jsonb_build_object('state', {STATE}) AS after
            FROM certificates CROSS JOIN (SELECT {today}::date AS today) clock)",
        today = tx.today(),
        certificate = as_json::<Certificate>("certificates."),
    );
    tx.record_changes(&[&CERTIFICATE_ISSUED], changes)?;
    Ok(())
}

/// A text that certificates show.
#[derive(Debug, QueryableByName)]
pub struct ShownText {
    /// On which certificate.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// The user.
    #[diesel(sql_type = sql_types::Uuid)]
    pub user_id: Uuid,
    /// The text.
    #[diesel(sql_type = sql_types::Text)]
    pub text: String,
}

/// The names and titles that those of `drafts` which were issued show: of `every` one, or where they have other letters than
/// English has.
pub fn shown_texts(tx: &mut Tx, drafts: &[Draft], every: bool) -> ApiResult<Vec<ShownText>> {
    let people: Vec<Uuid> = drafts.iter().map(|draft| draft.completion.user_id).collect();
    let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.id).collect();
    let found = sql!(
        "SELECT id, user_id, text FROM certificates CROSS JOIN LATERAL (
            SELECT concat_ws(' ', shown ->> 'name', shown ->> 'course', shown ->> 'issuer') AS text) AS texts
         WHERE user_id = ANY({people}) AND id = ANY({ids}) AND (text ~ '[^ -~]' OR {every}) ORDER BY id"
    )
    .load(tx.conn)?;
    Ok(found)
}

/// Keeps a certificate's PDF, unless there is one.
pub fn insert_file(tx: &mut Tx, user_id: Uuid, certificate_id: Uuid, pdf: &[u8]) -> ApiResult<()> {
    diesel::insert_into(certificate_files::table)
        .values((
            certificate_files::user_id.eq(user_id),
            certificate_files::certificate_id.eq(certificate_id),
            certificate_files::pdf.eq(pdf),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(())
}

/// A certificate's PDF, if it is set already.
pub fn file(tx: &mut Tx, certificate: &CertificateRow) -> ApiResult<Option<Vec<u8>>> {
    Ok(certificate_files::table
        .find((certificate.user_id, certificate.id))
        .select(certificate_files::pdf)
        .first(tx.conn)
        .optional()?)
}

/// Takes a certificate back.
pub fn revoke(tx: &mut Tx, certificate: &CertificateRow, reason: &str) -> ApiResult<CertificateRow> {
    Ok(
        diesel::update(certificates::table.find((certificate.user_id, certificate.id)))
            .set((
                certificates::state.eq(CertificateState::Revoked),
                certificates::revoked_at.eq(tx.now),
                certificates::revoke_reason.eq(reason),
                certificates::version.eq(certificates::version + 1),
                certificates::updated_at.eq(tx.now),
            ))
            .returning(CertificateRow::as_returning())
            .get_result(tx.conn)?,
    )
}

/// Puts `by` in the place of the certificate of a completion that is in force, if there is one; answers that one before and after.
pub fn supersede(
    tx: &mut Tx,
    user_id: Uuid,
    completion_id: Uuid,
    by: Uuid,
) -> ApiResult<Option<(CertificateRow, CertificateRow)>> {
    let in_force: Option<CertificateRow> = certificates::table
        .filter(certificates::user_id.eq(user_id))
        .filter(certificates::completion_id.eq(completion_id))
        .filter(certificates::state.eq(CertificateState::Issued))
        .select(CertificateRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?;
    let Some(before) = in_force else { return Ok(None) };
    let after = diesel::update(certificates::table.find((user_id, before.id)))
        .set((
            certificates::state.eq(CertificateState::Superseded),
            certificates::superseded_by.eq(by),
            certificates::version.eq(certificates::version + 1),
            certificates::updated_at.eq(tx.now),
        ))
        .returning(CertificateRow::as_returning())
        .get_result(tx.conn)?;
    Ok(Some((before, after)))
}

/// The last day on which the completion of a certificate counts today; none if it does not expire.
pub fn counts_until(tx: &mut Tx, certificate: &CertificateRow) -> ApiResult<Option<NaiveDate>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
        valid_until: Option<NaiveDate>,
    }
    let row: Row = sql!(
        "SELECT {VALID_UNTIL} AS valid_until FROM completions c
         JOIN course_versions v ON v.id = c.course_version_id {joined_satisfied}
         WHERE c.user_id = {certificate.user_id} AND c.id = {certificate.completion_id}",
        joined_satisfied = joined_satisfied(),
    )
    .get_result(tx.conn)?;
    Ok(row.valid_until)
}

/// The certificate of a serial in canonical form.
pub fn of_serial(tx: &mut Tx, serial: &str) -> ApiResult<Option<CertificateRow>> {
    Ok(certificates::table
        .filter(certificates::serial.eq(serial))
        .select(CertificateRow::as_select())
        .first(tx.conn)
        .optional()?)
}
