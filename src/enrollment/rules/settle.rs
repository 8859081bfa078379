//! What should be of one person and one target: a function of facts, rules and the day, which reads and writes nothing.
//!
//! The *current* cycle of a person and a target is the latest one. Rules speak to it alone. [`settle`] answers the cycles as they
//! should be, from the current one on; what differs from what is stored is to be changed ([`super::changes`]), and where nothing
//! differs nothing is. Plans and explanations call the same function.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{
    explain_model::WhyNot,
    model::{EarlyCompletions, OnLeave, RuleStatus},
    policy::{Again, Policy},
    repeat::NewHires,
};
use crate::{
    enrollment::{requirements::model::EndReason, target::Target},
    period::Period,
};

/// The facts about a person.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Who.
    pub id: Uuid,
    /// Whether they are archived; then nothing is asked of them.
    pub is_archived: bool,
    /// The day that it is for them.
    pub today: NaiveDate,
    /// Their first day of work.
    pub hired_on: Option<NaiveDate>,
    /// The day on which their account became active.
    pub activated_on: Option<NaiveDate>,
    /// Their date attributes that rules name.
    pub dates: HashMap<String, NaiveDate>,
    /// Since when they are in which rule's audience, and until when they were.
    pub memberships: BTreeMap<Uuid, Membership>,
    /// Their current cycles.
    pub cycles: BTreeMap<Target, Cycle>,
    /// What counts as a completion, by course, in the order in which it happened.
    pub evidence: HashMap<Uuid, Vec<Evidence>>,
    /// When they are away, in order.
    pub absences: Vec<Away>,
    /// The rules from which they are released.
    pub released: BTreeSet<Uuid>,
    /// Days before which targets are not due.
    pub extensions: Vec<MoreTime>,
}

/// An absence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Away {
    /// Its id.
    pub id: Uuid,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day, if it is known.
    pub ends_on: Option<NaiveDate>,
}

/// An extension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoreTime {
    /// Its id.
    pub id: Uuid,
    /// What is not due before.
    pub target: Target,
    /// The day.
    pub due_on: NaiveDate,
}

/// A person's membership of an audience.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Membership {
    /// Since when.
    pub joined_on: NaiveDate,
    /// Until when; none while it lasts.
    pub left_on: Option<NaiveDate>,
}

/// What satisfies a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A completion.
    Completion(Uuid),
    /// A waiver.
    Waiver(Uuid),
}

/// A completion or a waiver that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Which one.
    pub proof: Proof,
    /// The course that it is about: another one than the target's, if that is equivalent.
    pub course_id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The day that it was for the person.
    pub on: NaiveDate,
    /// The last day that it names itself.
    pub expires_on: Option<NaiveDate>,
    /// How long the course says that it counts.
    pub validity: Option<Period>,
}

/// One cycle of a requirement.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycle {
    /// The requirement's id; nil for one that is not stored yet.
    pub id: Uuid,
    /// Which cycle it is.
    pub number: i32,
    /// The first day on which it counts.
    pub opens_on: NaiveDate,
    /// By when: the earliest of its reasons.
    pub due_on: Option<NaiveDate>,
    /// What satisfies it, and when that happened.
    pub satisfied: Option<(Proof, DateTime<Utc>)>,
    /// The last day on which that counts: the earliest of its reasons.
    pub valid_until: Option<NaiveDate>,
    /// The day on which the next cycle opens.
    pub renews_on: Option<NaiveDate>,
    /// Why it ended.
    pub ended: Option<EndReason>,
    /// What the cycle before it said, if it renews one.
    pub renews: Option<Renewed>,
    /// Its live reasons.
    pub reasons: Vec<Reason>,
    /// The reasons with which it ended.
    pub past_reasons: Vec<Reason>,
}

/// What a cycle renews.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewed {
    /// What satisfied the cycle before.
    pub proof: Proof,
    /// The last day on which that counts.
    pub valid_until: Option<NaiveDate>,
}

