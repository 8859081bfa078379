//! When a cycle is due, what satisfies it and until when, as docs/rules.md says.

use std::cmp::max;

use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc};
use provost::period::Period;
use uuid::Uuid;

use super::academy::{Academy, Cycle, Day, Due, NewHires, Person, Reason, Repeat, Rule};

/// A completion or a waiver for a course.
pub struct Evidence {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub on: Day,
    pub expires_on: Option<Day>,
    pub validity: Option<Period>,
    /// The last day that a later version of the course leaves it, and when that was published.
    pub replaced: Option<(Day, Day)>,
    pub is_waiver: bool,
}

/// When something is due: before anything moves it, and then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dates {
    pub scheduled_on: Option<Day>,
    pub due_on: Option<Day>,
}

/// What a cycle counts from.
enum Lapse {
    /// What the rule says of a first one.
    First,
    /// The last day of what it renews; none if that counts for ever.
    Of(Option<Day>),
}

pub fn period(text: &str) -> Period {
    text.parse().unwrap()
}

pub fn after(day: Day, text: &str) -> Day {
    period(text).after(day)
}

fn earlier(one: Option<Day>, other: Option<Day>) -> Option<Day> {
    one.into_iter().chain(other).min()
}

/// The first days of every so many months, around this day: the last that is not after it, and the next.
pub fn calendar(months: u32, day: Day) -> (Day, Day) {
    let is_one = |day: &Day| day.day() == 1 && day.month0().is_multiple_of(months);
    let before = day.iter_days().rev().find(is_one).unwrap();
    let next = day.iter_days().skip(1).find(is_one).unwrap();
    (before, next)
}

/// What a cycle renews that these came before: the last of them whose evidence is not gone, if it goes on.
pub fn renewed(before: &[Cycle]) -> Option<&Cycle> {
    let mut before = before.iter().rev();
    let last = before.find(|cycle| cycle.ended != Some("evidence_gone"));
    last.filter(|cycle| cycle.ended.is_none())
}

impl Academy {
    /// Works out the dates of a cycle, and what satisfies it.
    pub fn date(
        &self,
        person: &Person,
        course: usize,
        cycle: &mut Cycle,
        renewed: Option<&Cycle>,
        asking: &[usize],
    ) {
        let evidence = self.evidence(person, course);
        let until = |cycle: &Cycle, one: &Evidence| {
            let days = cycle
                .reasons
                .iter()
                .map(|reason| self.validity_for(cycle, reason, one, renewed));
            days.flatten().min()
        };
        let is_last = |cycle: &Cycle| {
            let mut reasons = cycle.reasons.iter();
            reasons.all(|reason| self.asks_once(reason, person))
        };
        let counts = |cycle: &Cycle, one: &Evidence| {
            let ignores = |reason: &Reason| reason.rule.is_some_and(|rule| self.rules[rule].ignores_early);
            if one.on < cycle.opens_on && !one.is_waiver && cycle.reasons.iter().any(ignores) {
                return false;
            }
            if one.is_waiver && self.ignores_waivers(person, course, asking) {
                return false;
            }
            // Later versions of the course take nothing from somebody who left and had done it.
            let until = match is_last(cycle) && cycle.proof == Some(one.id) {
                true => until(
                    cycle,
                    &Evidence {
                        replaced: None,
                        ..*one
                    },
                ),
                false => until(cycle, one),
            };
            let lasts_longer = |day: Day| {
                let renewed = renewed.and_then(|renewed| renewed.valid_until);
                renewed.is_none_or(|renewed| day > renewed)
            };
            until.is_none_or(|day| day >= cycle.opens_on && lasts_longer(day))
        };
        let present = evidence.iter().find(|one| Some(one.id) == cycle.proof);
        let present = present.filter(|one| counts(cycle, one));
        if present.is_none() {
            for place in 0..cycle.reasons.len() {
                let reason = &cycle.reasons[place];
                let dates = self.due(person, course, reason, renewed, cycle.opens_on, asking);
                if let Some(dates) = dates {
                    let reason = &mut cycle.reasons[place];
                    (reason.scheduled_on, reason.due_on) = (dates.scheduled_on, dates.due_on);
                }
            }
            cycle.due_on = cycle.reasons.iter().filter_map(|reason| reason.due_on).min();
        }
        let lasting = |one: &&Evidence| (until(cycle, one).unwrap_or(Day::MAX), one.at);
        let fitting = evidence.iter().filter(|one| counts(cycle, one));
        let Some(proof) = present.or_else(|| fitting.max_by_key(lasting)) else {
            (cycle.proof, cycle.valid_until, cycle.renews_on) = (None, None, None);
            cycle
                .reasons
                .iter_mut()
                .for_each(|reason| reason.valid_until = None);
            return;
        };
        let reasons = cycle.reasons.iter();
        let validities: Vec<_> = reasons
            .map(|reason| self.validity_for(cycle, reason, proof, renewed))
            .collect();
        cycle.proof = Some(proof.id);
        for (reason, valid_until) in cycle.reasons.iter_mut().zip(validities) {
            reason.valid_until = valid_until;
        }
        let held = cycle
            .reasons
            .iter()
            .filter(|reason| !self.asks_once(reason, person));
        cycle.valid_until = held.filter_map(|reason| reason.valid_until).min();
        let renews = |rule: &usize| {
            let rule = &self.rules[*rule];
            let valid_until = cycle.valid_until?;
            let opens = max(period(rule.window).before(valid_until), after(proof.on, rule.gap));
            // What a version made invalid is not asked for before that was published.
            let replaced = proof.replaced.filter(|(until, _)| *until == valid_until);
            Some(replaced.map_or(opens, |(_, published_on)| max(opens, published_on)))
        };
        cycle.renews_on = asking.iter().filter_map(renews).min();
    }

