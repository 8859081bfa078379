//! The statement of a transcript.

use diesel::RunQueryDsl;

use super::model::{Transcript, TranscriptEntry, TranscriptLearner};
use crate::{
    access::{self, Protected},
    app::Tx,
    credential::certificates::store::STATE,
    db::bind,
    enrollment::requirements::filter::STATUS,
    http::{ApiResult, Ref},
    sql,
};

/// The transcript of a person whose completions the caller may see; of the courses in the caller's scope.
pub fn transcript(tx: &mut Tx, id: &Ref<TranscriptLearner>) -> ApiResult<Transcript> {
    let learner = access::read(tx, id)?;
    let scope = tx.scope(TranscriptLearner::READ)?;
    let of = |table_user: &'static str, table_course: &'static str| {
        sql![
            " WHERE ",
            table_user,
            " = ",
            bind(learner.id),
            " AND ",
            scope.facts(table_user, table_course)
        ]
    };
    let entries: Vec<TranscriptEntry> = sql![
        "WITH clock AS (SELECT ",
        bind(tx.today()),
        "::date AS today)",
        COMPLETIONS,
        of("completions.user_id", "completions.course_id"),
        ENROLLMENTS,
        of("enrollments.user_id", "enrollments.course_id"),
        REQUIREMENTS,
        STATUS,
        REQUIREMENTS_FROM,
        of("requirements.user_id", "requirements.course_id"),
        CERTIFICATES,
        STATE,
        CERTIFICATES_FROM,
        of("certificates.user_id", "certificates.course_id"),
        " ORDER BY day DESC, kind, id"
    ]
    .load(tx.conn)?;
    Ok(Transcript {
        learner,
        day: tx.today(),
        entries,
    })
}

const COMPLETIONS: &str = "
SELECT 'completion' AS kind, completions.id, courses.id AS course_id, courses.code AS course_code,
    taken.title AS course_title,
    CASE WHEN EXISTS (SELECT FROM completions correction WHERE correction.user_id = completions.user_id
            AND correction.supersedes_id = completions.id) THEN 'corrected'
        WHEN completions.valid_until < clock.today THEN 'expired' ELSE 'valid' END AS status,
    (completions.occurred_at AT TIME ZONE 'UTC')::date AS day, NULL::date AS due_on, completions.valid_until,
    completions.score, NULL AS serial
FROM completions CROSS JOIN clock JOIN courses ON courses.id = completions.course_id
JOIN course_versions taken ON taken.id = completions.course_version_id";

const ENROLLMENTS: &str = "
UNION ALL
SELECT 'enrollment', enrollments.id, courses.id, courses.code, taken.title, enrollments.state,
    (enrollments.enrolled_at AT TIME ZONE 'UTC')::date, NULL, NULL, NULL, NULL
FROM enrollments JOIN courses ON courses.id = enrollments.course_id
JOIN course_versions taken ON taken.id = enrollments.course_version_id";

const REQUIREMENTS: &str = "
UNION ALL
SELECT 'requirement', requirements.id, courses.id, courses.code, courses.title, ";

const REQUIREMENTS_FROM: &str =
    ", requirements.opens_on, requirements.due_on, requirements.valid_until, NULL, NULL
FROM requirements CROSS JOIN clock JOIN courses ON courses.id = requirements.course_id";

const CERTIFICATES: &str = "
UNION ALL
SELECT 'certificate', certificates.id, courses.id, courses.code, certificates.shown ->> 'course', ";

const CERTIFICATES_FROM: &str =
    ", (certificates.issued_at AT TIME ZONE 'UTC')::date, NULL, certificates.valid_until,
    NULL, certificates.serial
FROM certificates CROSS JOIN clock JOIN courses ON courses.id = certificates.course_id";