/// A live reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// Its id; nil for one that is not stored yet.
    pub id: Uuid,
    /// The rule; none for a reason that a person gave.
    pub rule_id: Option<Uuid>,
    /// The version of the rule that set its dates.
    pub rule_version: Option<i64>,
    /// When it is due before grace, extensions and absences move that day.
    pub scheduled_on: Option<NaiveDate>,
    /// By when.
    pub due_on: Option<NaiveDate>,
    /// Until when what satisfies the requirement counts for this reason.
    pub valid_until: Option<NaiveDate>,
}

/// A rule that asks a target of the person now.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The rule.
    pub policy: &'a Policy,
    /// Since when the person is in its audience.
    pub joined_on: NaiveDate,
}

/// No person has so many cycles that open and are satisfied at one time.
const MOST_CYCLES: usize = 1_000;

/// The cycles of `target` as they should be, from the current one on. `can_begin` says whether the target can be begun.
pub fn settle(
    person: &Person,
    target: Target,
    policies: &HashMap<Uuid, Policy>,
    can_begin: bool,
) -> Vec<Cycle> {
    Case::of(person, target, policies).settle(can_begin)
}

/// The active rules that ask for `target`, in the order of their ids.
pub fn wants<'a>(person: &Person, target: Target, policies: &'a HashMap<Uuid, Policy>) -> Vec<Want<'a>> {
    if person.is_archived {
        return Vec::new();
    }
    let current = person.cycles.get(&target);
    let memberships = person.memberships.iter();
    let wants = memberships.filter_map(|(rule, membership)| {
        let policy = policies.get(rule)?;
        let has_reason =
            || current.is_some_and(|cycle| cycle.ended.is_none() && cycle.reason_of(*rule).is_some());
        let is_released = person.released.contains(rule);
        let is_asked = membership.left_on.is_none() || policy.on_leave == OnLeave::Keep && has_reason();
        (policy.status == RuleStatus::Active && policy.targets.contains(&target) && is_asked && !is_released)
            .then_some(Want {
                policy,
                joined_on: membership.joined_on,
            })
    });
    wants.collect()
}

impl Cycle {
    /// The live reason that a rule is.
    pub fn reason_of(&self, rule: Uuid) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.rule_id == Some(rule))
    }
}

/// A due date, and how it comes about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DueDate {
    /// The day before anything moves it.
    pub scheduled_on: Option<NaiveDate>,
    /// The day.
    pub due_on: Option<NaiveDate>,
    /// What moved it, and to which day; to none, where nothing is due until an absence has an end.
    pub moves: Vec<(Mover, Option<NaiveDate>)>,
}

/// What moves a due date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mover {
    /// The grace period of the rule.
    Grace,
    /// Its minimum lead.
    MinimumLead,
    /// An extension.
    Extension(Uuid),
    /// An absence.
    Absence(Uuid),
}

impl DueDate {
    fn on(day: Option<NaiveDate>) -> Self {
        DueDate {
            scheduled_on: day,
            due_on: day,
            moves: Vec::new(),
        }
    }

    fn step(&mut self, mover: Mover, to: impl FnOnce(NaiveDate) -> Option<NaiveDate>) {
        let Some(day) = self.due_on else { return };
        let to = to(day);
        if to != self.due_on {
            self.due_on = to;
            self.moves.push((mover, to));
        }
    }
}

/// A person and a target.
#[derive(Debug)]
pub struct Case<'a> {
    person: &'a Person,
    target: Target,
    policies: &'a HashMap<Uuid, Policy>,
    wants: Vec<Want<'a>>,
}

impl<'a> Case<'a> {
    /// The case of a person and a target.
    pub fn of(person: &'a Person, target: Target, policies: &'a HashMap<Uuid, Policy>) -> Self {
        Case {
            person,
            target,
            policies,
            wants: wants(person, target, policies),
        }
    }

    /// The target.
    pub fn target(&self) -> Target {
        self.target
    }

