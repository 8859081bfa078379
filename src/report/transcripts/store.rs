//! The statement of a transcript.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{Nullable, Timestamptz},
};

use super::model::{Transcript, TranscriptEntry, TranscriptLearner};
use crate::{
    app::Tx,
    authz::{self, Protected},
    credential::certificates::store::STATE,
    db::Fixed,
    enrollment::{
        completions::store::{VALID_UNTIL, joined_satisfied},
        requirements::filter::STATUS,
    },
    http::{ApiResult, Ref},
    people::days::Zones,
    sql,
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    entry: TranscriptEntry,
    /// What the day is made of, where no day is stored.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    began_at: Option<DateTime<Utc>>,
}

/// The transcript of a person whose completions the caller may see; of the courses in the caller's scope.
pub fn transcript(tx: &mut Tx, id: &Ref<TranscriptLearner>) -> ApiResult<Transcript> {
    let learner = authz::read(tx, id)?;
    let scope = tx.scope(TranscriptLearner::READ)?;
    let of = |table_user: &'static str, table_course: &'static str| {
        sql!(
            "{table_user} = {learner.id} AND {facts}",
            table_user = Fixed(table_user),
            facts = scope.facts(table_user, table_course),
        )
    };
    let rows: Vec<Row> = sql!(
        "WITH clock AS (SELECT {today}::date AS today)
         SELECT 'completion' AS kind, c.id, courses.id AS course_id,
            courses.code AS course_code, v.title AS course_title,
            CASE WHEN EXISTS (SELECT FROM completions correction
                WHERE correction.user_id = c.user_id AND correction.supersedes_id = c.id) THEN 'corrected'
                WHEN c.is_void THEN 'void'
                WHEN {VALID_UNTIL} < clock.today THEN 'expired' ELSE 'valid' END AS status,
            c.occurred_on AS day, NULL::date AS due_on, {VALID_UNTIL} AS valid_until,
            c.score, NULL AS serial, NULL::timestamptz AS began_at
         FROM completions c CROSS JOIN clock JOIN courses ON courses.id = c.course_id
         JOIN course_versions v ON v.id = c.course_version_id {joined_satisfied}
         WHERE {of_completions}
         UNION ALL
         SELECT 'enrollment', enrollments.id, courses.id, courses.code, taken.title, enrollments.state,
            enrollments.enrolled_at::date, NULL, NULL, NULL, NULL, enrollments.enrolled_at
         FROM enrollments JOIN courses ON courses.id = enrollments.course_id
         JOIN course_versions taken ON taken.id = enrollments.course_version_id
         WHERE enrollments.kind = 'normal' AND {of_enrollments}
         UNION ALL
         SELECT 'requirement', requirements.id, courses.id, courses.code, courses.title, {STATUS},
            requirements.opens_on, requirements.due_on, requirements.valid_until, NULL, NULL, NULL
         FROM requirements CROSS JOIN clock JOIN courses ON courses.id = requirements.course_id
         WHERE {of_requirements}
         UNION ALL
         SELECT 'certificate', certificates.id, courses.id, courses.code,
            certificates.shown ->> 'course', {STATE}, certificates.issued_on, NULL,
            certificates.valid_until, NULL, certificates.serial, NULL
         FROM certificates CROSS JOIN clock JOIN courses ON courses.id = certificates.course_id
         WHERE {of_certificates}",
        today = tx.today(),
        joined_satisfied = joined_satisfied(),
        of_completions = of("c.user_id", "c.course_id"),
        of_enrollments = of("enrollments.user_id", "enrollments.course_id"),
        of_requirements = of("requirements.user_id", "requirements.course_id"),
        of_certificates = of("certificates.user_id", "certificates.course_id"),
    )
    .load(tx.conn)?;
    let zones = Zones::of(tx, &[learner.id])?;
    let mut entries: Vec<TranscriptEntry> = rows
        .into_iter()
        .map(|row| TranscriptEntry {
            day: row
                .began_at
                .map_or(row.entry.day, |began_at| zones.day(learner.id, began_at)),
            ..row.entry
        })
        .collect();
    entries.sort_by_key(|entry| (Reverse(entry.day), entry.kind.as_str(), entry.id));
    Ok(Transcript {
        learner,
        day: tx.today(),
        entries,
    })
}
