//! What docs/rules.md says that requirements should be, for one person, step by step. The dates of a cycle are worked out in
//! [`super::dates`].

use std::cmp::{max, min};

use chrono::TimeDelta;

use super::{
    academy::{Academy, Cycle, Day, NewHires, Person, Reason, Repeat, Rule, Status, Who},
    dates::{calendar, period, renewed},
};

impl Academy {
    /// Makes audiences and requirements of a person what they should be.
    pub fn settle(&self, number: usize, person: &mut Person) {
        let today = self.today(person);
        for (index, rule) in self.rules.iter().enumerate() {
            let is_member = person
                .audiences
                .get(&index)
                .is_some_and(|(_, left)| left.is_none());
            let belongs = self.belongs(index, rule, number, person);
            if belongs && !is_member && rule.status == Status::Active {
                person.audiences.insert(index, (today, None));
            }
            if !belongs && is_member {
                person
                    .audiences
                    .entry(index)
                    .and_modify(|(joined, left)| *left = Some(max(today, *joined)));
            }
        }
        for course in 0..self.courses.len() {
            let mut cycles = person.cycles.remove(&course).unwrap_or_default();
            let asking = self.asking(person, course, &cycles);
            self.settle_course(person, course, &mut cycles, &asking);
            let issues = match cycles.split_last() {
                Some((last, before)) => {
                    let renewed = renewed(before);
                    self.issues(person, course, last, renewed, &asking)
                }
                None => Vec::new(),
            };
            person
                .issues
                .retain(|issue, _| issue.1 != course || issues.contains(issue));
            for issue in issues {
                person.issues.entry(issue).or_insert(None);
            }
            if !cycles.is_empty() {
                person.cycles.insert(course, cycles);
            }
        }
    }

    fn belongs(&self, index: usize, rule: &Rule, number: usize, person: &Person) -> bool {
        if person.status == "archived" || !matches!(rule.status, Status::Active | Status::Paused) {
            return false;
        }
        let is_in = |unit: usize| self.above(person.unit).any(|above| above == unit);
        let is_in_scope = rule.unit.is_none_or(is_in);
        if let Some(is_release) = self.override_in_force(index, person) {
            return !is_release && is_in_scope;
        }
        let is_named = match &rule.who {
            Who::Active => person.status == "active",
            Who::NotContractor => person.employment != "contractor",
            Who::Contractor => person.employment == "contractor",
            Who::Department(department) => person.department == *department,
            Who::HiredWithin(days) => {
                let since = self.now.date_naive() - TimeDelta::days(*days);
                person.hired_on.is_some_and(|hired| hired > since)
            }
            Who::Unit(unit) => is_in(*unit),
            Who::Units(units, except) => units.iter().any(|unit| is_in(*unit)) && !except.contains(&number),
            Who::Group(group) => person.groups.contains(group),
            Who::Managers => {
                let reports = |other: &Person| other.manager == Some(number) && other.status != "archived";
                self.people.iter().any(reports)
            }
        };
        is_named && is_in_scope && rule.pilot.is_none_or(|group| person.groups.contains(&group))
    }

    /// Whether the override of a rule that counts today is a release.
    pub fn override_in_force(&self, rule: usize, person: &Person) -> Option<bool> {
        let today = self.today(person);
        let mut overrides = person.overrides.values();
        let found = overrides.find(|one| one.rule == rule && one.until.is_none_or(|until| until >= today));
        found.map(|one| one.is_release)
    }

    fn settle_course(&self, person: &Person, course: usize, cycles: &mut Vec<Cycle>, asking: &[usize]) {
        let today = self.today(person);
        let first_day = || {
            asking
                .iter()
                .map(|rule| self.first_day(*rule, person))
                .min()
                .unwrap()
        };
        match cycles.last_mut() {
            None if asking.is_empty() => return,
            None => cycles.push(Cycle {
                opens_on: first_day(),
                ..Cycle::default()
            }),
            Some(last) if last.ended.is_some() => {
                if asking.is_empty() {
                    return;
                }
                last.ended = None;
                if last.proof.is_none() {
                    last.opens_on = first_day();
                }
            }
            Some(last) => {
                let before = last.reasons.clone();
                let mut why = "left_audience";
                last.reasons
                    .retain(|reason| match self.end_of(reason, course, person) {
                        Some(end) => {
                            why = end;
                            false
                        }
                        None => true,
                    });
                if last.reasons.is_empty() && asking.is_empty() {
                    last.ended = Some(why);
                    last.past = before;
                    return;
                }
            }
        }
        loop {
            let (last, before) = cycles.split_last_mut().unwrap();
            let renewed = renewed(before);
            self.add_reasons(last, asking);
            self.date(person, course, last, renewed, asking);
            let Some(opens_on) = last.renews_on.filter(|day| last.proof.is_some() && *day <= today) else {
                return;
            };
            let Some(joined_on) = asking.iter().map(|rule| person.audiences[rule].0).min() else {
                return;
            };
            cycles.push(Cycle {
                opens_on: min(max(opens_on, joined_on), today),
                ..Cycle::default()
            });
        }
    }

