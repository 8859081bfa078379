//! The differences between what is and what should be, as rows of `requirement_changes`.
//!
//! A run computes them for some people ([`differences`]), stores them by one statement and applies them by plain statements
//! ([`super::apply`]); a plan stores them and lists them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{ExecuteCopyFromDsl, Insertable};
use uuid::Uuid;

use super::{
    audience::Move,
    person::{Cycle, Person, Proof, Reason},
    policy::Policy,
    settle::Case,
};
use crate::{
    app::Tx,
    db::schema::requirement_changes,
    enrollment::{issues::model::IssueKind, requirements::model::EndReason, target::Target},
    http::ApiResult,
    sql, text_enum,
};

text_enum! {
    /// What changes.
    ChangeKind {
        /// A user joins an audience.
        Joins = "joins",
        /// A user leaves an audience.
        Leaves = "leaves",
        /// A requirement opens.
        Opens = "opens",
        /// A completion or a waiver satisfies a requirement.
        Satisfied = "satisfied",
        /// A satisfied requirement is open again, because what satisfied it counts no more.
        Reopens = "reopens",
        /// An ended requirement goes on.
        Resumes = "resumes",
        /// A date of a requirement moves.
        Moves = "moves",
        /// A requirement ends.
        Ends = "ends",
        /// A requirement gets a reason.
        ReasonAdded = "reason_added",
        /// The due date of a reason moves.
        ReasonMoved = "reason_moved",
        /// What a reason says of validity and renewal changes with its requirement.
        ReasonDated = "reason_dated",
        /// A reason ends.
        ReasonEnded = "reason_ended",
        /// An issue of a rule opens.
        IssueOpens = "issue_opens",
        /// An issue of a rule closes.
        IssueCloses = "issue_closes",
    }
}

/// A row of `requirement_changes`: columns that a kind of change does not have are null.
#[derive(Debug, Clone, PartialEq, Insertable)]
#[diesel(table_name = requirement_changes, treat_none_as_default_value = false)]
pub struct Change {
    pub user_id: Uuid,
    /// The run; nil until it is stored.
    pub run_id: Uuid,
    pub id: Uuid,
    pub change: ChangeKind,
    pub rule_id: Option<Uuid>,
    pub course_id: Option<Uuid>,
    pub requirement_id: Option<Uuid>,
    /// The reason, or the issue.
    pub reason_id: Option<Uuid>,
    pub cycle: Option<i32>,
    pub rule_version: Option<i64>,
    pub opens_on: Option<NaiveDate>,
    pub scheduled_on: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    pub satisfied_at: Option<DateTime<Utc>>,
    pub completion_id: Option<Uuid>,
    pub waiver_id: Option<Uuid>,
    pub valid_until: Option<NaiveDate>,
    pub renews_on: Option<NaiveDate>,
    /// Why a requirement ends; what is the matter in an issue. A reason that ends or comes with its requirement has `with_requirement` here, and no event.
    pub why: Option<&'static str>,
}

/// Of a reason that comes or ends with its requirement.
pub const WITH_REQUIREMENT: &str = "with_requirement";

impl Change {
    fn new(change: ChangeKind, user_id: Uuid) -> Self {
        Change {
            user_id,
            run_id: Uuid::nil(),
            id: Uuid::now_v7(),
            change,
            rule_id: None,
            course_id: None,
            requirement_id: None,
            reason_id: None,
            cycle: None,
            rule_version: None,
            opens_on: None,
            scheduled_on: None,
            due_on: None,
            satisfied_at: None,
            completion_id: None,
            waiver_id: None,
            valid_until: None,
            renews_on: None,
            why: None,
        }
    }

