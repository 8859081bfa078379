//! Where a rule cannot say by when, and what was decided about that.

use super::{
    academy::{Academy, Choice, Cycle, Day, Due, Person},
    dates::{Dates, after},
};

/// An issue of a rule with a person, about a course: what is the matter.
pub type Issue = (usize, usize, &'static str);

/// Every kind, in the order in which they are looked at.
const KINDS: [&str; 4] = ["conflict", "target_retired", "missing_date", "impossible_date"];

impl Academy {
    /// The dates of a rule after what was decided about its issues, and these. Nothing is due while one is open.
    pub fn decided(
        &self,
        index: usize,
        person: &Person,
        course: usize,
        renewed: Option<&Cycle>,
        opens_on: Day,
    ) -> (Dates, Vec<Issue>) {
        let rule = &self.rules[index];
        let joined_on = person.audiences[&index].0;
        let mut dates = self.planned(index, person, course, renewed, opens_on);
        let mut issues = Vec::new();
        for kind in KINDS {
            let is_so = match kind {
                "conflict" => self.has_conflict(index, person, course),
                "target_retired" => self.courses[course].is_retired,
                "missing_date" => {
                    self.is_first(index, person, course, renewed) && self.misses_date(index, person)
                }
                _ => dates
                    .due_on
                    .is_some_and(|day| person.hired_on.is_some_and(|hired| day < hired)),
            };
            if !is_so {
                continue;
            }
            issues.push((index, course, kind));
            let on = |day: Option<Day>| Dates {
                scheduled_on: day,
                due_on: self.postponed(person, course, day, rule.absence_lead),
            };
            dates = match person.issues.get(&(index, course, kind)).copied().flatten() {
                None | Some(Choice::NoDueDate) => Dates::default(),
                Some(Choice::AsScheduled | Choice::Waive | Choice::Require) => dates,
                Some(Choice::DueOn(day)) => on(Some(day)),
                Some(Choice::CountFromJoining) => {
                    let offset = match rule.due {
                        Due::AfterHire(offset) | Due::AfterSigning(offset) => offset,
                        _ => "P0D",
                    };
                    on(Some(self.not_before_lead(
                        rule,
                        after(joined_on, offset),
                        joined_on,
                    )))
                }
            };
        }
        (dates, issues)
    }

    /// The issues of a cycle that is as it should be.
    pub fn issues(
        &self,
        person: &Person,
        course: usize,
        cycle: &Cycle,
        renewed: Option<&Cycle>,
        asking: &[usize],
    ) -> Vec<Issue> {
        if cycle.ended.is_some() {
            return Vec::new();
        }
        let is_waived = cycle
            .proof
            .is_some_and(|proof| person.waivers.contains_key(&proof));
        let of_rule = |rule: &usize| self.decided(*rule, person, course, renewed, cycle.opens_on).1;
        let issues = asking.iter().flat_map(of_rule);
        let issues = issues.filter(|(_, _, kind)| match cycle.proof {
            None => true,
            Some(_) => is_waived && *kind == "conflict",
        });
        issues.collect()
    }

    /// Whether an override says that a person must what a waiver says that they need not.
    fn has_conflict(&self, index: usize, person: &Person, course: usize) -> bool {
        let today = self.today(person);
        let mut waivers = person.waivers.values();
        self.override_in_force(index, person) == Some(false)
            && waivers.any(|(of, first, last)| {
                *of == course && *first <= today && last.is_none_or(|last| last >= today)
            })
    }

    /// Whether an override keeps waivers from counting: one about which nobody decided otherwise.
    pub fn ignores_waivers(&self, person: &Person, course: usize, asking: &[usize]) -> bool {
        let waives =
            |rule: usize| person.issues.get(&(rule, course, "conflict")) == Some(&Some(Choice::Waive));
        let mut asking = asking.iter();
        asking.any(|rule| self.override_in_force(*rule, person) == Some(false) && !waives(*rule))
    }

    fn misses_date(&self, index: usize, person: &Person) -> bool {
        let is_missing = match self.rules[index].due {
            Due::AfterHire(_) => person.hired_on.is_none(),
            Due::AfterSigning(_) => person.signed_on.is_none(),
            _ => false,
        };
        is_missing && self.skipped_until(index, person).is_none()
    }
}