    /// What an active rule asks of the person now.
    pub fn want(&self, rule: Uuid) -> Option<&Want<'a>> {
        self.wants.iter().find(|want| want.policy.rule_id == rule)
    }

    /// See [`settle`].
    pub fn settle(&self, can_begin: bool) -> Vec<Cycle> {
        let mut cycles = Vec::new();
        let Some(mut cycle) = self.current(can_begin) else {
            return cycles;
        };
        while cycles.len() < MOST_CYCLES {
            if cycle.ended.is_none() {
                self.date(&mut cycle);
            }
            let next = self.next(&cycle, can_begin);
            cycles.push(cycle);
            match next {
                Some(next) => cycle = next,
                None => break,
            }
        }
        cycles
    }

    /// The current cycle with the reasons that hold: a first one, if there is none; an ended one resumes, if something asks for it
    /// again.
    fn current(&self, can_begin: bool) -> Option<Cycle> {
        let Some(stored) = self.person.cycles.get(&self.target) else {
            return (can_begin && !self.wants.is_empty()).then(|| self.opened(1, self.first_day(), None));
        };
        let mut cycle = stored.clone();
        if cycle.ended.is_some() {
            if self.wants.is_empty() || !can_begin && cycle.satisfied.is_none() {
                return Some(cycle);
            }
            cycle.ended = None;
            if cycle.satisfied.is_none() {
                cycle.opens_on = self.first_day();
            }
        }
        let mut why = EndReason::LeftAudience;
        cycle.reasons.retain(|reason| match self.end_of(reason) {
            Some(end) => {
                why = end;
                false
            }
            None => true,
        });
        if cycle.reasons.is_empty() && self.wants.is_empty() {
            cycle.ended = Some(why);
            return Some(cycle);
        }
        self.add_reasons(&mut cycle);
        Some(cycle)
    }

    /// Why a reason holds no more.
    fn end_of(&self, reason: &Reason) -> Option<EndReason> {
        if self.person.is_archived {
            return Some(EndReason::UserLeft);
        }
        let rule = reason.rule_id?;
        let Some(policy) = self.policies.get(&rule) else {
            return Some(EndReason::RuleArchived);
        };
        if !policy.targets.contains(&self.target) {
            return Some(EndReason::RuleChanged);
        }
        if self.person.released.contains(&rule) {
            return Some(EndReason::Released);
        }
        let membership = self.person.memberships.get(&rule);
        let is_member = membership.is_some_and(|membership| membership.left_on.is_none());
        let is_kept = match policy.on_leave {
            OnLeave::End => false,
            OnLeave::KeepUntilSatisfied | OnLeave::Keep => true,
        };
        (!is_member && !is_kept).then_some(EndReason::LeftAudience)
    }

    fn add_reasons(&self, cycle: &mut Cycle) {
        for want in &self.wants {
            let rule = Some(want.policy.rule_id);
            if cycle.reason_of(want.policy.rule_id).is_none() {
                // What was completed before an end keeps its place in the schedule.
                let past = cycle.past_reasons.iter().find(|past| past.rule_id == rule);
                let scheduled_on = past.and_then(|past| past.scheduled_on);
                cycle.reasons.push(Reason {
                    id: Uuid::nil(),
                    rule_id: rule,
                    rule_version: Some(want.policy.version),
                    scheduled_on,
                    due_on: None,
                    valid_until: None,
                });
            }
        }
    }

    fn opened(&self, number: i32, opens_on: NaiveDate, renews: Option<Renewed>) -> Cycle {
        let mut cycle = Cycle {
            id: Uuid::nil(),
            number,
            opens_on,
            due_on: None,
            satisfied: None,
            valid_until: None,
            renews_on: None,
            ended: None,
            renews,
            reasons: Vec::new(),
            past_reasons: Vec::new(),
        };
        self.add_reasons(&mut cycle);
        cycle
    }

    /// The day on which a first cycle opens: today, or later for new hires who skip the calendar cycle that is under way.
    fn first_day(&self) -> NaiveDate {
        let days = self.wants.iter().map(|want| match skipped_until(want) {
            Some(day) => want.policy.window.before(day).max(self.person.today),
            None => self.person.today,
        });
        days.min().unwrap_or(self.person.today)
    }

    /// Works out the dates of a cycle, and what satisfies it.
    fn date(&self, cycle: &mut Cycle) {
        let present = cycle.satisfied.and_then(|(proof, _)| self.evidence(proof));
        let present = present.filter(|evidence| self.satisfies(cycle, evidence));
        if present.is_none() {
            cycle.satisfied = None;
            self.set_due_dates(cycle);
        }
        let chosen = present.or_else(|| self.best(cycle));
        let Some(evidence) = chosen else {
            cycle.valid_until = None;
            cycle.renews_on = None;
            cycle
                .reasons
                .iter_mut()
                .for_each(|reason| reason.valid_until = None);
            return;
        };
        cycle.satisfied = Some((evidence.proof, evidence.at));
        cycle.valid_until = self.valid_until(cycle, evidence);
        let validities: Vec<_> = cycle
            .reasons
            .iter()
            .map(|reason| self.validity(cycle, reason, evidence))
            .collect();
        for (reason, valid_until) in cycle.reasons.iter_mut().zip(validities) {
            reason.valid_until = valid_until;
        }
        let days = self
            .wants
            .iter()
            .filter_map(|want| renews_on(want, cycle, evidence));
        cycle.renews_on = days.min();
    }

    /// The evidence for the target that is `proof`, if it counts still.
    pub fn evidence(&self, proof: Proof) -> Option<&Evidence> {
        self.all_evidence().find(|evidence| evidence.proof == proof)
    }

    /// What there is for the target, in the order in which it happened, that of equivalent courses last.
    pub fn all_evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.person.evidence.get(&self.target.id).into_iter().flatten()
    }

    /// The evidence that satisfies the cycle and lasts longest.
    fn best(&self, cycle: &Cycle) -> Option<&Evidence> {
        let fitting = self
            .all_evidence()
            .filter(|evidence| self.satisfies(cycle, evidence));
        fitting.max_by_key(|evidence| {
            let lasts = self.valid_until(cycle, evidence).unwrap_or(NaiveDate::MAX);
            (lasts, evidence.at)
        })
    }

    fn satisfies(&self, cycle: &Cycle, evidence: &Evidence) -> bool {
        self.why_not(cycle, evidence).is_none()
    }

    /// Why evidence does not satisfy a cycle: it counts on the day on which that opens or later, and longer than what that renews.
    pub fn why_not(&self, cycle: &Cycle, evidence: &Evidence) -> Option<WhyNot> {
        let is_early = evidence.on < cycle.opens_on;
        let is_completion = matches!(evidence.proof, Proof::Completion(_));
        let ignores = |reason: &Reason| {
            self.policy(reason)
                .is_some_and(|policy| policy.early == EarlyCompletions::Ignore)
        };
        if is_early && is_completion && cycle.reasons.iter().any(ignores) {
            return Some(WhyNot::IgnoredAsEarly);
        }
        let until = self.valid_until(cycle, evidence)?;
        let renewed = cycle.renews.as_ref().and_then(|renewed| renewed.valid_until);
        if until < cycle.opens_on {
            return Some(WhyNot::ExpiredBeforeItOpened);
        }
        let is_longer = renewed.is_none_or(|renewed| until > renewed);
        (!is_longer).then_some(WhyNot::NotLongerThanWhatItRenews)
    }

    /// The last day on which `evidence` counts: the earliest of the reasons.
    pub fn valid_until(&self, cycle: &Cycle, evidence: &Evidence) -> Option<NaiveDate> {
        let reasons = cycle.reasons.iter();
        let days = reasons.filter_map(|reason| self.validity(cycle, reason, evidence));
        days.min()
    }

    /// The last day on which `evidence` counts for one reason.
    fn validity(&self, cycle: &Cycle, reason: &Reason, evidence: &Evidence) -> Option<NaiveDate> {
        // What satisfied the cycle before belongs to its day in the schedule, however wide the window is.
        let is_renewed = cycle
            .renews
            .as_ref()
            .is_some_and(|renewed| renewed.proof == evidence.proof);
        let is_early = evidence.on < cycle.opens_on || is_renewed;
        let scheduled_on = reason.scheduled_on.filter(|_| !is_early);
        validity(self.policy(reason), scheduled_on, evidence)
    }

    fn policy(&self, reason: &Reason) -> Option<&Policy> {
        self.policies.get(&reason.rule_id?)
    }

    /// Gives the reasons of an open cycle their due dates, and the cycle the earliest. Rules that are not active, and those that
    /// keep what they asked of people who left, leave their dates as they are.
    fn set_due_dates(&self, cycle: &mut Cycle) {
        let renews = cycle.renews.clone();
        for reason in &mut cycle.reasons {
            if let Some(due) = self.due(reason, renews.as_ref()) {
                reason.scheduled_on = due.scheduled_on;
                reason.due_on = due.due_on;
            }
            if let Some(want) = reason.rule_id.and_then(|rule| self.want(rule)) {
                reason.rule_version = Some(want.policy.version);
            }
        }
        cycle.due_on = cycle.reasons.iter().filter_map(|reason| reason.due_on).min();
    }

    /// When an open cycle that renews something, or nothing, is due for a reason; none for a reason whose dates stay as they are.
    pub fn due(&self, reason: &Reason, renews: Option<&Renewed>) -> Option<DueDate> {
        let Some(rule) = reason.rule_id else {
            return Some(self.postponed(DueDate::on(reason.scheduled_on), None));
        };
        let want = self.want(rule)?;
        let (scheduled_on, grace) = self.scheduled(want, renews);
        let mut due = DueDate::on(scheduled_on);
        due.step(Mover::Grace, |day| Some(grace.after(day)));
        due.step(Mover::MinimumLead, |day| {
            Some(want.policy.due.not_before_lead(day, want.joined_on))
        });
        Some(self.postponed(due, want.policy.absence_lead))
    }

    /// When a rule wants a cycle to be due, and the grace that it adds: a first one as the rule says; a renewal when what it renews
    /// is valid no more for this rule, unless the person joined later.
    fn scheduled(&self, want: &Want, renews: Option<&Renewed>) -> (Option<NaiveDate>, Period) {
        let first = || self.first_due(want);
        let Some(renewed) = renews else {
            return (first(), Period::default());
        };
        let lapses = match (&want.policy.repeat, self.evidence(renewed.proof)) {
            (Some(Again::AfterDueDate(_)), _) | (_, None) => renewed.valid_until,
            (_, Some(evidence)) => validity(Some(want.policy), None, evidence),
        };
        match lapses {
            Some(day) if want.joined_on <= day => (Some(day), want.policy.grace),
            Some(_) => (first(), Period::default()),
            None => (None, Period::default()),
        }
    }

    fn first_due(&self, want: &Want) -> Option<NaiveDate> {
        if let Some(day) = skipped_until(want) {
            return Some(day);
        }
        let due = want.policy.due.due_on(self.person, want.joined_on)?;
        Some(match &want.policy.repeat {
            Some(Again::Calendar(calendar, NewHires::Prorate)) if is_new_hire(want) => {
                let (last, next) = (calendar.until(want.joined_on), calendar.after(want.joined_on));
                match (last, next) {
                    (Some(last), Some(next)) => {
                        let share = (next - want.joined_on).num_days() as f64
                            / (next - last).num_days().max(1) as f64;
                        let days = (due - want.joined_on).num_days().max(0) as f64 * share;
                        let due = want.joined_on + chrono::TimeDelta::days(days.ceil() as i64);
                        want.policy.due.not_before_lead(due, want.joined_on)
                    }
                    _ => due,
                }
            }
            _ => due,
        })
    }

    /// A due date after extensions, and behind absences if the rule moves it there. Nothing is due in an absence whose end is
    /// not known.
    fn postponed(&self, mut due: DueDate, absence_lead: Option<Period>) -> DueDate {
        for extension in &self.person.extensions {
            if extension.target == self.target {
                due.step(Mover::Extension(extension.id), |day| {
                    Some(day.max(extension.due_on))
                });
            }
        }
        if let Some(lead) = absence_lead {
            for away in &self.person.absences {
                due.step(Mover::Absence(away.id), |day| {
                    let is_within = away.starts_on <= day && away.ends_on.is_none_or(|end| day <= end);
                    match is_within {
                        true => away.ends_on.map(|end| lead.after(end)),
                        false => Some(day),
                    }
                });
            }
        }
        due
    }

    /// The cycle that follows, if its window is open.
    fn next(&self, cycle: &Cycle, can_begin: bool) -> Option<Cycle> {
        let (proof, _) = cycle.satisfied?;
        let opens_on = cycle.renews_on?;
        let is_due = cycle.ended.is_none() && can_begin && opens_on <= self.person.today;
        // Those who come back open no cycle in the time when they were away.
        let joined_on = self.wants.iter().map(|want| want.joined_on).min()?;
        is_due.then(|| {
            let opens_on = opens_on.max(joined_on).min(self.person.today);
            let renewed = Renewed {
                proof,
                valid_until: cycle.valid_until,
            };
            self.opened(cycle.number + 1, opens_on, Some(renewed))
        })
    }
}