    fn of_cycle(kind: ChangeKind, user_id: Uuid, target: Target, cycle: &Cycle, id: Uuid) -> Self {
        let proof = cycle.satisfied.map(|(proof, _)| proof);
        Change {
            course_id: target.course_id(),
            requirement_id: Some(id),
            cycle: Some(cycle.number),
            opens_on: Some(cycle.opens_on),
            due_on: cycle.due_on,
            satisfied_at: cycle.satisfied.map(|(_, at)| at),
            completion_id: proof.and_then(|proof| match proof {
                Proof::Completion(id) => Some(id),
                Proof::Waiver(_) => None,
            }),
            waiver_id: proof.and_then(|proof| match proof {
                Proof::Completion(_) => None,
                Proof::Waiver(id) => Some(id),
            }),
            valid_until: cycle.valid_until,
            renews_on: cycle.renews_on,
            why: cycle.ended.map(EndReason::as_str),
            ..Self::new(kind, user_id)
        }
    }

    fn of_reason(
        kind: ChangeKind,
        user_id: Uuid,
        target: Target,
        requirement: Uuid,
        reason: &Reason,
    ) -> Self {
        Change {
            course_id: target.course_id(),
            requirement_id: Some(requirement),
            reason_id: Some(match reason.id.is_nil() {
                true => Uuid::now_v7(),
                false => reason.id,
            }),
            rule_id: reason.rule_id,
            rule_version: reason.rule_version,
            scheduled_on: reason.scheduled_on,
            due_on: reason.due_on,
            valid_until: reason.valid_until,
            renews_on: reason.renews_on,
            ..Self::new(kind, user_id)
        }
    }
}

/// What a run looks at, beside people.
#[derive(Debug)]
pub struct Basis<'a> {
    /// The rules that do something.
    pub policies: &'a HashMap<Uuid, Policy>,
    /// The targets that can be begun.
    pub published: HashSet<Target>,
    /// The targets in reach; all, if none are named.
    pub targets: Option<HashSet<Target>>,
}

/// What should change for `people`, whose memberships are as the moves of audiences make them.
pub fn differences(people: &[Person], basis: &Basis<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for person in people {
        for target in targets_of(person, basis) {
            let case = Case::of(person, target, basis.policies, basis.published.contains(&target));
            let after = case.settle();
            compare(person, target, &after, &mut changes);
            compare_issues(&case, person, after.last(), &mut changes);
        }
    }
    changes
}

/// Everything that is or should be required of a person.
pub fn targets_of(person: &Person, basis: &Basis<'_>) -> Vec<Target> {
    let asked = person
        .memberships
        .keys()
        .filter_map(|rule| basis.policies.get(rule));
    let asked = asked.flat_map(|policy| policy.targets.iter());
    let all: std::collections::BTreeSet<Target> = asked.chain(person.cycles.keys()).copied().collect();
    let is_in_reach = |target: &Target| basis.targets.as_ref().is_none_or(|reach| reach.contains(target));
    all.into_iter().filter(is_in_reach).collect()
}

/// What makes the stored cycle of a person and a target those `after`.
pub fn compare(person: &Person, target: Target, after: &[Cycle], changes: &mut Vec<Change>) {
    let before = person.cycles.get(&target);
    for cycle in after {
        match before.filter(|before| before.number == cycle.number) {
            Some(before) => {
                if let Some(kind) = kind_of_change(before, cycle) {
                    changes.push(Change::of_cycle(kind, person.id, target, cycle, before.id));
                }
                compare_reasons(person, target, before, cycle, changes);
            }
            None => {
                let id = Uuid::now_v7();
                changes.push(Change::of_cycle(ChangeKind::Opens, person.id, target, cycle, id));
                for reason in &cycle.reasons {
                    changes.push(Change {
                        why: Some(WITH_REQUIREMENT),
                        ..Change::of_reason(ChangeKind::ReasonAdded, person.id, target, id, reason)
                    });
                }
            }
        }
    }
}

