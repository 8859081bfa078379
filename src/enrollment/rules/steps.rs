//! The statements of a reconcile, in the order in which they run; each writes its own events.
//!
//! Names in them: `u` a person, `r` a rule, `m` a membership of an audience, `w` what a rule wants, `q` a
//! requirement, `p` the requirement of the cycle before, `rr` a reason, `c` a course or a completion.

use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};

use super::{
    due::{DUE_ON, POLICIES},
    reconcile::ReconcileScope,
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    enrollment::{
        enrollments::model::Enrollment,
        events::{
            ENROLLMENT_CREATED, REASON_ADDED, REASON_CHANGED, REASON_ENDED, REQUIREMENT_ENDED,
            REQUIREMENT_OPENED, REQUIREMENT_SATISFIED, REQUIREMENT_UPDATED,
        },
        requirements::model::{RequirementReason, StoredRequirement},
    },
    http::ApiResult,
    resource::record::as_json,
    sql,
};

/// `wanted`, and `policies` before it: what the active rules want of their audiences.
fn wanted(reach: &ReconcileScope) -> Sql {
    sql!(
        "policies AS MATERIALIZED (SELECT r.*, rc.course_id FROM ({POLICIES}) r
            JOIN rule_courses rc ON rc.rule_id = r.id WHERE r.status = 'active' AND {courses}),
         wanted AS MATERIALIZED (SELECT m.user_id, r.course_id, m.rule_id, r.version AS rule_version,
                m.joined_on, r.renewal_window, (m.joined_on + r.minimum_lead)::date AS earliest,
                {DUE_ON} AS due_on FROM rule_members m JOIN policies r ON r.id = m.rule_id
            JOIN users u ON u.id = m.user_id
            WHERE m.left_on IS NULL AND {users})",
        courses = reach.courses("rc.course_id"),
        users = reach.users("m.user_id"),
    )
}

/// `wanted`, with what exists beside each row: the current requirement `q`, the requirement `p` that it renews, and the rule's
/// live reason `rr`. Each is an index look-up that ends in LIMIT, so that PostgreSQL never makes a join of it: such a join is
/// slow while the statistics still say that the tables are empty.
fn compared(reach: &ReconcileScope) -> Sql {
    sql!(
        "{wanted}, compared AS MATERIALIZED (SELECT w.*, q.id, q.cycle, q.ended_at, q.satisfied_at,
                q.valid_until, q.satisfied_at IS NULL AND q.ended_at IS NULL AS is_open,
                rr.id AS reason_id, rr.due_on AS reason_due_on, {renewed_by} AS reason_due
            FROM wanted w
            LEFT JOIN LATERAL (SELECT requirements.* FROM requirements
                WHERE requirements.user_id = w.user_id AND requirements.course_id = w.course_id
                ORDER BY requirements.cycle DESC LIMIT 1) q ON TRUE {PREDECESSOR}
            LEFT JOIN LATERAL (SELECT reason.* FROM requirement_reasons reason
                WHERE reason.user_id = q.user_id
                    AND reason.requirement_id = q.id AND reason.rule_id = w.rule_id
                    AND reason.ended_at IS NULL LIMIT 1) rr ON TRUE)",
        wanted = wanted(reach),
        renewed_by = renewed_by("p.valid_until"),
    )
}

/// Joins to `q` the cycle before it, if that was satisfied and lapses: then `q` renews it.
const PREDECESSOR: Fixed = Fixed(
    "LEFT JOIN LATERAL (SELECT earlier.* FROM requirements earlier
    WHERE earlier.user_id = q.user_id AND earlier.course_id = q.course_id AND earlier.cycle = q.cycle - 1
        AND earlier.ended_at IS NULL AND earlier.satisfied_at IS NOT NULL LIMIT 1) p ON TRUE",
);

/// The due date of a renewal of what lapses on `day`: that day for users who were in the audience by then, but not before the
/// rule's minimum lead has passed.
fn renewed_by(day: &'static str) -> Sql {
    sql!(
        "CASE WHEN w.joined_on <= {day} THEN greatest({day}, w.earliest) ELSE w.due_on END",
        day = Fixed(day),
    )
}