/// The day on which a rule opens the cycle after one that evidence satisfies; none if that is valid for ever.
pub fn renews_on(want: &Want, cycle: &Cycle, evidence: &Evidence) -> Option<NaiveDate> {
    let gap = want.policy.gap.after(evidence.on);
    Some(want.policy.window.before(cycle.valid_until?).max(gap))
}

/// The last day on which `evidence` counts for a rule, or for no rule. `scheduled_on` is the day on which the cycle was due, for
/// evidence that is not from before it.
fn validity(
    policy: Option<&Policy>,
    scheduled_on: Option<NaiveDate>,
    evidence: &Evidence,
) -> Option<NaiveDate> {
    if let Proof::Waiver(_) = evidence.proof {
        return evidence.expires_on;
    }
    let on = evidence.on;
    let own = match policy.and_then(|policy| Some((policy, policy.repeat.as_ref()?))) {
        None => evidence.validity.map(|period| period.after(on)),
        Some((_, Again::Never)) => None,
        Some((policy, Again::AfterDueDate(period))) => match scheduled_on {
            Some(scheduled) => Some(following(scheduled, *period, policy.gap.after(on))),
            None => Some(period.after(on)),
        },
        Some((_, Again::AfterCompletion(period))) => Some(period.after(on)),
        Some((policy, Again::Calendar(calendar, _))) => {
            calendar.after(policy.window.after(on).max(policy.gap.after(on)))
        }
    };
    earliest([own, evidence.expires_on])
}

/// Whether the person joined after the rule was activated.
fn is_new_hire(want: &Want) -> bool {
    let activated_on = want.policy.activated_on;
    activated_on.is_some_and(|activated_on| want.joined_on > activated_on)
}

/// The day of the calendar on which a first cycle is due that skips the one under way.
fn skipped_until(want: &Want) -> Option<NaiveDate> {
    match &want.policy.repeat {
        Some(Again::Calendar(calendar, NewHires::Skip)) if is_new_hire(want) => {
            calendar.after(want.joined_on)
        }
        _ => None,
    }
}

/// The first of `base` plus whole periods that comes after `day`.
fn following(base: NaiveDate, period: Period, day: NaiveDate) -> NaiveDate {
    let mut next = period.after(base);
    while next <= day {
        let later = period.after(next);
        if later <= next {
            break;
        }
        next = later;
    }
    next
}

fn earliest(days: [Option<NaiveDate>; 2]) -> Option<NaiveDate> {
    days.into_iter().flatten().min()
}
