//! What should be of one person and one target: a function of facts, rules and the day, which reads and writes nothing.
//!
//! The *current* cycle of a person and a target is the latest one. Rules speak to it alone. [`settle`] answers the cycles as they
//! should be, from the current one on; what differs from what is stored is to be changed ([`super::changes`]), and where nothing
//! differs nothing is. Plans and explanations call the same function.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    explain_model::WhyNot,
    model::{EarlyCompletions, OnLeave, RuleStatus},
    person::{Cycle, Evidence, Person, Proof, Reason, Renewed},
    policy::{Again, Policy},
    repeat::NewHires,
};
use crate::{
    enrollment::{requirements::model::EndReason, target::Target},
    period::Period,
};

/// A rule that asks a target of the person now.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The rule.
    pub policy: &'a Policy,
    /// Since when the person is in its audience.
    pub joined_on: NaiveDate,
    /// Whether they joined after the rule was activated.
    pub is_new_hire: bool,
}

/// No person has so many cycles that open and are satisfied at one time.
const MOST_CYCLES: usize = 1_000;

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
                is_new_hire: policy
                    .activated_at
                    .is_some_and(|at| membership.joined_on > person.day(at)),
            })
    });
    wants.collect()
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
    /// What somebody decided about an issue.
    Resolution(Uuid),
}

impl DueDate {
    /// A day that nothing has moved yet.
    pub(super) fn on(day: Option<NaiveDate>) -> Self {
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

/// What a cycle counts from.
enum Lapse {
    /// What the rule says of a first one.
    First,
    /// The last day of what it renews; none if that counts for ever.
    Of(Option<NaiveDate>),
}

/// A person and a target.
#[derive(Debug)]
pub struct Case<'a> {
    person: &'a Person,
    target: Target,
    policies: &'a HashMap<Uuid, Policy>,
    wants: Vec<Want<'a>>,
    can_begin: bool,
}

impl<'a> Case<'a> {
    /// The case of a person and a target, which can be begun or not.
    pub fn of(
        person: &'a Person,
        target: Target,
        policies: &'a HashMap<Uuid, Policy>,
        can_begin: bool,
    ) -> Self {
        Case {
            person,
            target,
            policies,
            wants: wants(person, target, policies),
            can_begin,
        }
    }

    /// The person.
    pub(super) fn person(&self) -> &Person {
        self.person
    }

    /// Whether the target can be begun: it is published.
    pub(super) fn can_begin(&self) -> bool {
        self.can_begin
    }

    /// What active rules ask of the person now.
    pub(super) fn wants(&self) -> &[Want<'a>] {
        &self.wants
    }

    /// The target.
    pub fn target(&self) -> Target {
        self.target
    }

    /// What an active rule asks of the person now.
    pub fn want(&self, rule: Uuid) -> Option<&Want<'a>> {
        self.wants.iter().find(|want| want.policy.rule_id == rule)
    }

