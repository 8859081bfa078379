//! Applies the changes of a run: plain statements that read `requirement_changes`, each with its events.
//!
//! Events come before the rows that they tell of are written, while what was is still there to be told. Names in the statements:
//! `c` a change, `q` a requirement, `n` the requirement as it becomes, `rr` a reason.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    changes::{self, Change, ChangeKind, WITH_REQUIREMENT},
    reconcile::Outcome,
};
use crate::{
    app::Tx,
    db::Sql,
    enrollment::{
        enrollments,
        events::{
            REASON_ADDED, REASON_CHANGED, REASON_ENDED, REQUIREMENT_ENDED, REQUIREMENT_OPENED,
            REQUIREMENT_REOPENED, REQUIREMENT_RESUMED, REQUIREMENT_SATISFIED, REQUIREMENT_UPDATED,
        },
        issues::model::RuleIssue,
        requirements::{
            self,
            model::{OpenedRequirement, OpeningReason, ReasonKind, RequirementReason, StoredRequirement},
        },
        target::Target,
    },
    http::ApiResult,
    ledger::Event,
    resource::{Row, record::as_json},
    sql,
};

/// Applies `changes` in this transaction, which holds the locks of their users.
pub(super) fn apply(tx: &mut Tx, changes: &[Change]) -> ApiResult<Outcome> {
    use ChangeKind::{
        Ends, IssueCloses, IssueOpens, Joins, Leaves, Moves, Opens, ReasonAdded, ReasonDated, ReasonEnded,
        ReasonMoved, Reopens, Resumes, Satisfied,
    };
    if changes.is_empty() {
        return Ok(Outcome::default());
    }
    let run = Uuid::now_v7();
    let (joins, others): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.change == Joins);
    changes::store(tx, run, others)?;
    let has = |kinds: &[ChangeKind]| changes.iter().any(|change| kinds.contains(&change.change));
    if has(&[Leaves]) {
        leave(tx, run)?;
    }
    join(tx, &joins)?;
    let is_told = |change: &Change| change.why.is_none();
    if changes
        .iter()
        .any(|change| change.change == ReasonMoved || change.change == ReasonEnded && is_told(change))
    {
        tell_of_reasons(tx, run)?;
    }
    if has(&[ReasonMoved, ReasonDated]) {
        keep_reasons(tx, run)?;
    }
    if has(&[ReasonMoved, ReasonDated, ReasonEnded]) {
        change_reasons(tx, run)?;
    }
    if has(&[Satisfied, Reopens, Resumes, Moves, Ends]) {
        change_requirements(tx, run)?;
    }
    if has(&[Opens]) {
        open(tx, run)?;
        tell_of_opened(tx, changes);
    }
    if changes
        .iter()
        .any(|change| change.change == Opens && change.satisfied_at.is_some())
    {
        tell_of_satisfied(tx, run)?;
    }
    if has(&[ReasonAdded]) {
        add_reasons(tx, run)?;
    }
    if changes
        .iter()
        .any(|change| change.change == ReasonAdded && is_told(change))
    {
        tell_of_added_reasons(tx, run)?;
    }
    if has(&[IssueOpens]) {
        open_issues(tx, run)?;
    }
    if has(&[IssueCloses]) {
        close_issues(tx, run)?;
    }
    let mut outcome = Outcome::of(changes);
    if has(&[Opens, Reopens, Resumes]) {
        let opened = sql!(
            "SELECT user_id, course_id FROM requirement_changes
             WHERE run_id = {run} AND change IN ('opens', 'reopens', 'resumes') AND satisfied_at IS NULL"
        );
        outcome.enrolled = enrollments::store::enroll(tx, opened)? as i64;
    }
    changes::forget(tx, run)?;
    Ok(outcome)
}