/// Ends the reasons that hold no more, and the requirements that have none left.
pub(super) fn end(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<usize> {
    let now = tx.now;
    let statement = sql!(
        "gone AS MATERIALIZED (SELECT rr.user_id, rr.id, rr.requirement_id, CASE
            WHEN u.status = 'archived' THEN 'user_left'
            WHEN r.status = 'paused' THEN 'rule_paused'
            WHEN r.status = 'archived' THEN 'rule_archived'
            WHEN rc.rule_id IS NULL THEN 'rule_changed'
            ELSE 'left_audience' END AS why,
                count(*) OVER (PARTITION BY rr.user_id, rr.requirement_id) = (SELECT count(*)
                    FROM requirement_reasons live
                    WHERE live.user_id = rr.user_id AND live.requirement_id = rr.requirement_id
                        AND live.ended_at IS NULL) AS is_last
            FROM requirements q
            JOIN requirement_reasons rr ON rr.user_id = q.user_id AND rr.requirement_id = q.id
                AND rr.ended_at IS NULL
            JOIN users u ON u.id = q.user_id
            LEFT JOIN rules r ON r.id = rr.rule_id
            LEFT JOIN rule_courses rc ON rc.rule_id = rr.rule_id AND rc.course_id = q.course_id
            WHERE q.ended_at IS NULL AND {facts}
                AND NOT EXISTS (SELECT 1 FROM requirements later WHERE later.user_id = q.user_id
                        AND later.course_id = q.course_id AND later.cycle > q.cycle)
                AND (u.status = 'archived' OR rr.rule_id IS NOT NULL AND (
                    r.status <> 'active' OR rc.rule_id IS NULL OR r.on_leave = 'end' AND NOT EXISTS (
                        SELECT 1 FROM rule_members m
                        WHERE m.user_id = rr.user_id AND m.rule_id = rr.rule_id
                            AND m.left_on IS NULL)))),
         ended_reasons AS (UPDATE requirement_reasons rr SET ended_at = {now} FROM gone
            WHERE rr.user_id = gone.user_id AND rr.id = gone.id RETURNING rr.*, gone.is_last),
         ended AS (UPDATE requirements q
            SET ended_at = {now}, end_reason = closing.why, version = q.version + 1, updated_at = {now}
            FROM (SELECT user_id, requirement_id, max(why) AS why FROM gone WHERE is_last
                GROUP BY user_id, requirement_id) closing
            JOIN requirements old ON old.user_id = closing.user_id AND old.id = closing.requirement_id
            WHERE q.user_id = closing.user_id AND q.id = closing.requirement_id
            RETURNING q.id, q.user_id, {before} AS before, {after} AS after),
         changes AS (
            SELECT {REQUIREMENT_ENDED.action} AS action, id, user_id, before, after FROM ended
            UNION ALL
            SELECT {REASON_ENDED.action}, rr.requirement_id, rr.user_id, NULL, {reason}
            FROM ended_reasons rr WHERE NOT rr.is_last)",
        facts = reach.facts(),
        before = as_json::<StoredRequirement>("old."),
        after = as_json::<StoredRequirement>("q."),
        reason = as_json::<RequirementReason>("rr."),
    );
    tx.record_changes(&[&REQUIREMENT_ENDED, &REASON_ENDED], statement)
}

/// Satisfies what is open and for which there is a valid completion: the one that lasts longest. A renewal wants
/// one that outlasts the completion that it renews.
pub(super) fn satisfy(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<usize> {
    let now = tx.now;
    let statement = sql!(
        "best AS (SELECT DISTINCT ON (q.user_id, q.id) q.user_id, q.id, c.id AS completion_id,
                c.valid_until, c.occurred_at, {requirement} AS before
            FROM requirements q {PREDECESSOR} JOIN completions c ON c.user_id = q.user_id
                AND c.course_id = q.course_id
            WHERE q.satisfied_at IS NULL AND q.ended_at IS NULL AND {facts}
                AND (c.valid_until IS NULL OR c.valid_until >= {today}
                    AND (p.id IS NULL OR c.valid_until > p.valid_until))
                AND NOT EXISTS (SELECT 1 FROM completions s
                    WHERE s.user_id = c.user_id AND s.supersedes_id = c.id)
            ORDER BY q.user_id, q.id, c.valid_until DESC NULLS FIRST, c.occurred_at DESC, c.id DESC),
         satisfied AS (UPDATE requirements q
            SET satisfied_at = best.occurred_at, completion_id = best.completion_id,
                valid_until = best.valid_until, version = q.version + 1, updated_at = {now} FROM best
            WHERE q.user_id = best.user_id AND q.id = best.id
            RETURNING q.id, q.user_id, best.before, {requirement} AS after),
         changes AS (SELECT {REQUIREMENT_SATISFIED.action} AS action, id, user_id, before, after
            FROM satisfied)",
        facts = reach.facts(),
        today = tx.today(),
        requirement = as_json::<StoredRequirement>("q."),
    );
    tx.record_changes(&[&REQUIREMENT_SATISFIED], statement)
}

