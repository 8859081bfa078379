//! The statements of requirements.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    ExpressionMethods, Insertable, QueryDsl, QueryResult, QueryableByName, RunQueryDsl, SelectableHelper,
    sql_types,
};
use uuid::Uuid;

use super::{
    deciding::DecidingReasons,
    filter::{DECLARATION, STATUS},
    model::{
        CreateRequirement, ListRequirements, OpenedRequirement, OpeningReason, Requirement,
        RequirementReason, RequirementRow, RequirementWithReasons, StoredRequirement,
    },
};
use crate::{
    app::Tx,
    authz::CallContext,
    authz::Protected,
    db::{
        Condition, Fixed, Sql,
        schema::{requirement_reasons, requirements},
    },
    enrollment::{events::REQUIREMENT_RESUMED, people::Pair, target::Target},
    http::{ApiResult, Page},
    resource::record::as_json,
    sql,
};

/// The rows with their status, and one `clock` row that holds today.
fn from(today: NaiveDate) -> Sql {
    sql!(
        "FROM requirements CROSS JOIN (SELECT {today}::date AS today) clock WHERE",
        today = today,
    )
}

const COLUMNS: Fixed =
    Fixed("SELECT requirements.*, target_json(requirements.course_id, requirements.path_id) AS target,");

/// The rows as of a day, as they were known at an instant; in the place of [`from`].
fn from_past(day: NaiveDate, known_at: DateTime<Utc>) -> Sql {
    sql!(
        "FROM (SELECT r.id, r.user_id, r.course_id, r.path_id, r.cycle, v.opens_on, v.due_on, v.version, r.created_at,
                v.recorded_at AS updated_at,
                CASE WHEN is_satisfied THEN v.satisfied_at END AS satisfied_at,
                CASE WHEN is_satisfied THEN v.completion_id END AS completion_id,
                CASE WHEN is_satisfied THEN v.waiver_id END AS waiver_id,
                CASE WHEN is_satisfied THEN v.valid_until END AS valid_until,
                CASE WHEN is_satisfied THEN v.renews_on END AS renews_on,
                CASE WHEN has_ended THEN v.ended_at END AS ended_at,
                CASE WHEN has_ended THEN v.end_reason END AS end_reason
            FROM requirements r CROSS JOIN LATERAL (
                SELECT r.opens_on, r.due_on, r.satisfied_at, r.completion_id, r.waiver_id, r.valid_until, r.renews_on,
                    r.ended_at, r.end_reason, r.version, r.updated_at AS recorded_at WHERE r.updated_at <= {known_at}
                UNION ALL
                SELECT h.opens_on, h.due_on, h.satisfied_at, h.completion_id, h.waiver_id, h.valid_until, h.renews_on,
                    h.ended_at, h.end_reason, h.version, h.recorded_at FROM requirement_history h
                WHERE h.user_id = r.user_id AND h.requirement_id = r.id AND r.updated_at > {known_at}
                    AND h.recorded_at <= {known_at} AND h.superseded_at > {known_at}
                ORDER BY version DESC LIMIT 1) v
            CROSS JOIN LATERAL (SELECT (v.satisfied_at AT TIME ZONE 'UTC')::date <= {day}
                    AND v.end_reason IS DISTINCT FROM 'evidence_gone' AS is_satisfied,
                (v.ended_at AT TIME ZONE 'UTC')::date <= {day} AS has_ended) by_then
            WHERE least(v.opens_on, (r.created_at AT TIME ZONE 'UTC')::date) <= {day}) requirements
         CROSS JOIN (SELECT {day}::date AS today) clock WHERE"
    )
}

/// The last day on which what satisfies a requirement `q` counts. A satisfied one has no `valid_until` for users who left the audience
/// of a rule with `keep_until_satisfied`; its reasons tell still.
pub const COUNTS_UNTIL: Fixed = Fixed(
    "coalesce(q.valid_until, (SELECT min(rr.valid_until) FROM requirement_reasons rr
        WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id AND rr.ended_at IS NOT DISTINCT FROM q.ended_at))",
);

