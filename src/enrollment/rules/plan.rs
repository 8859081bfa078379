//! What putting a rule in force would do, and applying it on the strength of that.
//!
//! A plan is the differences that applying works off, found by the same function: it cannot differ, and it changes no fact. Both
//! walk over everybody, so both are operations.

use std::{collections::HashSet, mem, ops::AddAssign};

use chrono::NaiveDate;
use data_encoding::HEXLOWER;
use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    change::{self, put_in_force},
    changes::{Change, ChangeKind},
    model::Rule,
    plan_changes,
    plan_job::{ApplyRuleJob, MakePlan},
    plan_model::{ApplyRule, PlanRule, PlannedChange, PlannedChangeKind, RulePlan},
    reconcile::{self, Outcome, People, Question},
};
use crate::{
    app::Tx,
    authz::Authorized,
    enrollment::target::Target,
    http::{ApiError, ApiResult, Code},
    operations::{self, Operation},
    sql,
};

/// What the hashes of plans for another day begin with.
const SIMULATED: &str = "simulated-";

/// Begins to plan `rule`. What can be said at once against its text is.
pub fn begin(tx: &mut Tx, rule: Authorized<Rule>, wish: PlanRule) -> ApiResult<Operation> {
    let rule_id = rule.id;
    check(tx, rule, &wish)?;
    let operation = operations::begin(tx, "rule.plan", None)?;
    tx.enqueue(&MakePlan {
        rule_id,
        wish,
        operation_id: operation.id,
        seen: plan_changes::seen(tx)?,
    })?;
    Ok(operation)
}

/// Begins to put `rule` in force as it was planned.
pub fn begin_application(tx: &mut Tx, rule: Authorized<Rule>, wish: ApplyRule) -> ApiResult<Operation> {
    if wish.plan_hash.starts_with(SIMULATED) {
        let fault = "is the hash of a simulation of another day, which cannot be applied; plan without `day` and apply that";
        return Err(ApiError::field("/plan_hash", fault));
    }
    let rule_id = rule.id;
    check(tx, rule, &wish.as_plan())?;
    let operation = operations::begin(tx, "rule.application", None)?;
    tx.enqueue(&ApplyRuleJob {
        rule_id,
        wish,
        operation_id: operation.id,
    })?;
    Ok(operation)
}

/// Writes the rule as it would be, and takes it back: the writer says what is wrong with it.
fn check(tx: &mut Tx, rule: Authorized<Rule>, wish: &PlanRule) -> ApiResult<()> {
    let (outcome, _) = tx.rehearse(|tx| put_in_force(tx, rule, wish))?;
    outcome.map(drop)
}

/// 409 where what would happen is not what was planned.
pub(super) fn stale() -> ApiError {
    ApiError::new(
        Code::PlanStale,
        "People, completions or the rule changed since, or `changes` or `becomes` differ from what was planned; plan again and look at what it would do now.",
    )
}

/// Refuses to apply what is not what was planned, or what ends more than was allowed.
pub(super) fn check_against_plan(plan: &RulePlan, wish: &ApplyRule) -> ApiResult<()> {
    if plan.plan_hash != wish.plan_hash {
        return Err(stale());
    }
    allows_removals(plan.ends, plan.live_requirements, wish.allow_removals_percent)
}

/// Refuses to end more of the requirements than was allowed.
pub(super) fn allows_removals(ends: i64, live: i64, allowance: f64) -> ApiResult<()> {
    let share = percent(ends, live);
    if share <= allowance {
        return Ok(());
    }
    Err(ApiError::new(
        Code::PlanRemovesTooMuch,
        format!(
            "It ends {ends} of the {live} requirements that it might, open and satisfied ones: {share:.1} percent. If that is meant, raise \
             allow_removals_percent."
        ),
    ))
}