    /// The active rules that ask for a course. One that keeps what it asked goes on asking those who left.
    fn asking(&self, person: &Person, course: usize, cycles: &[Cycle]) -> Vec<usize> {
        let current = cycles.last().filter(|cycle| cycle.ended.is_none());
        let asks = |(index, rule): &(usize, &Rule)| {
            let is_reason =
                current.is_some_and(|cycle| cycle.reasons.iter().any(|reason| reason.rule == Some(*index)));
            let reaches = match person.audiences.get(index) {
                None => false,
                Some((_, None)) => true,
                Some(_) => rule.on_leave == "keep" && is_reason,
            };
            person.status != "archived"
                && rule.status == Status::Active
                && rule.targets.contains(&course)
                && reaches
                && self.override_in_force(*index, person) != Some(true)
        };
        self.rules
            .iter()
            .enumerate()
            .filter(asks)
            .map(|(index, _)| index)
            .collect()
    }

    /// Why a reason holds no more.
    fn end_of(&self, reason: &Reason, course: usize, person: &Person) -> Option<&'static str> {
        if person.status == "archived" {
            return Some("user_left");
        }
        let index = reason.rule?;
        let rule = &self.rules[index];
        let is_member = person
            .audiences
            .get(&index)
            .is_some_and(|(_, left)| left.is_none());
        if !matches!(rule.status, Status::Active | Status::Paused) {
            Some("rule_archived")
        } else if !rule.targets.contains(&course) {
            Some("rule_changed")
        } else if self.override_in_force(index, person) == Some(true) {
            Some("released")
        } else if !is_member && rule.on_leave == "end" {
            Some("left_audience")
        } else {
            None
        }
    }

    /// Whether a reason asks no more once its cycle is satisfied: it was kept for somebody who left.
    pub fn asks_once(&self, reason: &Reason, person: &Person) -> bool {
        reason.rule.is_some_and(|rule| {
            let membership = person.audiences.get(&rule);
            self.rules[rule].on_leave == "keep_until_satisfied"
                && membership.is_none_or(|(_, left)| left.is_some())
        })
    }

    /// Gives a cycle the reasons that it lacks. One that comes back keeps its place in the schedule.
    fn add_reasons(&self, cycle: &mut Cycle, asking: &[usize]) {
        for rule in asking {
            let is_it = |reason: &&Reason| reason.rule == Some(*rule);
            if !cycle.reasons.iter().any(|reason| is_it(&reason)) {
                cycle.reasons.push(Reason {
                    rule: Some(*rule),
                    scheduled_on: cycle.past.iter().find(is_it).and_then(|past| past.scheduled_on),
                    ..Reason::default()
                });
            }
        }
        cycle.past.clear();
    }

    /// Today; or later, for those who skip the cycle of the calendar that is under way.
    fn first_day(&self, rule: usize, person: &Person) -> Day {
        let today = self.today(person);
        match self.skipped_until(rule, person) {
            Some(day) => max(period(self.rules[rule].window).before(day), today),
            None => today,
        }
    }

    pub fn is_new_hire(&self, rule: usize, person: &Person) -> bool {
        person.audiences[&rule].0 > self.day(person, self.rules[rule].activated_at)
    }

    pub fn skipped_until(&self, rule: usize, person: &Person) -> Option<Day> {
        match self.rules[rule].repeat {
            Some(Repeat::Calendar(months, NewHires::Skip)) if self.is_new_hire(rule, person) => {
                Some(calendar(months, person.audiences[&rule].0).1)
            }
            _ => None,
        }
    }
}