/// What [`open_requirements`] did.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(super) struct OpenedRequirements {
    /// Requirements that opened.
    #[diesel(sql_type = BigInt)]
    pub opened: i64,
    /// Reasons added to requirements that were there.
    #[diesel(sql_type = BigInt)]
    pub added: i64,
    /// Reasons whose due date moved.
    #[diesel(sql_type = BigInt)]
    pub moved: i64,
}

/// Opens first cycles, and next ones where a completion lapses soon; a course that is not published opens none. Adds
/// the reasons that other current requirements lack, and brings the due dates of open ones' reasons up to date; that
/// event is the requirement's.
pub(super) fn open_requirements(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<OpenedRequirements> {
    let (now, today) = (tx.now, tx.today());
    let statement = sql!(
        "WITH {compared},
         -- What follows an ended one is no renewal.
         opening AS MATERIALIZED (SELECT {ids} AS id, w.user_id, w.course_id,
                    coalesce(w.cycle, 0) + 1 AS cycle, min(due.due_on) AS due_on,
                    array_agg(w.rule_id) AS rule_ids, array_agg(w.rule_version) AS rule_versions,
                    array_agg(due.due_on) AS dues,
                    jsonb_agg(jsonb_build_object('kind', 'rule', 'rule_id', w.rule_id, 'rule_version',
                        w.rule_version, 'assigned_by', NULL, 'note', NULL, 'due_on', due.due_on)
                        ORDER BY w.rule_id) AS reasons
                FROM compared w JOIN courses c ON c.id = w.course_id AND c.status = 'published'
                CROSS JOIN LATERAL (SELECT CASE
                    WHEN w.id IS NULL OR w.ended_at IS NOT NULL THEN w.due_on
                    ELSE {renewed_by} END AS due_on) due
                GROUP BY w.user_id, w.course_id, w.cycle
                HAVING bool_or(w.id IS NULL OR w.ended_at IS NOT NULL OR w.satisfied_at IS NOT NULL
                    AND (w.valid_until - w.renewal_window)::date <= {today})),
         opened AS (INSERT INTO requirements (id, user_id, course_id, cycle, opens_on, due_on,
            created_at, updated_at)
            SELECT id, user_id, course_id, cycle, {today}, due_on, {now}, {now} FROM opening),
         opening_reasons AS (INSERT INTO requirement_reasons (id, user_id, requirement_id, kind,
            rule_id, rule_version, due_on, created_at)
            SELECT {ids}, o.user_id, o.id, 'rule', reason.rule_id, reason.rule_version, reason.due_on,
                {now} FROM opening o
            CROSS JOIN LATERAL unnest(o.rule_ids, o.rule_versions, o.dues) AS reason (rule_id,
                rule_version, due_on)),
         added AS (INSERT INTO requirement_reasons (id, user_id, requirement_id, kind, rule_id,
            rule_version, due_on, created_at)
            SELECT {ids}, w.user_id, w.id, 'rule', w.rule_id, w.rule_version, w.reason_due, {now}
            FROM compared w WHERE w.id IS NOT NULL AND w.ended_at IS NULL AND w.reason_id IS NULL
                AND (w.user_id, w.course_id) NOT IN (SELECT user_id, course_id FROM opening)
            RETURNING *),
         late AS MATERIALIZED (SELECT w.user_id, w.reason_id, w.rule_version, w.reason_due
            FROM compared w
            WHERE w.is_open AND w.reason_id IS NOT NULL
                AND w.reason_due_on IS DISTINCT FROM w.reason_due),
         moved AS (UPDATE requirement_reasons rr
            SET due_on = late.reason_due, rule_version = late.rule_version
            FROM late JOIN requirement_reasons old ON old.user_id = late.user_id
                AND old.id = late.reason_id
            WHERE rr.user_id = late.user_id AND rr.id = late.reason_id
            RETURNING rr.requirement_id AS id, rr.user_id, {old_reason} AS before, {reason} AS after),
         changes AS (
            SELECT {REQUIREMENT_OPENED.action} AS action, id, user_id, NULL::jsonb AS before,
                jsonb_build_object('id', id, 'user_id', user_id, 'course_id', course_id, 'cycle', cycle,
                    'opens_on', {today}, 'due_on', due_on, 'reasons', reasons) AS after FROM opening
            UNION ALL
            SELECT {REASON_ADDED.action}, rr.requirement_id, rr.user_id, NULL, {reason}
            FROM added rr
            UNION ALL
            SELECT {REASON_CHANGED.action}, id, user_id, before, after FROM moved),
         {events}
         SELECT (SELECT count(*) FROM opening) AS opened, (SELECT count(*) FROM added) AS added,
            (SELECT count(*) FROM moved) AS moved",
        compared = compared(reach),
        ids = tx.new_ids(),
        renewed_by = renewed_by("w.valid_until"),
        old_reason = as_json::<RequirementReason>("old."),
        reason = as_json::<RequirementReason>("rr."),
        events = tx.events_from(&[&REQUIREMENT_OPENED, &REASON_ADDED, &REASON_CHANGED], "changes"),
    );
    Ok(statement.get_result(tx.conn)?)
}

/// Gives open requirements the earliest due date of their live reasons.
pub(super) fn move_due_dates(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<usize> {
    let statement = sql!(
        "due AS (SELECT q.user_id, q.id, min(rr.due_on) AS due_on FROM requirements q
            JOIN requirement_reasons rr ON rr.user_id = q.user_id AND rr.requirement_id = q.id
                AND rr.ended_at IS NULL
            WHERE q.satisfied_at IS NULL AND q.ended_at IS NULL AND {facts} GROUP BY q.user_id, q.id),
         moved AS (UPDATE requirements q
            SET due_on = due.due_on, version = q.version + 1, updated_at = {tx.now} FROM due
            JOIN requirements old ON old.user_id = due.user_id AND old.id = due.id
            WHERE q.user_id = due.user_id AND q.id = due.id AND old.due_on IS DISTINCT FROM due.due_on
            RETURNING q.id, q.user_id, {before} AS before, {after} AS after),
         changes AS (SELECT {REQUIREMENT_UPDATED.action} AS action, id, user_id, before, after
            FROM moved)",
        facts = reach.facts(),
        before = as_json::<StoredRequirement>("old."),
        after = as_json::<StoredRequirement>("q."),
    );
    tx.record_changes(&[&REQUIREMENT_UPDATED], statement)
}

/// Enrolls people for what opened in this transaction, unless they are enrolled. Later withdrawals stand.
pub(super) fn enroll(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<usize> {
    let now = tx.now;
    let statement = sql!(
        "enrolled AS (INSERT INTO enrollments (id, user_id, course_id, course_version_id, state,
            source, enrolled_at, created_at, updated_at)
            SELECT {ids}, q.user_id, q.course_id, c.current_version_id, 'enrolled', 'rule', {now},
                {now}, {now} FROM requirements q JOIN courses c ON c.id = q.course_id
                AND c.status = 'published'
            LEFT JOIN LATERAL (SELECT e.id FROM enrollments e
                WHERE e.user_id = q.user_id AND e.course_id = q.course_id
                    AND e.state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress')
                LIMIT 1) live ON TRUE
            WHERE q.created_at = {now} AND q.satisfied_at IS NULL AND q.ended_at IS NULL AND {facts}
                AND c.current_version_id IS NOT NULL AND live.id IS NULL
            RETURNING *),
         changes AS (SELECT {ENROLLMENT_CREATED.action} AS action, e.id, e.user_id, NULL::jsonb AS before,
                {enrollment} AS after FROM enrolled e)",
        ids = tx.new_ids(),
        facts = reach.facts(),
        enrollment = as_json::<Enrollment>("e."),
    );
    tx.record_changes(&[&ENROLLMENT_CREATED], statement)
}
