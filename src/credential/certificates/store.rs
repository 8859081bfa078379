//! The statements of certificates.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types::Jsonb,
};
use serde_json::Value;
use uuid::Uuid;

use super::model::{Certificate, CertificateRow, CertificateState};
use crate::{
    access::{Authorized, Protected},
    app::{NotedCompletion, Tx},
    db::{
        Sql, bind,
        schema::{certificate_files, certificates, completions, course_versions, users},
    },
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, filter::parse, list::SortKind},
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
pub const STATE: &str = "(CASE WHEN certificates.state = 'issued' AND certificates.valid_until < clock.today
    THEN 'expired' ELSE certificates.state END)";

static CERTIFICATES: Schema = Schema::new(attributes! {
    "id" Kind::Id, "certificates.id", "Our id.";
    "user_id" Kind::Id, "certificates.user_id", "Whose.";
    "course_id" Kind::Id, "certificates.course_id", "For which course.";
    "completion_id" Kind::Id, "certificates.completion_id", "For which completion.";
    "serial" Kind::String, "certificates.serial", "What it is verified by.";
    "state" Kind::Enum(CertificateState::WORDS), STATE, "Whether it is good today.";
    "issued_at" Kind::Instant, "certificates.issued_at", "When it was issued.";
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
    let page = query.plan(&LISTING)?;
    let filter = match query.filter.as_deref() {
        Some(text) => parse(text, &CERTIFICATES)?.to_sql(&tx.filter_clock()),
        None => Sql::always(),
    };
    let rows: Vec<ListRow> = sql![
        "SELECT certificates.*, ",
        page.key(),
        " AS sort_key FROM certificates CROSS JOIN (SELECT ",
        bind(today),
        "::date AS today) clock WHERE ",
        page.rows([CertificateRow::covered(&scope), filter]),
        " ORDER BY ",
        page.order(),
        " LIMIT ",
        bind(page.limit())
    ]
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

/// What a certificate is issued from.
#[derive(diesel::Queryable)]
pub struct Evidence {
    pub user_id: Uuid,
    pub given_name: String,
    pub family_name: String,
    pub completion_id: Uuid,
    pub course_id: Uuid,
    pub course: String,
    pub occurred_at: DateTime<Utc>,
    pub valid_until: Option<NaiveDate>,
    /// The completion that this one corrects.
    pub supersedes_id: Option<Uuid>,
}

/// A completion with its learner and the course version that was completed.
pub fn evidence(tx: &mut Tx, user_id: Uuid, completion_id: Uuid) -> ApiResult<Option<Evidence>> {
    let one = NotedCompletion {
        user_id,
        completion_id,
    };
    Ok(evidence_of_all(tx, &[one])?.pop())
}

/// As [`evidence`], for many.
pub fn evidence_of_all(tx: &mut Tx, noted: &[NotedCompletion]) -> ApiResult<Vec<Evidence>> {
    let users_noted: Vec<Uuid> = noted.iter().map(|one| one.user_id).collect();
    let completions_noted: Vec<Uuid> = noted.iter().map(|one| one.completion_id).collect();
    Ok(completions::table
        .filter(completions::user_id.eq_any(users_noted))
        .filter(completions::id.eq_any(completions_noted))
        .inner_join(users::table)
        .inner_join(course_versions::table)
        .order(completions::id)
        .select((
            users::id,
            users::given_name,
            users::family_name,
            completions::id,
            completions::course_id,
            course_versions::title,
            completions::occurred_at,
            completions::valid_until,
            completions::supersedes_id,
        ))
        .load(tx.conn)?)
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

/// Adds a certificate, unless one of its completion is in force already.
pub fn insert(tx: &mut Tx, row: &CertificateRow) -> ApiResult<bool> {
    Ok(insert_all(tx, std::slice::from_ref(row))? == 1)
}

/// Rows of one statement: 16 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// As [`insert`], for many: how many were added.
pub fn insert_all(tx: &mut Tx, rows: &[CertificateRow]) -> ApiResult<usize> {
    let mut added = 0;
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        added += diesel::insert_into(certificates::table)
            .values(chunk)
            .on_conflict_do_nothing()
            .execute(tx.conn)?;
    }
    Ok(added)
}

/// Keeps a certificate's PDF.
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
pub fn revoke(
    tx: &mut Tx,
    certificate: &Authorized<CertificateRow>,
    reason: &str,
) -> ApiResult<CertificateRow> {
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

/// Puts `by` in the place of the certificate of a completion that is in force, if there is one.
pub fn supersede(
    tx: &mut Tx,
    user_id: Uuid,
    completion_id: Uuid,
    by: Uuid,
) -> ApiResult<Option<CertificateRow>> {
    let in_force = certificates::table
        .filter(certificates::user_id.eq(user_id))
        .filter(certificates::completion_id.eq(completion_id))
        .filter(certificates::state.eq(CertificateState::Issued));
    Ok(diesel::update(in_force)
        .set((
            certificates::state.eq(CertificateState::Superseded),
            certificates::superseded_by.eq(by),
            certificates::version.eq(certificates::version + 1),
            certificates::updated_at.eq(tx.now),
        ))
        .returning(CertificateRow::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

/// The certificate of a serial in canonical form.
pub fn of_serial(tx: &mut Tx, serial: &str) -> ApiResult<Option<CertificateRow>> {
    Ok(certificates::table
        .filter(certificates::serial.eq(serial))
        .select(CertificateRow::as_select())
        .first(tx.conn)
        .optional()?)
}
