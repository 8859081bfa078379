//! What becomes of the facts when something happens.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::academy::{
    Academy, Act, Completion, Cycle, Day, Fact, Made, Person, Reason, Status, Thing, Version,
};
use super::dates::renewed;

impl Academy {
    /// Notes what happens in one request, and settles those whom it concerns.
    pub fn take(&mut self, acts: &[(Act, Made)]) {
        let mut concerned = BTreeSet::new();
        for (act, made) in acts {
            let told = format!("{} {act:?}", self.now.date_naive());
            let new = self.take_one(act, made);
            for person in &new {
                self.people[*person].log.push(told.clone());
            }
            concerned.extend(new);
        }
        for person in concerned {
            self.settle_one(person);
        }
    }

    /// The same, but settles nobody else than this person.
    pub fn take_for(&mut self, number: usize, acts: &[(Act, Made)]) {
        for (act, made) in acts {
            self.take_one(act, made);
        }
        self.settle_one(number);
    }

    /// Settles everybody, as on a new day.
    pub fn settle_all(&mut self) {
        for person in 0..self.people.len() {
            self.settle_one(person);
        }
    }

    /// Settles a person.
    pub fn settle_one(&mut self, number: usize) {
        let mut person = std::mem::take(&mut self.people[number]);
        self.settle(number, &mut person);
        self.people[number] = person;
    }

    /// Notes what happens; answers whom it concerns.
    fn take_one(&mut self, act: &Act, made: &Made) -> BTreeSet<usize> {
        let everybody = || (0..self.people.len()).collect();
        let id = made.id;
        match act.clone() {
            Act::Hire(name, facts) => {
                let person = self.people.len();
                self.people.push(Person {
                    id,
                    name,
                    status: "active",
                    activated_on: Some(self.now.date_naive()),
                    ..Person::default()
                });
                self.change(person, facts)
            }
            Act::Change(person, facts) => self.change(person, facts),
            Act::Members(group, joining, leaving) => {
                for person in &joining {
                    self.people[*person].groups.insert(group);
                }
                for person in &leaving {
                    self.people[*person].groups.remove(&group);
                }
                joining.into_iter().chain(leaving).collect()
            }
            Act::Complete(person, course, at, expires_on) => {
                let on = self.day(&self.people[person], at);
                let mut versions = self.courses[course].versions.iter();
                let version = versions.position(|version| version.id == made.version).unwrap();
                let completion = Completion {
                    course,
                    at,
                    on,
                    expires_on,
                    validity: self.courses[course].versions[version].validity,
                    version,
                };
                self.people[person].completions.insert(id, completion);
                [person].into()
            }
            Act::Correct(person, old, right) => {
                self.correct(person, old, right, id);
                [person].into()
            }
            Act::Absent(person, first, last) => {
                self.people[person].absences.insert(id, (first, last));
                [person].into()
            }
            Act::Return(person, absence, last) => {
                let absence = self.people[person].absences.get_mut(&absence);
                absence.into_iter().for_each(|absence| absence.1 = Some(last));
                [person].into()
            }
            Act::Override(person, says) => {
                self.people[person].overrides.insert(id, says);
                [person].into()
            }
            Act::Extend(person, course, day) => {
                self.people[person].extensions.insert(id, (course, day));
                [person].into()
            }
            Act::ExtendGroup(group, course, day) => {
                self.group_extensions.insert(id, (group, course, day));
                everybody()
            }
            Act::Waive(person, course, first, last) => {
                self.people[person].waivers.insert(id, (course, first, last));
                [person].into()
            }
            Act::Archive(thing, id) => self.archive(thing, id),
            Act::Equate(course, equivalent, is_mutual) => {
                self.equivalences.insert(id, (course, equivalent, is_mutual));
                everybody()
            }
            Act::Assign(person, course, opens_on, due_on) => {
                self.assign(person, course, (opens_on, due_on), made);
                [person].into()
            }
            Act::Unassign(person, course, _, reason) => {
                self.unassign(person, course, reason);
                [person].into()
            }
            Act::Say(rule, saying) => {
                let everybody = everybody();
                self.rules[rule].say(saying);
                // What a paused rule says is changed by plan, which puts it in force again.
                if self.rules[rule].status == Status::Paused {
                    self.activate(rule);
                }
                everybody
            }
            Act::Become(rule, Status::Active) => {
                let everybody = everybody();
                self.activate(rule);
                everybody
            }
            Act::Become(rule, status) => {
                let everybody = everybody();
                self.rules[rule].status = status;
                everybody
            }
            Act::Publish(course, validity, earlier_count_until) => {
                let everybody = everybody();
                self.courses[course].versions.push(Version {
                    id: made.version,
                    validity: validity.map(|period| period.parse().unwrap()),
                    earlier_count_until,
                    published_at: self.now,
                });
                everybody
            }
            Act::Retire(course, is_retired) => {
                let everybody = everybody();
                self.courses[course].is_retired = is_retired;
                everybody
            }
            Act::Decide(person, issue, choice) => {
                let known = self.people[person].issues.get_mut(&issue);
                known.into_iter().for_each(|known| *known = Some(choice));
                [person].into()
            }
            Act::MoveUnit(unit, below) => {
                let everybody = everybody();
                self.units[unit].parent = Some(below);
                everybody
            }
        }
    }

    fn activate(&mut self, rule: usize) {
        let rule = &mut self.rules[rule];
        if rule.status != Status::Paused {
            rule.activated_at = self.now;
        }
        rule.status = Status::Active;
    }