    /// The cycles as they should be, from the current one on.
    pub fn settle(&self) -> Vec<Cycle> {
        let mut cycles = Vec::new();
        let Some(mut cycle) = self.current() else {
            return cycles;
        };
        while cycles.len() < MOST_CYCLES {
            if cycle.ended.is_none() {
                self.date(&mut cycle);
            }
            let next = self.next(&cycle);
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
    fn current(&self) -> Option<Cycle> {
        let Some(stored) = self.person.cycles.get(&self.target) else {
            return (!self.wants.is_empty()).then(|| self.opened(1, self.first_day(), None));
        };
        let mut cycle = stored.clone();
        if cycle.ended.is_some() {
            if self.wants.is_empty() {
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
        if !is_completion && self.ignores_waivers() {
            return Some(WhyNot::OverrideRequires);
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
        let (renews, opens_on) = (cycle.renews.clone(), cycle.opens_on);
        for reason in &mut cycle.reasons {
            if let Some(due) = self.due(reason, renews.as_ref(), opens_on) {
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
    pub fn due(&self, reason: &Reason, renews: Option<&Renewed>, opens_on: NaiveDate) -> Option<DueDate> {
        let Some(rule) = reason.rule_id else {
            return Some(self.postponed(DueDate::on(reason.scheduled_on), None));
        };
        let (due, _) = self.decided(self.want(rule)?, renews, opens_on);
        Some(due)
    }

    /// When a rule wants a cycle to be due that opens on a day, whatever issues there are.
    pub(super) fn planned(&self, want: &Want, renews: Option<&Renewed>, opens_on: NaiveDate) -> DueDate {
        let mut due;
        match self.lapses(want, renews) {
            Lapse::Of(day) => {
                due = DueDate::on(day);
                due.step(Mover::Grace, |day| Some(want.policy.grace.after(day)));
                due.step(Mover::MinimumLead, |day| {
                    Some(want.policy.due.not_before_lead(day, want.joined_on.max(opens_on)))
                });
            }
            Lapse::First => {
                due = DueDate::on(self.first_due(want));
                due.step(Mover::MinimumLead, |day| {
                    Some(want.policy.due.not_before_lead(day, want.joined_on))
                });
            }
        }
        self.postponed(due, want.policy.absence_lead)
    }

    /// What a cycle counts from for a rule: the end of what it renews, unless there is nothing, or the person joined later.
    fn lapses(&self, want: &Want, renews: Option<&Renewed>) -> Lapse {
        let Some(renewed) = renews else {
            return Lapse::First;
        };
        let lapses = match (&want.policy.repeat, self.evidence(renewed.proof)) {
            (Some(Again::AfterDueDate(_)), _) | (_, None) => renewed.valid_until,
            (_, Some(evidence)) => validity(Some(want.policy), None, evidence),
        };
        match lapses {
            Some(day) if want.joined_on > day => Lapse::First,
            lapses => Lapse::Of(lapses),
        }
    }

    /// Whether a cycle is due as the rule says, and not when what it renews ends.
    pub(super) fn is_first(&self, want: &Want, renews: Option<&Renewed>) -> bool {
        matches!(self.lapses(want, renews), Lapse::First)
    }

    /// Whether what the rule counts from is missing in the facts about the person.
    pub(super) fn misses_date(&self, want: &Want) -> bool {
        skipped_until(want).is_none() && want.policy.due.misses_date(self.person)
    }

    fn first_due(&self, want: &Want) -> Option<NaiveDate> {
        if let Some(day) = skipped_until(want) {
            return Some(day);
        }
        let due = want.policy.due.due_on(self.person, want.joined_on)?;
        Some(match &want.policy.repeat {
            Some(Again::Calendar(calendar, NewHires::Prorate)) if want.is_new_hire => {
                let (last, next) = (calendar.until(want.joined_on), calendar.after(want.joined_on));
                match (last, next) {
                    (Some(last), Some(next)) => {
                        let (left, whole) = ((next - want.joined_on).num_days(), (next - last).num_days());
                        let days = (due - want.joined_on).num_days().max(0);
                        // The share of the days that is left, rounded up.
                        let days = (days * left + whole - 1) / whole.max(1);
                        let due = want.joined_on + chrono::TimeDelta::days(days);
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
    pub(super) fn postponed(&self, mut due: DueDate, absence_lead: Option<Period>) -> DueDate {
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
    fn next(&self, cycle: &Cycle) -> Option<Cycle> {
        let (proof, _) = cycle.satisfied?;
        let opens_on = cycle.renews_on?;
        let is_due = cycle.ended.is_none() && opens_on <= self.person.today;
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
    let valid_until = cycle.valid_until?;
    let gap = want.policy.gap.after(evidence.on);
    // What a version made invalid is asked for when that was published, not before.
    let is_replaced = evidence.version_counts_until == Some(valid_until);
    let replaced_on = evidence.replaced_on.filter(|_| is_replaced);
    let opens_on = want.policy.window.before(valid_until).max(gap);
    Some(replaced_on.map_or(opens_on, |day| day.max(opens_on)))
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
    earliest([own, evidence.expires_on, evidence.version_counts_until])
}

/// The day of the calendar on which a first cycle is due that skips the one under way.
fn skipped_until(want: &Want) -> Option<NaiveDate> {
    match &want.policy.repeat {
        Some(Again::Calendar(calendar, NewHires::Skip)) if want.is_new_hire => calendar.after(want.joined_on),
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

fn earliest(days: [Option<NaiveDate>; 3]) -> Option<NaiveDate> {
    days.into_iter().flatten().min()
}
