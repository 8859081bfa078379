//! What is public of a course that was published: the current version, without where its activities lead. The working copy is for
//! those whose scope covers the course; learners open activities through their enrollments.

use std::collections::HashMap;

use diesel::{QueryDsl, QueryResult, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{model::Course, modules::Modules, versions::model::CourseVersion};
use crate::{
    app::Tx,
    authz::{CallContext, Protected, Scope},
    db::{Condition, Sql, schema::course_versions},
    sql,
};

/// Shows the courses that `scope` does not cover as their current versions have them.
pub fn reduce(asking: &mut dyn CallContext, scope: &Scope, courses: &mut [Course]) -> QueryResult<()> {
    if scope.is_everything() || courses.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = courses.iter().map(|course| course.id).collect();
    let current = sql!(
        "course_versions.id IN (SELECT courses.current_version_id FROM courses WHERE courses.id = ANY({ids})
            AND ({covered}) IS NOT TRUE)",
        covered = Course::covered(scope),
    );
    let versions: Vec<CourseVersion> = course_versions::table
        .filter(Condition::new(current))
        .select(CourseVersion::as_select())
        .load(asking.connection())?;
    let mut versions: HashMap<Uuid, CourseVersion> = versions
        .into_iter()
        .map(|version| (version.course_id, version))
        .collect();
    for course in courses {
        let Some(version) = versions.remove(&course.id) else {
            continue;
        };
        let fields = &mut course.fields;
        fields.title = version.title;
        fields.summary = version.summary;
        fields.description = version.description;
        fields.language = version.language;
        fields.duration_minutes = version.duration_minutes;
        fields.credits = version.credits;
        fields.validity_period = version.validity_period;
        fields.modules = version.modules;
        hide_addresses(&mut fields.modules);
    }
    Ok(())
}

/// Shows versions of a course without where their activities lead, unless the caller's scope covers the course.
pub fn reduce_versions(tx: &mut Tx, course_id: Uuid, versions: &mut [CourseVersion]) -> QueryResult<()> {
    let covered = tx
        .caller
        .scope_if_any(Course::READ, tx.now)
        .map_or_else(Sql::never, |scope| Course::covered(&scope));
    let covered = sql!("SELECT FROM courses WHERE courses.id = {course_id} AND {covered}");
    if covered.execute(tx.conn)? == 0 {
        versions
            .iter_mut()
            .for_each(|version| hide_addresses(&mut version.modules));
    }
    Ok(())
}

fn hide_addresses(modules: &mut Modules) {
    let activities = modules.0.iter_mut().flat_map(|module| &mut module.activities);
    for activity in activities {
        activity.url = None;
        activity.content_version_id = None;
    }
}