/// How many requirements the rule is a reason of and might end, satisfied or not: of a person and a course the current one.
pub(super) fn live_requirements(tx: &mut Tx, rule_id: Uuid) -> ApiResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count: Count = sql!(
        "SELECT count(*) FROM requirement_reasons rr JOIN requirements q ON q.user_id = rr.user_id
            AND q.id = rr.requirement_id WHERE rr.ended_at IS NULL AND q.ended_at IS NULL
            AND rr.rule_id = {rule_id} AND NOT EXISTS (SELECT 1 FROM requirements later
                WHERE later.user_id = q.user_id
                    AND later.target_id = q.target_id AND later.cycle > q.cycle)"
    )
    .get_result(tx.conn)?;
    Ok(count.count)
}

/// What putting a rule in force does to some people.
#[derive(Debug, Default)]
pub(super) struct PlannedPart {
    outcome: Outcome,
    counts: Counts,
    /// What changes, a line each, in the order of the people: the text that is hashed.
    lines: String,
    /// The changes of requirements, as a plan keeps them: called as a plan calls them, and those that end requirements of the
    /// rule with it.
    kept: Vec<Change>,
}

/// What putting `rule` in force would do to `people`.
pub(super) fn plan_part(
    tx: &mut Tx,
    rule: &Rule,
    wish: &PlanRule,
    people: &People,
) -> ApiResult<PlannedPart> {
    let planned = change::planned(tx, rule, wish)?;
    let question = Question {
        rule: Some(rule.id),
        instead: Some(&planned),
        day: wish.day,
    };
    let changes = reconcile::foresee(tx, people.clone(), &question)?;
    Ok(PlannedPart::of(rule.id, changes, wish.day.unwrap_or(tx.today())))
}

impl PlannedPart {
    fn of(rule: Uuid, changes: Vec<Change>, today: NaiveDate) -> Self {
        let lost = changes
            .iter()
            .filter(|change| change.change == ChangeKind::ReasonEnded && change.rule_id == Some(rule));
        let lost: HashSet<Option<Uuid>> = lost.map(|change| change.requirement_id).collect();
        let mut part = PlannedPart {
            outcome: Outcome::of(&changes),
            ..PlannedPart::default()
        };
        for change in changes {
            let Some(kind) = planned_kind(&change) else {
                continue;
            };
            let is_of_rule = lost.contains(&change.requirement_id);
            part.counts.add(kind, is_of_rule);
            let is_open = change.why.is_none() && change.satisfied_at.is_none();
            part.counts.overdue += i64::from(is_open && change.due_on.is_some_and(|day| day < today));
            part.lines.push_str(&line(&change, kind.as_str()));
            part.kept.push(Change {
                change: match kind {
                    PlannedChangeKind::Satisfied => ChangeKind::Satisfied,
                    _ => change.change,
                },
                rule_id: is_of_rule.then_some(rule),
                ..change
            });
        }
        part
    }

    /// Hands out the changes to be kept.
    pub(super) fn take_kept(&mut self) -> Vec<Change> {
        mem::take(&mut self.kept)
    }
}

/// A change as plans and explanations show it; none if it is not one of a requirement.
pub(super) fn shown(change: &Change) -> Option<PlannedChange> {
    Some(PlannedChange {
        user_id: change.user_id,
        target: Target::course(change.course_id?),
        cycle: change.cycle.unwrap_or_default(),
        kind: planned_kind(change)?,
        due_on: change.due_on,
        valid_until: change.valid_until,
        renews_on: change.renews_on,
    })
}

/// What the hash of a plan is made of.
pub(super) fn line(change: &Change, kind: &str) -> String {
    let day = |day: Option<NaiveDate>| day.map_or(String::new(), |day| day.to_string());
    format!(
        "{} {} {} {} {} {}\n",
        change.user_id,
        change.course_id.unwrap_or_default(),
        change.cycle.unwrap_or_default(),
        kind,
        day(change.due_on),
        day(change.valid_until),
    )
}

