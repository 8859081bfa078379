//! The slow, obvious model of what rules want, and the check that reconcile does just that.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

pub const PEOPLE: usize = 4;
pub const COURSES: usize = 2;
pub const RULES: usize = 3;

/// How long completions of each course count, in days.
pub const VALIDITY: [Option<u64>; COURSES] = [Some(20), None];

#[derive(Debug, Clone)]
pub enum Step {
    Move(usize, Option<&'static str>),
    Hire(usize, Option<i64>),
    Activate(usize, Option<i64>),
    Archive(usize, bool),
    Rule(usize, &'static str),
    Due(usize, Due),
    Courses(usize, Vec<usize>),
    Complete(usize, usize, i64),
    Assign(usize, usize, Option<i64>),
    Days(i64),
}

#[derive(Debug, Clone)]
pub enum Due {
    On(i64),
    AfterHire(u64, Option<u64>),
    AfterJoining(u64),
    AfterActivation(u64),
}

#[derive(Debug, Clone)]
pub enum Audience {
    Department(&'static str),
    HiredWithin(u64),
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub audience: Audience,
    pub courses: Vec<usize>,
    pub due: Due,
    pub due_day_zero: NaiveDate,
    pub keep: bool,
    pub window: u64,
    pub status: &'static str,
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    pub department: Option<&'static str>,
    pub hired_on: Option<NaiveDate>,
    pub activated_on: Option<NaiveDate>,
    pub archived: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Reason {
    rule: Option<usize>,
    due_on: Option<NaiveDate>,
    live: bool,
}

#[derive(Debug, Clone)]
struct Requirement {
    reasons: Vec<Reason>,
    /// The last day of the completion that satisfies it.
    satisfied: Option<Option<NaiveDate>>,
    ended: bool,
    opened: NaiveDate,
}

#[derive(Debug)]
pub struct Model {
    pub today: NaiveDate,
    pub people: Vec<Person>,
    pub rules: Vec<Rule>,
    joined: BTreeMap<(usize, usize), NaiveDate>,
    requirements: BTreeMap<(usize, usize), Vec<Requirement>>,
    completions: Vec<(usize, usize, Option<NaiveDate>)>,
}

pub fn plus(day: NaiveDate, days: i64) -> NaiveDate {
    day + chrono::TimeDelta::days(days)
}

impl Model {
    pub fn new(today: NaiveDate, rules: Vec<Rule>) -> Self {
        Model {
            today,
            people: vec![Person::default(); PEOPLE],
            rules,
            joined: BTreeMap::new(),
            requirements: BTreeMap::new(),
            completions: Vec::new(),
        }
    }

    pub fn take(&mut self, step: &Step) {
        let today = self.today;
        match step.clone() {
            Step::Move(person, department) => self.people[person].department = department,
            Step::Hire(person, day) => self.people[person].hired_on = day.map(|days| plus(today, days)),
            Step::Activate(person, day) => {
                self.people[person].activated_on = day.map(|days| plus(today, days))
            }
            Step::Archive(person, archived) => self.people[person].archived = archived,
            Step::Rule(rule, status) => self.rules[rule].status = status,
            Step::Due(rule, due) => {
                self.rules[rule].due = due;
                self.rules[rule].due_day_zero = today;
            }
            Step::Courses(rule, courses) => self.rules[rule].courses = courses,
            Step::Complete(person, course, ago) => {
                let day = plus(today, -ago);
                let valid_until = VALIDITY[course].map(|days| day + Days::new(days));
                self.completions.push((person, course, valid_until));
            }
            Step::Assign(person, course, due) => {
                self.assign(person, course, due.map(|days| plus(today, days)))
            }
            Step::Days(days) => self.today = plus(today, days),
        }
        if let Step::Move(person, _)
        | Step::Hire(person, _)
        | Step::Activate(person, _)
        | Step::Archive(person, _) = *step
        {
            self.note_activation(person);
        }
        self.settle();
    }

    /// Whoever is active has been activated: today, if nobody knows since when.
    fn note_activation(&mut self, person: usize) {
        let (today, person) = (self.today, &mut self.people[person]);
        if !person.archived {
            person.activated_on.get_or_insert(today);
        }
    }

    fn assign(&mut self, person: usize, course: usize, due_on: Option<NaiveDate>) {
        let reason = Reason {
            rule: None,
            due_on,
            live: true,
        };
        let today = self.today;
        let rows = self.requirements.entry((person, course)).or_default();
        match rows.last_mut() {
            Some(last)
                if last
                    .satisfied
                    .is_none_or(|until| until.is_none_or(|day| day >= today)) =>
            {
                if last.ended {
                    resume(last, today);
                }
                last.reasons.push(reason);
            }
            _ => rows.push(opened(today, vec![reason])),
        }
    }

    fn settle(&mut self) {
        for person in 0..PEOPLE {
            for rule in 0..RULES {
                let is_member = self.joined.contains_key(&(person, rule));
                let may_join = self.rules[rule].status == "active";
                if !self.fits(person, rule) || !is_member && !may_join {
                    self.joined.remove(&(person, rule));
                } else {
                    self.joined.entry((person, rule)).or_insert(self.today);
                }
            }
            for course in 0..COURSES {
                let mut rows = self.requirements.remove(&(person, course)).unwrap_or_default();
                self.settle_one(person, course, &mut rows);
                self.requirements.insert((person, course), rows);
            }
        }
    }

    fn fits(&self, person: usize, rule: usize) -> bool {
        let (person, rule) = (&self.people[person], &self.rules[rule]);
        let fits = match rule.audience {
            Audience::Department(name) => person.department == Some(name),
            Audience::HiredWithin(days) => person
                .hired_on
                .is_some_and(|day| day > self.today - Days::new(days)),
        };
        rule.status != "draft" && !person.archived && fits
    }

    fn settle_one(&self, person: usize, course: usize, rows: &mut Vec<Requirement>) {
        let wanting: Vec<usize> = (0..RULES)
            .filter(|rule| {
                self.joined.contains_key(&(person, *rule))
                    && self.rules[*rule].status == "active"
                    && self.rules[*rule].courses.contains(&course)
            })
            .collect();
        match rows.last_mut() {
            None if wanting.is_empty() => return,
            None => rows.push(opened(self.today, Vec::new())),
            Some(last) if last.ended => {
                if wanting.is_empty() {
                    return;
                }
                resume(last, self.today);
            }
            Some(last) => {
                for reason in last.reasons.iter_mut().filter(|reason| reason.live) {
                    reason.live = !self.people[person].archived
                        && reason.rule.is_none_or(|rule| {
                            self.joined.contains_key(&(person, rule))
                                && self.rules[rule].courses.contains(&course)
                                || self.is_kept(rule, course)
                        });
                }
                last.ended = wanting.is_empty() && !last.reasons.iter().any(|reason| reason.live);
                if last.ended {
                    return;
                }
            }
        }
        loop {
            self.give_reasons(person, &wanting, rows);
            self.satisfy(person, course, rows);
            let Some(Some(Some(until))) = rows.last().map(|last| last.satisfied) else {
                break;
            };
            let windows = wanting
                .iter()
                .map(|rule| until - Days::new(self.rules[*rule].window));
            let joined = wanting.iter().map(|rule| self.joined[&(person, *rule)]);
            match (windows.min(), joined.min()) {
                (Some(opens), Some(joined)) if opens <= self.today => {
                    rows.push(opened(opens.max(joined), Vec::new()));
                }
                _ => break,
            }
        }
    }

    fn is_kept(&self, rule: usize, course: usize) -> bool {
        let rule = &self.rules[rule];
        rule.keep && rule.status != "draft" && rule.courses.contains(&course)
    }

    /// Adds missing reasons to the latest row, and moves due dates while it is open.
    fn give_reasons(&self, person: usize, wanting: &[usize], rows: &mut [Requirement]) {
        let renews = renewed(rows);
        let Some(last) = rows.last_mut().filter(|last| !last.ended) else {
            return;
        };
        for rule in wanting {
            let joined = self.joined[&(person, *rule)];
            let due_on = match renews {
                Some(until) if joined <= until => {
                    Some(until.max(self.earliest(*rule, joined.max(last.opened))))
                }
                _ => self.due_on(person, *rule, joined),
            };
            // Before the first day of work nothing can be due: that is an open issue.
            let hired_on = self.people[person].hired_on;
            let due_on = due_on.filter(|day| hired_on.is_none_or(|hired_on| *day >= hired_on));
            match last
                .reasons
                .iter_mut()
                .find(|reason| reason.live && reason.rule == Some(*rule))
            {
                None => last.reasons.push(Reason {
                    rule: Some(*rule),
                    due_on,
                    live: true,
                }),
                Some(reason) if last.satisfied.is_none() => reason.due_on = due_on,
                Some(_) => {}
            }
        }
    }

    /// The day that the rule's minimum lead lets something be due at the soonest.
    fn earliest(&self, rule: usize, joined: NaiveDate) -> NaiveDate {
        match self.rules[rule].due {
            Due::AfterHire(_, Some(lead)) => joined + Days::new(lead),
            _ => NaiveDate::MIN,
        }
    }

    fn due_on(&self, person: usize, rule: usize, joined: NaiveDate) -> Option<NaiveDate> {
        let (person, rule) = (&self.people[person], &self.rules[rule]);
        match rule.due {
            Due::On(days) => Some(plus(rule.due_day_zero, days)),
            Due::AfterJoining(days) => Some(joined + Days::new(days)),
            Due::AfterActivation(days) => person.activated_on.map(|day| day + Days::new(days)),
            Due::AfterHire(days, lead) => {
                let due = person.hired_on? + Days::new(days);
                Some(lead.map_or(due, |lead| due.max(joined + Days::new(lead))))
            }
        }
    }

    fn satisfy(&self, person: usize, course: usize, rows: &mut [Requirement]) {
        let renews = renewed(rows);
        let Some(last) = rows
            .last_mut()
            .filter(|last| !last.ended && last.satisfied.is_none())
        else {
            return;
        };
        let counts = |until: &Option<NaiveDate>| {
            until.is_none_or(|day| day >= last.opened && renews.is_none_or(|before| day > before))
        };
        let mine = self
            .completions
            .iter()
            .filter(|(who, what, _)| (*who, *what) == (person, course));
        last.satisfied = mine
            .map(|(.., until)| *until)
            .filter(counts)
            .max_by_key(|until| until.unwrap_or(NaiveDate::MAX));
    }

    /// Every requirement in words, as [`super::agreement`] writes the database's.
    pub fn outline(&self) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        for ((person, course), rows) in &self.requirements {
            for (index, row) in rows.iter().enumerate() {
                let live = || row.reasons.iter().filter(|reason| reason.live);
                let state = match (row.ended, row.satisfied) {
                    (true, _) => "ended".to_owned(),
                    (_, Some(until)) => format!("until {}", day(until)),
                    _ => {
                        let mut reasons: Vec<_> = live()
                            .map(|reason| format!("{} {}", name(reason.rule), day(reason.due_on)))
                            .collect();
                        reasons.sort();
                        format!(
                            "due {} for {}",
                            day(live().filter_map(|reason| reason.due_on).min()),
                            reasons.join(", ")
                        )
                    }
                };
                lines.insert(format!(
                    "person {person} course {course} cycle {}: {state}",
                    index + 1
                ));
            }
        }
        lines
    }
}

fn opened(today: NaiveDate, reasons: Vec<Reason>) -> Requirement {
    Requirement {
        reasons,
        satisfied: None,
        ended: false,
        opened: today,
    }
}

/// What ended goes on, without the reasons that it had.
fn resume(requirement: &mut Requirement, today: NaiveDate) {
    requirement.ended = false;
    requirement
        .reasons
        .iter_mut()
        .for_each(|reason| reason.live = false);
    if requirement.satisfied.is_none() {
        requirement.opened = today;
    }
}

/// The last day of the completion that the latest row renews.
fn renewed(rows: &[Requirement]) -> Option<NaiveDate> {
    let before = rows.len().checked_sub(2).map(|index| &rows[index])?;
    before.satisfied.flatten().filter(|_| !before.ended)
}

pub fn day(day: Option<NaiveDate>) -> String {
    day.map_or("never".into(), |day| day.to_string())
}

fn name(rule: Option<usize>) -> String {
    rule.map_or("hand".into(), |rule| format!("rule {rule}"))
}