fn leave(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    sql!(
        "INSERT INTO rule_member_history (user_id, rule_id, joined_on, left_on, recorded_at)
         SELECT m.user_id, m.rule_id, m.joined_on, c.opens_on, {tx.now} FROM requirement_changes c
         JOIN rule_members m ON m.user_id = c.user_id AND m.rule_id = c.rule_id
         WHERE c.run_id = {run} AND c.change = 'leaves' ON CONFLICT DO NOTHING"
    )
    .execute(tx.conn)?;
    sql!(
        "UPDATE rule_members m SET left_on = c.opens_on FROM requirement_changes c
         WHERE c.run_id = {run} AND c.change = 'leaves' AND m.user_id = c.user_id AND m.rule_id = c.rule_id"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Adds members: from the changes themselves, since there are many of them and they say little.
fn join(tx: &mut Tx, joins: &[&Change]) -> ApiResult<()> {
    if joins.is_empty() {
        return Ok(());
    }
    let users: Vec<Uuid> = joins.iter().map(|change| change.user_id).collect();
    let rules: Vec<Uuid> = joins.iter().filter_map(|change| change.rule_id).collect();
    let days = joins.iter().filter_map(|change| change.opens_on);
    let days: Vec<String> = days.map(|day| day.to_string()).collect();
    sql!(
        "INSERT INTO rule_members (user_id, rule_id, joined_on)
         SELECT * FROM unnest({users}, {rules}, {days}::date[])
         ON CONFLICT (user_id, rule_id) DO UPDATE SET joined_on = excluded.joined_on, left_on = NULL"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Tells of reasons whose dates move and of those that end.
fn tell_of_reasons(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let now = tx.now;
    let changes = sql!(
        "changes AS (SELECT CASE c.change WHEN 'reason_moved' THEN {REASON_CHANGED.action} ELSE {REASON_ENDED.action} END
                AS action, rr.requirement_id AS id, rr.user_id,
                CASE c.change WHEN 'reason_moved' THEN {before} END AS before, {after} AS after
            FROM requirement_changes c JOIN requirement_reasons rr ON rr.user_id = c.user_id AND rr.id = c.reason_id
            CROSS JOIN LATERAL (SELECT rr.id, rr.kind, rr.rule_id, c.rule_version, rr.assigned_by, rr.note, c.scheduled_on,
                c.due_on, c.valid_until, c.renews_on, rr.created_at,
                CASE c.change WHEN 'reason_ended' THEN {now} END AS ended_at) n
            WHERE c.run_id = {run} AND (c.change = 'reason_moved' OR c.change = 'reason_ended' AND c.why IS NULL))",
        before = as_json::<RequirementReason>("rr."),
        after = as_json::<RequirementReason>("n."),
    );
    tx.record_changes(&[&REASON_CHANGED, &REASON_ENDED], changes)?;
    Ok(())
}

/// Keeps what reasons say whose dates move.
fn keep_reasons(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let now = tx.now;
    sql!(
        "INSERT INTO requirement_reason_history (user_id, reason_id, rule_version, due_on, valid_until, renews_on,
            recorded_at, superseded_at)
         SELECT rr.user_id, rr.id, rr.rule_version, rr.due_on, rr.valid_until, rr.renews_on, rr.recorded_at, {now}
         FROM requirement_changes c JOIN requirement_reasons rr ON rr.user_id = c.user_id AND rr.id = c.reason_id
         WHERE c.run_id = {run} AND c.change IN ('reason_moved', 'reason_dated') ON CONFLICT DO NOTHING"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Moves the dates of reasons and ends reasons.
fn change_reasons(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let now = tx.now;
    sql!(
        "UPDATE requirement_reasons rr
         SET ended_at = CASE c.change WHEN 'reason_ended' THEN {now} END,
            rule_version = CASE c.change WHEN 'reason_ended' THEN rr.rule_version ELSE c.rule_version END,
            scheduled_on = CASE c.change WHEN 'reason_ended' THEN rr.scheduled_on ELSE c.scheduled_on END,
            due_on = CASE c.change WHEN 'reason_ended' THEN rr.due_on ELSE c.due_on END,
            valid_until = CASE c.change WHEN 'reason_ended' THEN rr.valid_until ELSE c.valid_until END,
            renews_on = CASE c.change WHEN 'reason_ended' THEN rr.renews_on ELSE c.renews_on END,
            recorded_at = CASE c.change WHEN 'reason_ended' THEN rr.recorded_at ELSE {now} END
         FROM requirement_changes c
         WHERE c.run_id = {run} AND c.change IN ('reason_moved', 'reason_dated', 'reason_ended')
            AND rr.user_id = c.user_id AND rr.id = c.reason_id"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Changes requirements, and keeps what they said.
fn change_requirements(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let now = tx.now;
    let changes = sql!(
        "changes AS (SELECT CASE c.change WHEN 'satisfied' THEN {REQUIREMENT_SATISFIED.action}
                WHEN 'reopens' THEN {REQUIREMENT_REOPENED.action} WHEN 'resumes' THEN {REQUIREMENT_RESUMED.action}
                WHEN 'ends' THEN {REQUIREMENT_ENDED.action} ELSE {REQUIREMENT_UPDATED.action} END AS action,
                q.id, q.user_id, {before} AS before, {after} AS after
            FROM requirement_changes c JOIN requirements q ON q.user_id = c.user_id AND q.id = c.requirement_id
            CROSS JOIN LATERAL (SELECT q.id, q.user_id, q.course_id, q.path_id, q.cycle, c.opens_on, c.due_on,
                c.satisfied_at, c.completion_id, c.waiver_id, c.valid_until, c.renews_on,
                CASE WHEN c.why IS NOT NULL THEN {now} END AS ended_at, c.why AS end_reason,
                q.version + 1 AS version) n
            WHERE c.run_id = {run} AND {is_change})",
        before = as_json::<StoredRequirement>("q."),
        after = as_json::<StoredRequirement>("n."),
        is_change = is_change_of_requirement(),
    );
    let kinds = [
        &REQUIREMENT_SATISFIED,
        &REQUIREMENT_REOPENED,
        &REQUIREMENT_RESUMED,
        &REQUIREMENT_ENDED,
        &REQUIREMENT_UPDATED,
    ];
    tx.record_changes(&kinds, changes)?;
    let changing = sql!(
        "(q.user_id, q.id) IN (SELECT c.user_id, c.requirement_id FROM requirement_changes c
            WHERE c.run_id = {run} AND {is_change})",
        is_change = is_change_of_requirement(),
    );
    requirements::store::keep_history(tx, &changing)?;
    sql!(
        "UPDATE requirements q
         SET opens_on = c.opens_on, due_on = c.due_on, satisfied_at = c.satisfied_at, completion_id = c.completion_id,
            waiver_id = c.waiver_id, valid_until = c.valid_until, renews_on = c.renews_on,
            ended_at = CASE WHEN c.why IS NOT NULL THEN {now} END, end_reason = c.why, version = q.version + 1,
            updated_at = {now}
         FROM requirement_changes c
         WHERE c.run_id = {run} AND {is_change} AND q.user_id = c.user_id AND q.id = c.requirement_id",
        is_change = is_change_of_requirement(),
    )
    .execute(tx.conn)?;
    Ok(())
}

fn is_change_of_requirement() -> Sql {
    sql!("c.change IN ('satisfied', 'reopens', 'resumes', 'moves', 'ends')")
}

/// Adds requirements. One that something satisfies from the beginning has a second version.
fn open(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let now = tx.now;
    sql!(
        "INSERT INTO requirements (id, user_id, course_id, cycle, opens_on, due_on, satisfied_at, completion_id, waiver_id,
            valid_until, renews_on, version, created_at, updated_at)
         SELECT c.requirement_id, c.user_id, c.course_id, c.cycle, c.opens_on, c.due_on, c.satisfied_at, c.completion_id,
            c.waiver_id, c.valid_until, c.renews_on, CASE WHEN c.satisfied_at IS NULL THEN 1 ELSE 2 END, {now}, {now}
         FROM requirement_changes c WHERE c.run_id = {run} AND c.change = 'opens'"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Tells of requirements that open, each with its reasons.
fn tell_of_opened(tx: &mut Tx, changes: &[Change]) {
    let mut reasons: HashMap<Uuid, Vec<OpeningReason>> = HashMap::new();
    for change in changes
        .iter()
        .filter(|change| change.change == ChangeKind::ReasonAdded)
    {
        if let Some(requirement) = change.requirement_id {
            reasons.entry(requirement).or_default().push(OpeningReason {
                kind: ReasonKind::Rule,
                rule_id: change.rule_id,
                rule_version: change.rule_version,
                assigned_by: None,
                note: None,
                due_on: change.due_on,
            });
        }
    }
    for change in changes.iter().filter(|change| change.change == ChangeKind::Opens) {
        let (Some(id), Some(course), Some(cycle), Some(opens_on)) = (
            change.requirement_id,
            change.course_id,
            change.cycle,
            change.opens_on,
        ) else {
            continue;
        };
        let mut reasons = reasons.remove(&id).unwrap_or_default();
        reasons.sort_by_key(|reason| reason.rule_id);
        let opened = OpenedRequirement {
            id,
            user_id: change.user_id,
            target: Target::course(course),
            cycle,
            opens_on,
            due_on: change.due_on,
            reasons,
        };
        tx.record(
            Event::new(&REQUIREMENT_OPENED, id)
                .about(change.user_id)
                .after(&opened),
        );
    }
}

/// Tells of requirements that something satisfies from the beginning.
fn tell_of_satisfied(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let satisfied = sql!(
        "changes AS (SELECT {REQUIREMENT_SATISFIED.action} AS action, q.id, q.user_id, {before} AS before, {after} AS after
            FROM requirement_changes c JOIN requirements q ON q.user_id = c.user_id AND q.id = c.requirement_id
            CROSS JOIN LATERAL (SELECT q.id, q.user_id, q.course_id, q.path_id, q.cycle, q.opens_on, q.due_on,
                NULL::timestamptz AS satisfied_at, NULL::uuid AS completion_id, NULL::uuid AS waiver_id,
                NULL::date AS valid_until, NULL::date AS renews_on, q.ended_at, q.end_reason, 1 AS version) n
            WHERE c.run_id = {run} AND c.change = 'opens' AND c.satisfied_at IS NOT NULL)",
        before = as_json::<StoredRequirement>("n."),
        after = as_json::<StoredRequirement>("q."),
    );
    tx.record_changes(&[&REQUIREMENT_SATISFIED], satisfied)?;
    Ok(())
}

/// Adds reasons.
fn add_reasons(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let now = tx.now;
    sql!(
        "INSERT INTO requirement_reasons (id, user_id, requirement_id, kind, rule_id, rule_version, scheduled_on, due_on,
            valid_until, renews_on, created_at, recorded_at)
         SELECT c.reason_id, c.user_id, c.requirement_id, 'rule', c.rule_id, c.rule_version, c.scheduled_on, c.due_on,
            c.valid_until, c.renews_on, {now}, {now}
         FROM requirement_changes c WHERE c.run_id = {run} AND c.change = 'reason_added'"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Tells of reasons that are added to requirements which were there.
fn tell_of_added_reasons(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let changes = sql!(
        "changes AS (SELECT {REASON_ADDED.action} AS action, rr.requirement_id AS id, rr.user_id, NULL::jsonb AS before,
                {reason} AS after
            FROM requirement_changes c JOIN requirement_reasons rr ON rr.user_id = c.user_id AND rr.id = c.reason_id
            WHERE c.run_id = {run} AND c.change = 'reason_added' AND c.why IS DISTINCT FROM {WITH_REQUIREMENT})",
        reason = as_json::<RequirementReason>("rr."),
    );
    tx.record_changes(&[&REASON_ADDED], changes)?;
    Ok(())
}

fn open_issues(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    sql!(
        "INSERT INTO rule_issues (id, user_id, rule_id, target, kind, created_at, updated_at)
         SELECT c.reason_id, c.user_id, c.rule_id, target_json(c.course_id, c.path_id), c.why, {tx.now}, {tx.now}
         FROM requirement_changes c WHERE c.run_id = {run} AND c.change = 'issue_opens'"
    )
    .execute(tx.conn)?;
    let created = RuleIssue::EVENTS.created;
    let changes = sql!(
        "changes AS (SELECT {created.action} AS action, i.id, i.user_id, NULL::jsonb AS before, {issue} AS after
            FROM requirement_changes c JOIN rule_issues i ON i.user_id = c.user_id AND i.id = c.reason_id
            WHERE c.run_id = {run} AND c.change = 'issue_opens')",
        issue = as_json::<RuleIssue>("i."),
    );
    tx.record_changes(&[&created], changes)?;
    Ok(())
}

fn close_issues(tx: &mut Tx, run: Uuid) -> ApiResult<()> {
    let (now, closed) = (tx.now, RuleIssue::EVENTS.archived);
    let changes = sql!(
        "changes AS (SELECT {closed.action} AS action, i.id, i.user_id, {before} AS before, {after} AS after
            FROM requirement_changes c JOIN rule_issues i ON i.user_id = c.user_id AND i.id = c.reason_id
            CROSS JOIN LATERAL (SELECT i.id, i.rule_id, i.user_id, i.target, i.kind, i.choice, i.due_on, i.note,
                i.version + 1 AS version, i.created_at, {now} AS updated_at, {now} AS closed_at) n
            WHERE c.run_id = {run} AND c.change = 'issue_closes')",
        before = as_json::<RuleIssue>("i."),
        after = as_json::<RuleIssue>("n."),
    );
    tx.record_changes(&[&closed], changes)?;
    sql!(
        "UPDATE rule_issues i SET closed_at = {now}, updated_at = {now}, version = i.version + 1 FROM requirement_changes c
         WHERE c.run_id = {run} AND c.change = 'issue_closes' AND i.user_id = c.user_id AND i.id = c.reason_id"
    )
    .execute(tx.conn)?;
    Ok(())
}
