//! Publishing: the working copy is frozen as the next version, and the version becomes the one that learners who enroll from
//! then on get.
//!
//! The same statements for any number of courses; the endpoints and the catalog import come here. A candidate is a version
//! that is frozen and not published yet.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types};
use uuid::Uuid;

use super::{
    contents,
    findings::CourseFinding,
    model::{Course, CourseStatus},
    modules::Modules,
    versions::{
        self,
        model::{CourseVersion, CourseVersionWithFindings},
    },
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

/// Publishes the working copy of one course, or says why not. Completions of earlier versions count until that day; for good, if
/// none is given.
pub fn publish(
    tx: &mut Tx,
    course: &Authorized<Course>,
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<CourseVersionWithFindings> {
    let (version, findings) = freeze(tx, course, None)?;
    release_one(tx, version, findings, earlier_count_until)
}

/// Publishes an earlier version once more, as the next one. The working copy stays as it is.
pub fn publish_again(
    tx: &mut Tx,
    course: &Authorized<Course>,
    number: i32,
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<CourseVersionWithFindings> {
    check_open(course)?;
    sql!("SELECT FROM courses WHERE id = {course.id} FOR UPDATE").execute(tx.conn)?;
    let findings = match versions::store::find(tx, course.id, number)? {
        Some(earlier) => contents::check_publishable(tx, &earlier.modules)?,
        None => Vec::new(),
    };
    let (id, number) = (Uuid::now_v7(), i64::from(number));
    let copied = sql!(
        "INSERT INTO course_versions (id, course_id, number, title, summary, description, language, duration_minutes, credits,
            validity_period, modules, frozen_at)
         SELECT {id}, v.course_id, (SELECT max(number) + 1 FROM course_versions WHERE course_id = v.course_id), v.title,
            v.summary, v.description, v.language, v.duration_minutes, v.credits, v.validity_period, v.modules, {tx.now}
         FROM course_versions v WHERE v.course_id = {course.id} AND v.number = {number} AND v.published_at IS NOT NULL
            AND v.id IS DISTINCT FROM {course.current_version_id}"
    )
    .execute(tx.conn)?;
    if copied == 0 {
        return Err(ApiError::field(
            "/version_number",
            "must be the number of a published version of this course, and not of the current one",
        ));
    }
    release_one(tx, id, findings, earlier_count_until)
}

/// Publishes a candidate as it was frozen, or says why not.
pub fn publish_candidate(
    tx: &mut Tx,
    course: &Authorized<Course>,
    version_id: Uuid,
    modules: &Modules,
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<CourseVersionWithFindings> {
    check_open(course)?;
    let findings = contents::check_publishable(tx, modules)?;
    release_one(tx, version_id, findings, earlier_count_until)
}

/// Publishes those of the courses that have modules, are not retired, and differ from their current version; answers
/// the new versions.
pub fn publish_all(tx: &mut Tx, ids: Vec<Uuid>) -> ApiResult<Vec<CourseVersion>> {
    let frozen = freeze_those(tx, ids, None)?;
    release(tx, &frozen, None)
}

/// Freezes the working copy of one course as a version, or says why not; answers the version's id, and what was found wrong with
/// its contents.
pub fn freeze(
    tx: &mut Tx,
    course: &Authorized<Course>,
    note: Option<String>,
) -> ApiResult<(Uuid, Vec<CourseFinding>)> {
    check_open(course)?;
    if course.modules.0.is_empty() {
        return Err(ApiError::new(
            Code::CourseHasNoModules,
            "Give it at least one module, then publish it.",
        ));
    }
    let findings = contents::check_publishable(tx, &course.modules)?;
    let frozen = freeze_those(tx, vec![course.id], note)?;
    let frozen = frozen.into_iter().next().ok_or_else(|| {
        ApiError::new(
            Code::CourseUnchanged,
            "Change its title, texts, language, length, credits, validity period or modules first.",
        )
    })?;
    Ok((frozen, findings))
}

#[derive(QueryableByName)]
struct Frozen {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

fn freeze_those(tx: &mut Tx, ids: Vec<Uuid>, note: Option<String>) -> ApiResult<Vec<Uuid>> {
    // A statement of its own: the next one then sees the changes of transactions that this one waited for.
    sql!("SELECT FROM courses WHERE id = ANY({ids}) ORDER BY id FOR UPDATE").execute(tx.conn)?;
    let version_ids: Vec<Uuid> = ids.iter().map(|_| Uuid::now_v7()).collect();
    let frozen: Vec<Frozen> = sql!(
        "WITH wanted AS (
            SELECT DISTINCT ON (course_id) course_id, version_id
            FROM unnest({ids}, {version_ids}) AS pair (course_id, version_id)
         )
         INSERT INTO course_versions (id, course_id, number, title, summary, description, language,
            duration_minutes, credits, validity_period, modules, note, frozen_at)
         SELECT wanted.version_id, c.id, coalesce((SELECT max(number) FROM course_versions WHERE course_id = c.id), 0) + 1,
            c.title, c.summary, c.description, c.language, c.duration_minutes, c.credits, c.validity_period, c.modules,
            {note}, {tx.now}
         FROM wanted
         JOIN courses c ON c.id = wanted.course_id
         LEFT JOIN course_versions current ON current.id = c.current_version_id
         WHERE c.status <> 'retired' AND c.modules <> '[]'
            AND (c.title, c.summary, c.description, c.language, c.duration_minutes, c.credits,
                c.validity_period, c.modules) IS DISTINCT FROM (current.title, current.summary,
                    current.description, current.language, current.duration_minutes,
                    current.credits, current.validity_period, current.modules)
         RETURNING id"
    )
    .load(tx.conn)?;
    Ok(frozen.into_iter().map(|version| version.id).collect())
}

/// Publishes frozen versions as they stand, one of each course.
fn release(
    tx: &mut Tx,
    version_ids: &[Uuid],
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<Vec<CourseVersion>> {
    sql!(
        "WITH published AS (
            UPDATE course_versions SET published_at = {tx.now}, earlier_count_until = {earlier_count_until}
            WHERE id = ANY({version_ids}) AND published_at IS NULL AND discarded_at IS NULL
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

/// 409 for a retired course.
fn check_open(course: &Course) -> ApiResult<()> {
    match course.status {
        CourseStatus::Retired => Err(ApiError::new(
            Code::CourseRetired,
            "Bring it back first: DELETE its retirement.",
        )),
        _ => Ok(()),
    }
}

fn release_one(
    tx: &mut Tx,
    version_id: Uuid,
    findings: Vec<CourseFinding>,
    earlier_count_until: Option<NaiveDate>,
) -> ApiResult<CourseVersionWithFindings> {
    let version = release(tx, &[version_id], earlier_count_until)?
        .into_iter()
        .next();
    let version = version.ok_or_else(|| ApiError::internal("a version is missing after it was written"))?;
    Ok(CourseVersionWithFindings { version, findings })
}
