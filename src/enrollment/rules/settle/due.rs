//! When an open cycle is due, and what moves that.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Case, Want, validity::validity};
use crate::{
    enrollment::rules::{
        person::{Cycle, Reason, Renewed},
        policy::Again,
        repeat::NewHires,
    },
    period::Period,
};

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
    pub fn on(day: Option<NaiveDate>) -> Self {
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

impl Case<'_> {
    /// Gives the reasons of an open cycle their due dates, and the cycle the earliest. Rules that are not active, and those that
    /// keep what they asked of people who left, leave their dates as they are.
    pub(super) fn set_due_dates(&self, cycle: &mut Cycle) {
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
    pub fn planned(&self, want: &Want, renews: Option<&Renewed>, opens_on: NaiveDate) -> DueDate {
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
        let evidence = self.evidence(renewed.proof);
        let own = evidence.and_then(|evidence| validity(Some(want.policy), None, evidence));
        let lapses = match (&want.policy.repeat, evidence) {
            (Some(Again::AfterDueDate(_)), _) => renewed.valid_until.or(own),
            (_, None) => renewed.valid_until,
            (_, Some(_)) => own,
        };
        match lapses {
            Some(day) if want.joined_on > day => Lapse::First,
            lapses => Lapse::Of(lapses),
        }
    }

    /// Whether a cycle is due as the rule says, and not when what it renews ends.
    pub fn is_first(&self, want: &Want, renews: Option<&Renewed>) -> bool {
        matches!(self.lapses(want, renews), Lapse::First)
    }

    /// Whether what the rule counts from is missing in the facts about the person.
    pub fn misses_date(&self, want: &Want) -> bool {
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
    pub fn postponed(&self, mut due: DueDate, absence_lead: Option<Period>) -> DueDate {
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
}

/// The day of the calendar on which a first cycle is due that skips the one under way.
pub(super) fn skipped_until(want: &Want) -> Option<NaiveDate> {
    match &want.policy.repeat {
        Some(Again::Calendar(calendar, NewHires::Skip)) if want.is_new_hire => calendar.after(want.joined_on),
        _ => None,
    }
}
