//! The statements of requirements.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    ExpressionMethods, Insertable, QueryDsl, QueryResult, QueryableByName, RunQueryDsl, SelectableHelper,
    sql_types,
};
use uuid::Uuid;

use super::{
    filter::{DECLARATION, STATUS},
    model::{
        CreateRequirement, OpenedRequirement, OpeningReason, Requirement, RequirementReason, RequirementRow,
        RequirementWithReasons,
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
    enrollment::people::Pair,
    http::{ApiResult, ListQuery, Page},
    sql,
};

/// The rows with their status, and one `clock` row that holds today.
fn from(today: NaiveDate) -> Sql {
    sql!(
        "FROM requirements CROSS JOIN (SELECT {today}::date AS today) clock WHERE",
        today = today,
    )
}

const COLUMNS: Fixed = Fixed("SELECT requirements.*,");

/// A page of the requirements that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Requirement>> {
    let scope = tx.scope(Requirement::READ)?;
    let (page, filter) = DECLARATION.plan(tx, Requirement::ID, query)?;
    let rows: Vec<RequirementRow> = sql!(
        "{COLUMNS} {STATUS} AS status, {key} AS sort_key {from} {rows}
         ORDER BY {order} LIMIT {limit}",
        key = page.key(),
        from = from(tx.today()),
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
    course_id: Uuid,
    /// Its id.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// Its cycle.
    #[diesel(sql_type = sql_types::Integer)]
    pub cycle: i32,
    /// Whether it is open, or satisfied and counts still: then another reason is given to it.
    #[diesel(sql_type = sql_types::Bool)]
    pub stands: bool,
}

/// The latest requirements of people and courses.
pub fn latest(tx: &mut Tx, pairs: impl IntoIterator<Item = Pair>) -> ApiResult<HashMap<Pair, Latest>> {
    let (people, courses): (Vec<Uuid>, Vec<Uuid>) = pairs.into_iter().unzip();
    let latest: Vec<Latest> = sql!(
        "SELECT DISTINCT ON (user_id, course_id) user_id, course_id, id, cycle,
            ended_at IS NULL AND (satisfied_at IS NULL OR valid_until IS NULL OR valid_until >= {today}) AS stands
         FROM requirements WHERE user_id = ANY({people}) AND course_id = ANY({courses})
         ORDER BY user_id, course_id, cycle DESC",
        today = tx.today(),
    )
    .load(tx.conn)?;
    let latest = latest.into_iter();
    Ok(latest.map(|row| ((row.user_id, row.course_id), row)).collect())
}

/// A requirement to be added.
#[derive(Debug, Insertable)]
#[diesel(table_name = requirements)]
pub struct NewRequirement {
    /// Its id.
    pub id: Uuid,
    user_id: Uuid,
    course_id: Uuid,
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
            course_id: new.course_id,
            cycle,
            opens_on,
            due_on: new.due_on,
            created_at: tx.now,
            updated_at: tx.now,
        }
    }

    /// What its event tells: that it opened for this reason.
    pub fn opened(&self, reason: &RequirementReason) -> OpenedRequirement {
        OpenedRequirement {
            id: self.id,
            user_id: self.user_id,
            course_id: self.course_id,
            cycle: self.cycle,
            opens_on: self.opens_on,
            due_on: self.due_on,
            reasons: vec![OpeningReason::from(reason)],
        }
    }

    /// What it is to requests for another reason.
    pub fn latest(&self) -> Latest {
        Latest {
            user_id: self.user_id,
            course_id: self.course_id,
            id: self.id,
            cycle: self.cycle,
            stands: true,
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
    let ended: Vec<Ended> = sql!(
        "UPDATE requirements q SET ended_at = {tx.now}, end_reason = 'withdrawn', version = version + 1,
            updated_at = {tx.now} WHERE q.user_id = ANY({people}) AND q.id = ANY({ids})
            AND q.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM requirement_reasons rr
                WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id AND rr.ended_at IS NULL)
         RETURNING q.id"
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
    let shown = requirements
        .into_iter()
        .map(|requirement| RequirementWithReasons {
            reasons: reasons.remove(&requirement.id).unwrap_or_default(),
            requirement,
        });
    Ok(shown.collect())
}