    /// What there is for a course: completions of it and of its equivalents, and waivers that have begun.
    fn evidence(&self, person: &Person, course: usize) -> Vec<Evidence> {
        let counts_for = |of: usize| {
            let mut pairs = self.equivalences.values();
            of == course
                || pairs.any(|(one, other, is_mutual)| {
                    (*one, *other) == (course, of) || *is_mutual && (*other, *one) == (course, of)
                })
        };
        let completions = person
            .completions
            .iter()
            .filter(|(_, one)| counts_for(one.course));
        let completions = completions.map(|(id, one)| Evidence {
            id: *id,
            at: one.at,
            on: one.on,
            expires_on: one.expires_on,
            validity: one.validity,
            replaced: self.courses[one.course]
                .replaced(one.version)
                .map(|(until, at)| (until, self.day(person, at))),
            is_waiver: false,
        });
        let today = self.today(person);
        let waivers = person.waivers.iter();
        let waivers = waivers.filter(|(_, (of, first, _))| *of == course && *first <= today);
        let waivers = waivers.map(|(id, (_, first, last))| Evidence {
            id: *id,
            at: first.and_time(NaiveTime::MIN).and_utc(),
            on: *first,
            expires_on: *last,
            validity: None,
            replaced: None,
            is_waiver: true,
        });
        completions.chain(waivers).collect()
    }

    fn validity_for(
        &self,
        cycle: &Cycle,
        reason: &Reason,
        one: &Evidence,
        renewed: Option<&Cycle>,
    ) -> Option<Day> {
        let is_renewed = renewed.is_some_and(|renewed| renewed.proof == Some(one.id));
        let is_early = one.on < cycle.opens_on || is_renewed;
        let until = self.validity(reason.rule, reason.scheduled_on.filter(|_| !is_early), one);
        let is_scheduled = reason
            .rule
            .is_some_and(|rule| matches!(self.rules[rule].repeat, Some(Repeat::AfterDueDate(_))));
        let renewed = renewed.and_then(|renewed| renewed.valid_until);
        match renewed.filter(|_| is_renewed && is_scheduled) {
            Some(renewed) => until.map(|until| until.min(renewed)),
            None => until,
        }
    }

    /// Until when evidence counts for a rule, or for none. `scheduled_on`: when it was due, if it is not early.
    fn validity(&self, rule: Option<usize>, scheduled_on: Option<Day>, one: &Evidence) -> Option<Day> {
        if one.is_waiver {
            return one.expires_on;
        }
        let rule = rule.map(|rule| &self.rules[rule]);
        let own = match rule.and_then(|rule| Some((rule, rule.repeat?))) {
            None => one.validity.map(|period| period.after(one.on)),
            Some((_, Repeat::Never)) => None,
            Some((_, Repeat::AfterCompletion(period))) => Some(after(one.on, period)),
            Some((rule, Repeat::AfterDueDate(period))) => Some(match scheduled_on {
                None => after(one.on, period),
                Some(day) => {
                    let mut next = after(day, period);
                    while next <= after(one.on, rule.gap) {
                        next = after(next, period);
                    }
                    next
                }
            }),
            Some((rule, Repeat::Calendar(months, _))) => {
                Some(calendar(months, max(after(one.on, rule.window), after(one.on, rule.gap))).1)
            }
        };
        earlier(earlier(own, one.expires_on), one.replaced.map(|(until, _)| until))
    }

    /// When an open cycle is due for a reason; none if its dates stay as they are.
    fn due(
        &self,
        person: &Person,
        course: usize,
        reason: &Reason,
        renewed: Option<&Cycle>,
        opens_on: Day,
        asking: &[usize],
    ) -> Option<Dates> {
        match reason.rule {
            None => Some(Dates {
                scheduled_on: reason.scheduled_on,
                due_on: self.postponed(person, course, reason.scheduled_on, None),
            }),
            Some(rule) if asking.contains(&rule) => {
                Some(self.decided(rule, person, course, renewed, opens_on).0)
            }
            Some(_) => None,
        }
    }