/// A page of the requirements that the caller may see.
pub fn list(tx: &mut Tx, query: &ListRequirements) -> ApiResult<Page<Requirement>> {
    let scope = tx.scope(Requirement::READ)?;
    let (page, filter) = DECLARATION.plan(tx, Requirement::ID, &query.list())?;
    let from = match (query.as_of, query.known_at) {
        (None, None) => from(tx.today()),
        (day, known_at) => {
            let known_at = known_at.unwrap_or(tx.now);
            from_past(day.unwrap_or_else(|| known_at.date_naive()), known_at)
        }
    };
    let rows: Vec<RequirementRow> = sql!(
        "{COLUMNS} {STATUS} AS status, {key} AS sort_key {from} {rows}
         ORDER BY {order} LIMIT {limit}",
        key = page.key(),
        rows = page.rows([Requirement::covered(&scope), filter]),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows
        .into_iter()
        .map(|row| (row.requirement, row.sort_key))
        .collect();
    Ok(page.page(rows, |requirement| requirement.id))
}

/// See [`Protected::select`] and [`Protected::select_all`].
pub fn select(
    asking: &mut dyn CallContext,
    condition: Condition,
    allowed: Condition,
    lock: bool,
) -> QueryResult<Vec<(Requirement, bool)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        requirement: Requirement,
        #[diesel(sql_type = sql_types::Bool)]
        allowed: bool,
    }
    let rows: Vec<Row> = sql!(
        "{COLUMNS} {STATUS} AS status, {allowed} AS allowed {from} {condition}
         ORDER BY requirements.id{lock}",
        from = from(asking.now().date_naive()),
        lock = Fixed(if lock { " FOR UPDATE OF requirements" } else { "" }),
    )
    .load(asking.connection())?;
    Ok(rows
        .into_iter()
        .map(|row| (row.requirement, row.allowed))
        .collect())
}

/// Requirements, by pairs of person and id.
pub fn of_ids(tx: &mut Tx, ids: impl IntoIterator<Item = Pair>) -> ApiResult<Vec<Requirement>> {
    let (people, ids): (Vec<Uuid>, Vec<Uuid>) = ids.into_iter().unzip();
    let named = sql!("requirements.user_id = ANY({people}) AND requirements.id = ANY({ids})");
    let found = select(tx, Condition::new(named), Condition::new(Sql::always()), false)?;
    Ok(found.into_iter().map(|(requirement, _)| requirement).collect())
}

/// The requirement of the latest cycle of a person and a course.
#[derive(Debug, QueryableByName)]
pub struct Latest {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    target_id: Uuid,
    /// Its id.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// Its cycle.
    #[diesel(sql_type = sql_types::Integer)]
    pub cycle: i32,
    /// The last day on which what satisfies it counts, if there is one.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    valid_until: Option<NaiveDate>,
    /// Whether it ended; then it goes on, if it stands.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_ended: bool,
}

impl Latest {
    /// Whether it is open, or satisfied and counts still: then another reason is given to it.
    pub fn stands_on(&self, today: NaiveDate) -> bool {
        self.valid_until.is_none_or(|day| day >= today)
    }
}

/// The latest requirements of people and targets.
pub fn latest(tx: &mut Tx, pairs: impl IntoIterator<Item = Pair>) -> ApiResult<HashMap<Pair, Latest>> {
    let (people, targets): (Vec<Uuid>, Vec<Uuid>) = pairs.into_iter().unzip();
    let latest: Vec<Latest> = sql!(
        "SELECT q.user_id, q.target_id, q.id, q.cycle, q.ended_at IS NOT NULL AS is_ended,
            CASE WHEN q.satisfied_at IS NOT NULL THEN {COUNTS_UNTIL} END AS valid_until
         FROM (SELECT DISTINCT ON (user_id, target_id) * FROM requirements
            WHERE user_id = ANY({people}) AND target_id = ANY({targets}) ORDER BY user_id, target_id, cycle DESC) q"
    )
    .load(tx.conn)?;
    let latest = latest.into_iter();
    Ok(latest.map(|row| ((row.user_id, row.target_id), row)).collect())
}

