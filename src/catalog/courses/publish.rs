//! Publishing: the working copy is frozen as the next version, which learners who enroll from then on get.
//!
//! One statement for any number of courses; the endpoint and the catalog import both come here.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    model::{Course, CourseStatus},
    versions::model::CourseVersion,
};
use crate::{
    app::Tx,
    authz::Authorized,
    catalog::events::COURSE_PUBLISHED,
    db::schema::course_versions,
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    sql,
};

/// Publishes one course, or says why not. Completions of earlier versions count until that day; for good, if none is given.
pub fn publish(
    tx: &mut Tx,
    course: &Authorized<Course>,
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<CourseVersion> {
    if course.status == CourseStatus::Retired {
        return Err(ApiError::new(
            Code::CourseRetired,
            "Bring it back first: DELETE its retirement.",
        ));
    }
    if course.modules.0.is_empty() {
        return Err(ApiError::new(
            Code::CourseHasNoModules,
            "Give it at least one module, then publish it.",
        ));
    }
    publish_those(tx, vec![course.id], earlier_count_until)?
        .pop()
        .ok_or_else(|| {
            ApiError::new(
                Code::CourseUnchanged,
                "Change its title, texts, language, length, credits, validity period or modules first.",
            )
        })
}

/// Publishes those of the courses that have modules, are not retired, and differ from their current version; answers
/// the new versions.
pub fn publish_all(tx: &mut Tx, ids: Vec<Uuid>) -> ApiResult<Vec<CourseVersion>> {
    publish_those(tx, ids, None)
}

fn publish_those(
    tx: &mut Tx,
    ids: Vec<Uuid>,
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<Vec<CourseVersion>> {
    // A statement of its own: the next one then sees the changes of transactions that this one waited for.
    sql!("SELECT FROM courses WHERE id = ANY({ids}) ORDER BY id FOR UPDATE").execute(tx.conn)?;
    let version_ids: Vec<Uuid> = ids.iter().map(|_| Uuid::now_v7()).collect();
    sql!(
        "WITH wanted AS (
            SELECT DISTINCT ON (course_id) course_id, version_id
            FROM unnest({ids}, {version_ids}) AS pair (course_id, version_id)
         ), published AS (
            INSERT INTO course_versions (id, course_id, number, title, summary, description, language,
                duration_minutes, credits, validity_period, modules, earlier_count_until, published_at)
            SELECT wanted.version_id, c.id, coalesce(current.number, 0) + 1, c.title, c.summary,
                c.description, c.language, c.duration_minutes, c.credits, c.validity_period, c.modules,
                {earlier_count_until}, {tx.now}
            FROM wanted
            JOIN courses c ON c.id = wanted.course_id
            LEFT JOIN course_versions current ON current.id = c.current_version_id
            WHERE c.status <> 'retired' AND c.modules <> '[]'
                AND (c.title, c.summary, c.description, c.language, c.duration_minutes, c.credits,
                    c.validity_period, c.modules) IS DISTINCT FROM (current.title, current.summary,
                        current.description, current.language, current.duration_minutes,
                        current.credits, current.validity_period, current.modules)
            RETURNING id, course_id, number
         )
         UPDATE courses SET status = 'published', current_version_id = published.id,
            current_version_number = published.number, version = version + 1, updated_at = {tx.now}
         FROM published WHERE courses.id = published.course_id"
    )
    .execute(tx.conn)?;
    let versions: Vec<CourseVersion> = course_versions::table
        .filter(course_versions::id.eq_any(version_ids))
        .order(course_versions::id)
        .select(CourseVersion::as_select())
        .load(tx.conn)?;
    for version in &versions {
        tx.record(Event::new(&COURSE_PUBLISHED, version.course_id).after(version));
    }
    Ok(versions)
}
