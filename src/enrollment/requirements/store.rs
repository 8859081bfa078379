//! The statements of requirements.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, QueryableByName, RunQueryDsl, SelectableHelper, sql_types::Bool,
};
use uuid::Uuid;

use super::{
    filter::{REQUIREMENTS, STATUS},
    model::{Requirement, RequirementReason, RequirementRow, RequirementWithReasons},
};
use crate::{
    access::Protected,
    app::Tx,
    authz::CallContext,
    db::{Condition, Fixed, Sql, schema::requirement_reasons},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "requirements.id",
    sorts: &[Sort {
        name: "created_at",
        column: "requirements.created_at",
        kind: SortKind::Instant,
    }],
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
    let (page, filter) = query.page(&LISTING, &REQUIREMENTS, &tx.filter_clock())?;
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
        #[diesel(sql_type = Bool)]
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

/// A requirement.
pub fn find(tx: &mut Tx, user_id: Uuid, id: Uuid) -> ApiResult<Requirement> {
    let named = sql!("requirements.user_id = {user_id} AND requirements.id = {id}");
    let found = select(tx, Condition::new(named), Condition::new(Sql::always()), false)?;
    found
        .into_iter()
        .next()
        .map(|(requirement, _)| requirement)
        .ok_or_else(|| ApiError::not_found(Requirement::NAME))
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
    let ids: Vec<Uuid> = requirements.iter().map(|requirement| requirement.id).collect();
    let mut reasons: Vec<(Uuid, RequirementReason)> = requirement_reasons::table
        .filter(requirement_reasons::user_id.eq(user_id))
        .filter(requirement_reasons::requirement_id.eq_any(ids))
        .order((requirement_reasons::created_at, requirement_reasons::id))
        .select((
            requirement_reasons::requirement_id,
            RequirementReason::as_select(),
        ))
        .load(tx.conn)?;
    Ok(requirements
        .into_iter()
        .map(|requirement| RequirementWithReasons {
            reasons: reasons
                .extract_if(.., |(id, _)| *id == requirement.id)
                .map(|(_, reason)| reason)
                .collect(),
            requirement,
        })
        .collect())
}

/// A requirement with its reasons, oldest first.
pub fn with_reasons(tx: &mut Tx, requirement: Requirement) -> ApiResult<RequirementWithReasons> {
    let reasons = requirement_reasons::table
        .filter(requirement_reasons::user_id.eq(requirement.user_id))
        .filter(requirement_reasons::requirement_id.eq(requirement.id))
        .order((requirement_reasons::created_at, requirement_reasons::id))
        .select(RequirementReason::as_select())
        .load(tx.conn)?;
    Ok(RequirementWithReasons { requirement, reasons })
}
