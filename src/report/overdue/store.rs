//! The statement of the overdue report.

use diesel::RunQueryDsl;

use super::model::{OverdueQuery, OverdueRequirement, OverdueRow};
use crate::{
    app::Tx,
    authz::{Protected, Scope},
    db::Sql,
    enrollment::requirements::filter::STATUS,
    http::{
        ApiResult, Faults, Listing, Page, Sort,
        list::{PagePlan, SortKind},
    },
    people::users::{filter, model::User},
    report, sql,
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "requirements.id",
    sorts: &[Sort {
        name: "due_on",
        column: "requirements.due_on",
        kind: SortKind::Date,
    }],
};

/// A page of what is overdue in the caller's scope.
///
/// `sized` says how many rows it takes.
pub fn list(
    tx: &mut Tx,
    query: &OverdueQuery,
    sized: fn(PagePlan) -> PagePlan,
) -> ApiResult<Page<OverdueRequirement>> {
    let scope = tx.scope(report::RUN)?;
    let faults = match query.faults.is_empty() {
        true => report::check_named(tx, query.org_unit_id, query.course_id, &scope)?,
        false => Faults::default(),
    };
    let filter = filter::condition(tx, query.filter.as_deref(), &scope);
    let (page, filter) = faults.last(query.common().with_filter(&LISTING, filter))?;
    let page = sized(page);
    let course = match query.course_id {
        Some(course) => sql!("requirements.course_id = {course}"),
        None => Sql::always(),
    };
    let conditions = [
        sql!("requirements.satisfied_at IS NULL AND requirements.ended_at IS NULL"),
        sql!("requirements.due_on < clock.today"),
        sql!("{STATUS} = 'overdue' AND users.status <> 'archived'"),
        scope.facts("requirements.user_id", "requirements.course_id"),
        report::below("users.org_unit_id", query.org_unit_id),
        course,
        filter,
    ];
    let rows: Vec<OverdueRow> = sql!(
        "SELECT requirements.id AS requirement_id, users.id AS user_id, users.username,
            users.given_name, users.family_name, users.email, unit.id AS org_unit_id,
            unit.code AS org_unit_code, unit.name AS org_unit_name, courses.id AS course_id,
            courses.code AS course_code, courses.title AS course_title, requirements.due_on,
            clock.today - requirements.due_on AS days_overdue, users.manager_id,
            manager.username AS manager_username,
            trim(manager.given_name || ' ' || manager.family_name) AS manager_name,
            manager.email AS manager_email, {key} AS sort_key FROM requirements
         CROSS JOIN (SELECT {today}::date AS today) clock
         JOIN users ON users.id = requirements.user_id
         JOIN courses ON courses.id = requirements.course_id
         LEFT JOIN org_units unit ON unit.id = users.org_unit_id
         LEFT JOIN users manager ON manager.id = users.manager_id AND {visible_managers}
         WHERE {rows}
         ORDER BY {order} LIMIT {limit}",
        key = page.key(),
        today = tx.today(),
        visible_managers = visible_managers(tx, &scope),
        rows = page.rows(conditions),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows
        .into_iter()
        .map(|row| (row.requirement, row.sort_key))
        .collect();
    Ok(page.page(rows, |row| row.requirement_id))
}

/// The managers who are named: users in the caller's report scope, and users that the caller may see.
fn visible_managers(tx: &Tx, scope: &Scope) -> Sql {
    let readable = tx.caller.scope_if_any(User::READ, tx.now);
    let scopes = readable.iter().chain([scope]);
    Sql::any(scopes.map(|scope| scope.users("manager.id")))
}