    /// When a rule wants a cycle to be due that opens on a day, whatever issues there are: a renewal when what it renews counts no
    /// more, with the grace period; a first one as the rule says.
    pub fn planned(
        &self,
        index: usize,
        person: &Person,
        course: usize,
        renewed: Option<&Cycle>,
        opens_on: Day,
    ) -> Dates {
        let rule = &self.rules[index];
        let joined_on = person.audiences[&index].0;
        let (scheduled_on, day) = match self.lapses(index, person, course, renewed) {
            Lapse::First => {
                let day = self.first_due(index, person);
                (day, day.map(|day| self.not_before_lead(rule, day, joined_on)))
            }
            Lapse::Of(day) => {
                let due = day.map(|day| after(day, rule.grace));
                (
                    day,
                    due.map(|due| self.not_before_lead(rule, due, max(joined_on, opens_on))),
                )
            }
        };
        Dates {
            scheduled_on,
            due_on: self.postponed(person, course, day, rule.absence_lead),
        }
    }

    /// What a cycle counts from: the end of what it renews, unless there is nothing, or the person joined later.
    fn lapses(&self, index: usize, person: &Person, course: usize, renewed: Option<&Cycle>) -> Lapse {
        let Some((cycle, proof)) = renewed.and_then(|cycle| Some((cycle, cycle.proof?))) else {
            return Lapse::First;
        };
        let evidence = self.evidence(person, course);
        let evidence = evidence.iter().find(|one| one.id == proof);
        let own = evidence.and_then(|evidence| self.validity(Some(index), None, evidence));
        let day = match (self.rules[index].repeat, evidence) {
            (Some(Repeat::AfterDueDate(_)), _) => cycle.valid_until.or(own),
            (_, None) => cycle.valid_until,
            (_, Some(_)) => own,
        };
        match day {
            Some(day) if person.audiences[&index].0 > day => Lapse::First,
            day => Lapse::Of(day),
        }
    }

    pub fn is_first(&self, index: usize, person: &Person, course: usize, renewed: Option<&Cycle>) -> bool {
        matches!(self.lapses(index, person, course, renewed), Lapse::First)
    }

    pub fn not_before_lead(&self, rule: &Rule, day: Day, joined_on: Day) -> Day {
        match (&rule.due, rule.lead) {
            (Due::AfterJoining(_), _) | (_, None) => day,
            (_, Some(lead)) => max(day, after(joined_on, lead)),
        }
    }

    fn first_due(&self, index: usize, person: &Person) -> Option<Day> {
        let rule = &self.rules[index];
        let joined_on = person.audiences[&index].0;
        if let Some(day) = self.skipped_until(index, person) {
            return Some(day);
        }
        let due = match &rule.due {
            Due::On(day) => Some(*day),
            Due::AfterHire(offset) => person.hired_on.map(|day| after(day, offset)),
            Due::AfterJoining(offset) => Some(after(joined_on, offset)),
            Due::AfterActivation(offset) => person.activated_on.map(|day| after(day, offset)),
            Due::AfterSigning(offset) => person.signed_on.map(|day| after(day, offset)),
            Due::AfterCompletion(course, offset) => {
                let evidence = self.evidence(person, *course);
                let days = evidence.iter().filter(|one| !one.is_waiver).map(|one| one.on);
                days.max().map(|day| after(day, offset))
            }
        };
        let due = self.not_before_lead(rule, due?, joined_on);
        let Some(Repeat::Calendar(months, NewHires::Prorate)) = rule.repeat else {
            return Some(due);
        };
        if !self.is_new_hire(index, person) {
            return Some(due);
        }
        let (last, next) = calendar(months, joined_on);
        // The share of the calendar cycle that is left, rounded up to whole days.
        let (left, whole) = ((next - joined_on).num_days(), (next - last).num_days());
        let days = max((due - joined_on).num_days(), 0);
        let due = joined_on + TimeDelta::days((days * left + whole - 1) / whole);
        Some(self.not_before_lead(rule, due, joined_on))
    }

    /// A due date after extensions, and behind absences.
    pub fn postponed(
        &self,
        person: &Person,
        course: usize,
        day: Option<Day>,
        lead: Option<&'static str>,
    ) -> Option<Day> {
        let own = person.extensions.values().copied();
        let of_groups = self.group_extensions.values();
        let of_groups = of_groups.filter(|(group, ..)| person.groups.contains(group));
        let extensions = own.chain(of_groups.map(|(_, course, day)| (*course, *day)));
        let latest = extensions
            .filter(|(of, _)| *of == course)
            .map(|(_, day)| day)
            .max();
        let mut day = max(day?, latest.unwrap_or(Day::MIN));
        let Some(lead) = lead else { return Some(day) };
        let mut absences: Vec<_> = person.absences.values().collect();
        absences.sort();
        for (first, last) in absences {
            if *first <= day && last.is_none_or(|last| day <= last) {
                day = after((*last)?, lead);
            }
        }
        Some(day)
    }
}