fn kind_of_change(before: &Cycle, after: &Cycle) -> Option<ChangeKind> {
    let same = before.opens_on == after.opens_on
        && before.due_on == after.due_on
        && before.satisfied == after.satisfied
        && before.valid_until == after.valid_until
        && before.renews_on == after.renews_on
        && before.ended == after.ended;
    if same {
        return None;
    }
    Some(match (before.ended, after.ended) {
        (None, Some(_)) => ChangeKind::Ends,
        _ if before.satisfied.is_none() && after.satisfied.is_some() => ChangeKind::Satisfied,
        (Some(_), None) => ChangeKind::Resumes,
        _ if before.satisfied.is_some() && after.satisfied.is_none() => ChangeKind::Reopens,
        _ => ChangeKind::Moves,
    })
}

fn compare_reasons(
    person: &Person,
    target: Target,
    before: &Cycle,
    after: &Cycle,
    changes: &mut Vec<Change>,
) {
    let of = |kind, reason: &Reason| Change::of_reason(kind, person.id, target, before.id, reason);
    for reason in &after.reasons {
        let stored = before
            .reasons
            .iter()
            .find(|stored| stored.id == reason.id && !reason.id.is_nil());
        let kind = match stored {
            None => ChangeKind::ReasonAdded,
            Some(stored) if stored.due_on != reason.due_on => ChangeKind::ReasonMoved,
            Some(stored)
                if stored.valid_until != reason.valid_until
                    || stored.renews_on != reason.renews_on
                    || stored.scheduled_on != reason.scheduled_on =>
            {
                ChangeKind::ReasonDated
            }
            Some(_) => continue,
        };
        changes.push(of(kind, reason));
    }
    let is_gone = |stored: &&Reason| after.reasons.iter().all(|reason| reason.id != stored.id);
    let ends = after.ended.is_some();
    for reason in before.reasons.iter().filter(is_gone) {
        changes.push(Change {
            why: ends.then_some(WITH_REQUIREMENT),
            ..of(ChangeKind::ReasonEnded, reason)
        });
    }
}

fn compare_issues(case: &Case, person: &Person, cycle: Option<&Cycle>, changes: &mut Vec<Change>) {
    let target = case.target();
    let after = cycle.map(|cycle| case.issues(cycle)).unwrap_or_default();
    let of = |kind, rule, issue: Uuid, what: IssueKind| Change {
        rule_id: Some(rule),
        course_id: target.course_id(),
        reason_id: Some(issue),
        why: Some(what.as_str()),
        ..Change::new(kind, person.id)
    };
    for (rule, kind) in &after {
        if case.issue(*rule, *kind).is_none() {
            changes.push(of(ChangeKind::IssueOpens, *rule, Uuid::now_v7(), *kind));
        }
    }
    let stored = person.issues.iter().filter(|issue| issue.target == target);
    for issue in stored.filter(|issue| !after.contains(&(issue.rule_id, issue.kind))) {
        changes.push(of(ChangeKind::IssueCloses, issue.rule_id, issue.id, issue.kind));
    }
}

/// Comings and goings of audiences as changes.
pub fn moves(moves: &[Move]) -> impl Iterator<Item = Change> + '_ {
    moves.iter().map(|one| Change {
        rule_id: Some(one.rule_id),
        opens_on: Some(one.on),
        ..Change::new(
            match one.joins {
                true => ChangeKind::Joins,
                false => ChangeKind::Leaves,
            },
            one.user_id,
        )
    })
}

/// Stores changes as those of a run.
pub fn store<'a>(tx: &mut Tx, run_id: Uuid, changes: impl IntoIterator<Item = &'a Change>) -> ApiResult<()> {
    let of_run = |change: &Change| Change {
        run_id,
        ..change.clone()
    };
    let changes: Vec<Change> = changes.into_iter().map(of_run).collect();
    if changes.is_empty() {
        return Ok(());
    }
    diesel::copy_from(requirement_changes::table)
        .from_insertable(&*changes)
        .execute(tx.conn)?;
    Ok(())
}

/// Removes the changes of a run.
pub fn forget(tx: &mut Tx, run_id: Uuid) -> ApiResult<()> {
    sql!("DELETE FROM requirement_changes WHERE run_id = {run_id}").execute(tx.conn)?;
    Ok(())
}