    fn change(&mut self, number: usize, facts: Vec<Fact>) -> BTreeSet<usize> {
        let mut concerned = BTreeSet::from([number]);
        let person = &mut self.people[number];
        concerned.extend(person.manager);
        for fact in facts {
            match fact {
                Fact::Status(status) => person.status = status,
                Fact::Department(department) => person.department = department,
                Fact::Employment(employment) => person.employment = employment,
                Fact::Unit(unit) => person.unit = unit,
                Fact::Manager(manager) => person.manager = manager,
                Fact::HiredOn(day) => person.hired_on = day,
                Fact::SignedOn(day) => person.signed_on = day,
                Fact::Zone(zone) => person.zone = zone,
            }
        }
        concerned.extend(person.manager);
        concerned
    }

    fn archive(&mut self, thing: Thing, id: Uuid) -> BTreeSet<usize> {
        let everybody = (0..self.people.len()).collect();
        match thing {
            Thing::Absence(person) => {
                self.people[person].absences.remove(&id);
                [person].into()
            }
            Thing::Override(person) => {
                self.people[person].overrides.remove(&id);
                [person].into()
            }
            Thing::Extension(person) => {
                self.people[person].extensions.remove(&id);
                [person].into()
            }
            Thing::Waiver(person) => {
                self.people[person].waivers.remove(&id);
                [person].into()
            }
            Thing::GroupExtension => {
                self.group_extensions.remove(&id);
                everybody
            }
            Thing::Equivalence => {
                self.equivalences.remove(&id);
                everybody
            }
        }
    }

    /// What a completion satisfied, its correction satisfies. If it did not happen, or not when it counts, earlier cycles that it
    /// satisfied end; the current one is settled.
    fn correct(&mut self, number: usize, old: Uuid, right: Option<DateTime<Utc>>, id: Uuid) {
        let Some(was) = self.people[number].completions.remove(&old) else {
            return;
        };
        if let Some(at) = right {
            let on = self.day(&self.people[number], at);
            let right = Completion { at, on, ..was };
            self.people[number].completions.insert(id, right);
        }
        for cycles in self.people[number].cycles.values_mut() {
            let last = cycles.len() - 1;
            for (index, cycle) in cycles.iter_mut().enumerate() {
                match right {
                    _ if cycle.proof != Some(old) => {}
                    Some(_) => cycle.proof = Some(id),
                    None if index < last => (cycle.ended, cycle.proof) = (Some("evidence_gone"), Some(id)),
                    None => {}
                }
            }
        }
        // A correction on the same day changes no dates.
        let is_another_day = right.is_some_and(|at| self.day(&self.people[number], at) != was.on);
        if is_another_day {
            self.date_past(number, id);
        }
    }

    /// Dates the earlier cycles that a correction satisfies, or ends them where it does not.
    fn date_past(&mut self, number: usize, id: Uuid) {
        let mut person = std::mem::take(&mut self.people[number]);
        let mut all = std::mem::take(&mut person.cycles);
        for (course, cycles) in &mut all {
            for index in 0..cycles.len().saturating_sub(1) {
                let (before, rest) = cycles.split_at_mut(index);
                let cycle = &mut rest[0];
                if cycle.proof != Some(id) || cycle.ended.is_some() || cycle.reasons.is_empty() {
                    continue;
                }
                let renewed = renewed(before);
                let mut dated = cycle.clone();
                self.date(&person, *course, &mut dated, renewed, &[]);
                match dated.proof == Some(id) {
                    true => (cycle.valid_until, cycle.reasons) = (dated.valid_until, dated.reasons),
                    false => cycle.ended = Some("evidence_gone"),
                }
            }
        }
        person.cycles = all;
        self.people[number] = person;
    }

    /// Somebody assigns a course: it is one more reason of a cycle that is open or counts still; else a cycle opens.
    fn assign(&mut self, number: usize, course: usize, days: (Day, Option<Day>), made: &Made) {
        let today = self.today(&self.people[number]);
        let (opens_on, due_on) = days;
        let reason = Reason {
            id: made.id,
            requirement: made.requirement,
            scheduled_on: due_on,
            due_on,
            ..Reason::default()
        };
        let cycles = self.people[number].cycles.entry(course).or_default();
        let stands = |cycle: &&mut Cycle| {
            cycle.proof.is_none() || cycle.counts_until().is_none_or(|until| until >= today)
        };
        match cycles.last_mut().filter(stands) {
            Some(cycle) => {
                if cycle.ended.take().is_some() {
                    cycle.past.clear();
                    if cycle.proof.is_none() {
                        cycle.opens_on = today;
                    }
                }
                cycle.reasons.push(reason);
            }
            None => cycles.push(Cycle {
                opens_on,
                due_on,
                reasons: vec![reason],
                ..Cycle::default()
            }),
        }
    }

    fn unassign(&mut self, number: usize, course: usize, reason: Uuid) {
        let cycles = self.people[number].cycles.get_mut(&course);
        let Some(cycle) = cycles.and_then(|cycles| cycles.last_mut()) else {
            return;
        };
        let Some(place) = cycle.reasons.iter().position(|known| known.id == reason) else {
            return;
        };
        let removed = cycle.reasons.remove(place);
        if cycle.reasons.is_empty() {
            cycle.ended = Some("withdrawn");
            cycle.past = vec![removed];
        }
    }
}
