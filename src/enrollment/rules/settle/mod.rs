//! What should be of one person and one target: a function of facts, rules and the day, which reads and writes nothing.
//!
//! The *current* cycle of a person and a target is the latest one. Rules speak to it alone. [`settle`] answers the cycles as they
//! should be, from the current one on; what differs from what is stored is to be changed ([`super::changes`]), and where nothing
//! differs nothing is. Plans and explanations call the same function.

mod due;
mod validity;

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use self::validity::renews_on;
use super::{
    model::{OnLeave, RuleStatus},
    person::{Cycle, Evidence, Person, Proof, Reason, Renewed},
    policy::Policy,
};
use crate::enrollment::{requirements::model::EndReason, target::Target};

pub use due::{DueDate, Mover};

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
    pub fn person(&self) -> &Person {
        self.person
    }

    /// Whether the target can be begun: it is published.
    pub fn can_begin(&self) -> bool {
        self.can_begin
    }

    /// What active rules ask of the person now.
    pub fn wants(&self) -> &[Want<'a>] {
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
        let is_kept = match policy.on_leave {
            OnLeave::End => false,
            OnLeave::KeepUntilSatisfied | OnLeave::Keep => true,
        };
        (!self.is_member(rule) && !is_kept).then_some(EndReason::LeftAudience)
    }

    fn is_member(&self, rule: Uuid) -> bool {
        let membership = self.person.memberships.get(&rule);
        membership.is_some_and(|membership| membership.left_on.is_none())
    }

    /// Whether the person left the audience of the rule, which keeps the reason until it is satisfied, and then asks no more.
    fn asks_once(&self, reason: &Reason) -> bool {
        self.policy(reason).is_some_and(|policy| {
            policy.on_leave == OnLeave::KeepUntilSatisfied && !self.is_member(policy.rule_id)
        })
    }

    /// Whether a cycle, once satisfied, stays so: all its reasons are kept for somebody who left.
    pub fn is_last(&self, cycle: &Cycle) -> bool {
        cycle.reasons.iter().all(|reason| self.asks_once(reason))
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
                    renews_on: None,
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
        let days = self.wants.iter().map(|want| match due::skipped_until(want) {
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
            for reason in &mut cycle.reasons {
                (reason.valid_until, reason.renews_on) = (None, None);
            }
            return;
        };
        self.date_by(cycle, evidence);
        let valid_until = cycle.valid_until;
        for reason in &mut cycle.reasons {
            let want = reason.rule_id.and_then(|rule| self.want(rule));
            reason.renews_on = want.and_then(|want| renews_on(want, valid_until, evidence));
        }
        cycle.renews_on = cycle.reasons.iter().filter_map(|reason| reason.renews_on).min();
    }

    /// Dates what a cycle has from the evidence that satisfies it.
    fn date_by(&self, cycle: &mut Cycle, evidence: &Evidence) {
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
    }

    /// The stored cycle, which another followed, as it should be by what satisfies it, or by what that was `corrected` to: until when
    /// that counts, as far as reasons are left that say so; or ended, where it does not satisfy the cycle any more.
    pub fn past(&self, corrected: &HashMap<Uuid, Uuid>) -> Option<Cycle> {
        let mut cycle = self.person.cycles.get(&self.target)?.clone();
        let (proof, at) = cycle.satisfied?;
        let proof = match proof {
            Proof::Completion(id) => {
                Proof::Completion(std::iter::successors(Some(id), |id| corrected.get(id).copied()).last()?)
            }
            Proof::Waiver(_) => proof,
        };
        let evidence = self.evidence(proof);
        match evidence.filter(|evidence| self.satisfies(&cycle, evidence)) {
            None => {
                cycle.satisfied = Some((proof, at));
                cycle.ended = Some(EndReason::EvidenceGone);
            }
            Some(evidence) => {
                cycle.ended = None;
                match cycle.reasons.is_empty() {
                    true => cycle.satisfied = Some((evidence.proof, evidence.at)),
                    false => self.date_by(&mut cycle, evidence),
                }
            }
        }
        Some(cycle)
    }

    /// The evidence for the target that is `proof`, if it counts still.
    pub fn evidence(&self, proof: Proof) -> Option<&Evidence> {
        self.all_evidence().find(|evidence| evidence.proof == proof)
    }

    /// What there is for the target, in the order in which it happened, that of equivalent courses last.
    pub fn all_evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.person.evidence.get(&self.target.id).into_iter().flatten()
    }

    fn policy(&self, reason: &Reason) -> Option<&Policy> {
        self.policies.get(&reason.rule_id?)
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
