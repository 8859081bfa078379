//! Reports: who must learn what and did, over the people and courses in the caller's scope. Reads all domains
//! above it and changes nothing.
//!
//! Each report is plain SQL, as JSON or as streamed CSV.

pub mod compliance;
pub mod events;
pub mod overdue;
pub mod transcripts;

use diesel::{QueryDsl, RunQueryDsl};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::{
    app::Tx,
    authz::{Permission, Protected, Scope},
    catalog::courses::model::Course,
    db::{Condition, Fixed, Sql, schema::courses},
    http::{ApiError, ApiResult, Faults},
    sql,
};

/// The routes behind authentication.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/reports")
            .service(compliance::routes::get_compliance_report)
            .service(overdue::routes::list_overdue_requirements)
            .service(transcripts::routes::get_transcript),
    );
    events::routes::configure(config);
}

/// Whether `column` is a unit or one of those below it; always without one.
fn below(column: &'static str, unit: Option<Uuid>) -> Sql {
    match unit {
        None => Sql::always(),
        Some(unit) => sql!(
            "{column} IN (SELECT below.descendant_id FROM org_unit_closure below
                WHERE below.ancestor_id = {unit})",
            column = Fixed(column),
        ),
    }
}

/// Everything that a report's parameters name and the caller may not report on.
fn check_named(tx: &mut Tx, unit: Option<Uuid>, course: Option<Uuid>, scope: &Scope) -> ApiResult<Faults> {
    let mut faults = Faults::default();
    faults.check(check_unit(tx, unit, scope))?;
    faults.check(check_course(tx, course, scope))?;
    Ok(faults)
}

/// Refuses a unit where the caller may see neither the unit nor any user below it.
fn check_unit(tx: &mut Tx, unit: Option<Uuid>, scope: &Scope) -> ApiResult<()> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        found: bool,
    }
    let Some(id) = unit else { return Ok(()) };
    let row: Found = diesel::RunQueryDsl::get_result(
        sql!(
            "SELECT EXISTS (SELECT FROM org_units
                WHERE org_units.id = {id} AND ({org_units}
                    OR EXISTS (SELECT FROM users WHERE {users} AND {below}))) AS found",
            org_units = scope.org_units("org_units.id"),
            users = scope.users("users.id"),
            below = below("users.org_unit_id", unit),
        ),
        tx.conn,
    )?;
    if row.found {
        return Ok(());
    }
    Err(ApiError::parameter(
        "org_unit_id",
        "names no org unit that you may report on",
    ))
}

/// Refuses a course that the caller may not know of.
fn check_course(tx: &mut Tx, course: Option<Uuid>, scope: &Scope) -> ApiResult<()> {
    let Some(id) = course else { return Ok(()) };
    let seen = courses::table
        .find(id)
        .filter(Condition::new(Course::visible(scope)))
        .count()
        .get_result::<i64>(tx.conn)?;
    if seen > 0 {
        return Ok(());
    }
    Err(ApiError::parameter(
        "course_id",
        "names no course that you may report on",
    ))
}

/// The users that the caller's reports cover: users in scope, and users who must take a course in scope.
fn people_in(scope: &Scope) -> Sql {
    if scope.is_everything() {
        return Sql::always();
    }
    Sql::any([
        scope.users("users.id"),
        sql!(
            "EXISTS (SELECT FROM requirements held WHERE held.user_id = users.id AND {courses})",
            courses = scope.courses("held.course_id"),
        ),
    ])
}

/// The permission of reports.
const RUN: Permission = Permission::ReportsRun;