/// A requirement to be added.
#[derive(Debug, Insertable)]
#[diesel(table_name = requirements)]
pub struct NewRequirement {
    /// Its id.
    pub id: Uuid,
    user_id: Uuid,
    course_id: Option<Uuid>,
    cycle: i32,
    opens_on: NaiveDate,
    due_on: Option<NaiveDate>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl NewRequirement {
    /// A requirement that a person assigns.
    pub fn new(tx: &Tx, new: &CreateRequirement, cycle: i32, opens_on: NaiveDate) -> Self {
        NewRequirement {
            id: Uuid::now_v7(),
            user_id: new.user_id,
            course_id: new.target.course_id(),
            cycle,
            opens_on,
            due_on: new.due_on,
            created_at: tx.now,
            updated_at: tx.now,
        }
    }

    /// What its event tells: that it opened for this reason.
    pub fn opened(&self, target: Target, reason: &RequirementReason) -> OpenedRequirement {
        OpenedRequirement {
            id: self.id,
            user_id: self.user_id,
            target,
            cycle: self.cycle,
            opens_on: self.opens_on,
            due_on: self.due_on,
            reasons: vec![OpeningReason::from(reason)],
        }
    }

    /// What it is to requests for another reason.
    pub fn latest(&self, target: Target) -> Latest {
        Latest {
            user_id: self.user_id,
            target_id: target.id,
            id: self.id,
            cycle: self.cycle,
            valid_until: None,
            is_ended: false,
        }
    }
}

/// A reason to be added.
#[derive(Debug, Insertable)]
#[diesel(table_name = requirement_reasons)]
pub struct NewReason {
    /// The user.
    pub user_id: Uuid,
    /// Of which requirement.
    pub requirement_id: Uuid,
    /// Since when it says what it says.
    pub recorded_at: DateTime<Utc>,
    /// The reason.
    #[diesel(embed)]
    pub reason: RequirementReason,
}

/// Adds requirements, and reasons of these and others.
pub fn insert(tx: &mut Tx, opened: &[NewRequirement], reasons: &[NewReason]) -> ApiResult<()> {
    diesel::insert_into(requirements::table)
        .values(opened)
        .execute(tx.conn)?;
    diesel::insert_into(requirement_reasons::table)
        .values(reasons)
        .execute(tx.conn)?;
    Ok(())
}

/// Lets ended requirements go on, with their events. An unsatisfied one opens on the day that is given with it.
pub fn resume(tx: &mut Tx, requirements: &[(Uuid, Uuid, NaiveDate)]) -> ApiResult<()> {
    if requirements.is_empty() {
        return Ok(());
    }
    let people: Vec<Uuid> = requirements.iter().map(|(user, ..)| *user).collect();
    let ids: Vec<Uuid> = requirements.iter().map(|(_, id, _)| *id).collect();
    let days: Vec<String> = requirements.iter().map(|(.., day)| day.to_string()).collect();
    let now = tx.now;
    let resumed = sql!("q.user_id = ANY({people}) AND q.id = ANY({ids}) AND q.ended_at IS NOT NULL");
    let given = sql!(
        "(SELECT user_id, id, day::date AS today FROM unnest({people}, {ids}, {days}) AS given (user_id, id, day)) given"
    );
    let changes = sql!(
        "changes AS (SELECT {REQUIREMENT_RESUMED.action} AS action, q.id, q.user_id, {before} AS before, {after} AS after
            FROM requirements q JOIN {given} ON given.user_id = q.user_id AND given.id = q.id
            CROSS JOIN LATERAL (SELECT q.id, q.user_id, q.course_id, q.path_id, q.cycle,
                CASE WHEN q.satisfied_at IS NULL THEN given.today ELSE q.opens_on END AS opens_on, q.due_on, q.satisfied_at,
                q.completion_id, q.waiver_id, q.valid_until, q.renews_on, NULL::timestamptz AS ended_at,
                NULL::text AS end_reason, q.version + 1 AS version) n WHERE {resumed})",
        before = as_json::<StoredRequirement>("q."),
        after = as_json::<StoredRequirement>("n."),
    );
    tx.record_changes(&[&REQUIREMENT_RESUMED], changes)?;
    keep_history(tx, &resumed)?;
    sql!(
        "UPDATE requirements q SET ended_at = NULL, end_reason = NULL, version = q.version + 1, updated_at = {now},
            opens_on = CASE WHEN q.satisfied_at IS NULL THEN given.today ELSE q.opens_on END
         FROM {given} WHERE given.user_id = q.user_id AND given.id = q.id AND {resumed}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Keeps what requirements `q` that are about to change say.
pub fn keep_history(tx: &mut Tx, changing: &Sql) -> ApiResult<()> {
    sql!(
        "INSERT INTO requirement_history (user_id, requirement_id, opens_on, due_on, satisfied_at, completion_id, waiver_id,
            valid_until, renews_on, ended_at, end_reason, version, recorded_at, superseded_at)
         SELECT q.user_id, q.id, q.opens_on, q.due_on, q.satisfied_at, q.completion_id, q.waiver_id, q.valid_until,
            q.renews_on, q.ended_at, q.end_reason, q.version, q.updated_at, {tx.now} FROM requirements q WHERE {changing}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Those of the reasons that are live, each with its requirement.
pub fn live_reasons(
    tx: &mut Tx,
    people: &[Uuid],
    reasons: &[Uuid],
) -> ApiResult<Vec<(Uuid, RequirementReason)>> {
    Ok(requirement_reasons::table
        .filter(requirement_reasons::user_id.eq_any(people))
        .filter(requirement_reasons::id.eq_any(reasons))
        .filter(requirement_reasons::ended_at.is_null())
        .select((
            requirement_reasons::requirement_id,
            RequirementReason::as_select(),
        ))
        .load(tx.conn)?)
}

/// Ends reasons of requirements, and those requirements that have no other. Answers which those are.
pub fn end_reasons(tx: &mut Tx, requirements: &[Pair], reasons: &[Uuid]) -> ApiResult<HashSet<Uuid>> {
    #[derive(QueryableByName)]
    struct Ended {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let (people, ids): (Vec<Uuid>, Vec<Uuid>) = requirements.iter().copied().unzip();
    sql!(
        "UPDATE requirement_reasons SET ended_at = {tx.now} WHERE user_id = ANY({people}) AND id = ANY({reasons})"
    )
    .execute(tx.conn)?;
    let ending = sql!(
        "q.user_id = ANY({people}) AND q.id = ANY({ids}) AND q.ended_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM requirement_reasons rr
                WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id AND rr.ended_at IS NULL)"
    );
    keep_history(tx, &ending)?;
    let ended: Vec<Ended> = sql!(
        "UPDATE requirements q SET ended_at = {tx.now}, end_reason = 'withdrawn', version = version + 1,
            updated_at = {tx.now} WHERE {ending} RETURNING q.id"
    )
    .load(tx.conn)?;
    Ok(ended.into_iter().map(|row| row.id).collect())
}

/// The requirements of a person that a rule is or was a reason of, oldest first.
pub fn of_rule(tx: &mut Tx, user_id: Uuid, rule_id: Uuid) -> ApiResult<Vec<RequirementWithReasons>> {
    let requirements: Vec<Requirement> = sql!(
        "{COLUMNS} {STATUS} AS status {from} requirements.user_id = {user_id}
            AND EXISTS (SELECT 1 FROM requirement_reasons rr WHERE rr.user_id = requirements.user_id
                    AND rr.requirement_id = requirements.id AND rr.rule_id = {rule_id})
         ORDER BY requirements.created_at, requirements.id",
        from = from(tx.today()),
    )
    .load(tx.conn)?;
    with_reasons(tx, requirements)
}

/// Requirements with their reasons, oldest first.
pub fn with_reasons(tx: &mut Tx, requirements: Vec<Requirement>) -> ApiResult<Vec<RequirementWithReasons>> {
    let of = |id: fn(&Requirement) -> Uuid| requirements.iter().map(id).collect::<Vec<_>>();
    let found: Vec<(Uuid, RequirementReason)> = requirement_reasons::table
        .filter(requirement_reasons::user_id.eq_any(of(|requirement| requirement.user_id)))
        .filter(requirement_reasons::requirement_id.eq_any(of(|requirement| requirement.id)))
        .order((requirement_reasons::created_at, requirement_reasons::id))
        .select((
            requirement_reasons::requirement_id,
            RequirementReason::as_select(),
        ))
        .load(tx.conn)?;
    let mut reasons: HashMap<Uuid, Vec<RequirementReason>> = HashMap::new();
    for (requirement, reason) in found {
        reasons.entry(requirement).or_default().push(reason);
    }
    let shown = requirements.into_iter().map(|requirement| {
        let reasons = reasons.remove(&requirement.id).unwrap_or_default();
        RequirementWithReasons {
            decides: DecidingReasons::of_stored(&requirement, &reasons),
            requirement,
            reasons,
        }
    });
    Ok(shown.collect())
}