/// What a plan calls a change of a requirement; nothing for other changes.
fn planned_kind(change: &Change) -> Option<PlannedChangeKind> {
    Some(match change.change {
        ChangeKind::Opens if change.satisfied_at.is_none() => PlannedChangeKind::Opens,
        ChangeKind::Opens | ChangeKind::Satisfied => PlannedChangeKind::Satisfied,
        ChangeKind::Reopens => PlannedChangeKind::Reopens,
        ChangeKind::Resumes => PlannedChangeKind::Resumes,
        ChangeKind::Moves => PlannedChangeKind::Moves,
        ChangeKind::Ends => PlannedChangeKind::Ends,
        ChangeKind::Joins
        | ChangeKind::Leaves
        | ChangeKind::IssueOpens
        | ChangeKind::IssueCloses
        | ChangeKind::ReasonAdded
        | ChangeKind::ReasonMoved
        | ChangeKind::ReasonDated
        | ChangeKind::ReasonEnded => return None,
    })
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    opens: i64,
    satisfied: i64,
    reopens: i64,
    resumes: i64,
    ends: i64,
    moves: i64,
    overdue: i64,
}

impl Counts {
    fn add(&mut self, kind: PlannedChangeKind, is_of_rule: bool) {
        match kind {
            PlannedChangeKind::Opens => self.opens += 1,
            PlannedChangeKind::Satisfied => self.satisfied += 1,
            PlannedChangeKind::Reopens => self.reopens += 1,
            PlannedChangeKind::Resumes => self.resumes += 1,
            PlannedChangeKind::Moves => self.moves += 1,
            PlannedChangeKind::Ends => self.ends += i64::from(is_of_rule),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.opens += other.opens;
        self.satisfied += other.satisfied;
        self.reopens += other.reopens;
        self.resumes += other.resumes;
        self.ends += other.ends;
        self.moves += other.moves;
        self.overdue += other.overdue;
    }
}

/// Adds up a plan.
pub(super) struct PlanTotals {
    rule_id: Uuid,
    hash: Sha256,
    day: Option<NaiveDate>,
    total: PlannedPart,
}

impl PlanTotals {
    /// The plan of `rule` before anybody was looked at.
    pub(super) fn of(rule: &Rule, wish: &PlanRule) -> Self {
        let day = wish.day.map_or(String::new(), |day| day.to_string());
        PlanTotals {
            rule_id: rule.id,
            hash: Sha256::new_with_prefix(format!(
                "{} {} {} {day}\n",
                rule.id,
                rule.version,
                wish.becomes.as_str()
            )),
            day: wish.day,
            total: PlannedPart::default(),
        }
    }

    /// Adds what was foreseen for the next people, in the order of their ids.
    pub(super) fn add(&mut self, some: PlannedPart) {
        self.hash.update(some.lines);
        self.total.outcome += some.outcome;
        self.total.counts += some.counts;
    }

    /// The plan, for a rule that is the reason of `live_requirements`, without what it tells of org units and of users.
    pub(super) fn plan(mut self, live_requirements: i64) -> RulePlan {
        let PlannedPart { outcome, counts, .. } = self.total;
        self.hash.update(format!("{} {}", outcome.joined, outcome.left));
        let hash = HEXLOWER.encode(&self.hash.finalize());
        RulePlan {
            rule_id: self.rule_id,
            plan_hash: match self.day {
                Some(_) => format!("{SIMULATED}{hash}"),
                None => hash,
            },
            day: self.day,
            joins: outcome.joined,
            leaves: outcome.left,
            opens: counts.opens,
            satisfied: counts.satisfied,
            reopens: counts.reopens,
            resumes: counts.resumes,
            ends: counts.ends,
            moves: counts.moves,
            overdue: counts.overdue,
            issues: outcome.issues_opened,
            live_requirements,
            removals_percent: percent(counts.ends, live_requirements),
            org_units: Vec::new(),
            changes: Vec::new(),
        }
    }
}

pub(super) fn percent(part: i64, whole: i64) -> f64 {
    if part == 0 {
        return 0.0;
    }
    (part as f64 * 100.0 / whole.max(1) as f64).min(100.0)
}
