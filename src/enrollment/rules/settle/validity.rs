//! Which evidence satisfies a cycle, and until when that counts.

use chrono::NaiveDate;

use super::{Case, Want};
use crate::{
    enrollment::rules::{
        explain_model::WhyNot,
        model::EarlyCompletions,
        person::{Cycle, Evidence, Proof, Reason},
        policy::{Again, Policy},
    },
    period::Period,
};

impl Case<'_> {
    /// The evidence that satisfies the cycle and lasts longest.
    pub(super) fn best(&self, cycle: &Cycle) -> Option<&Evidence> {
        let fitting = self
            .all_evidence()
            .filter(|evidence| self.satisfies(cycle, evidence));
        fitting.max_by_key(|evidence| {
            let lasts = self.counts_until(cycle, evidence).unwrap_or(NaiveDate::MAX);
            (lasts, evidence.at)
        })
    }

    pub(super) fn satisfies(&self, cycle: &Cycle, evidence: &Evidence) -> bool {
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
        // What satisfied somebody who left stays enough, whatever later versions of the course say.
        let is_enough =
            self.is_last(cycle) && cycle.satisfied.is_some_and(|(proof, _)| proof == evidence.proof);
        let until = match is_enough {
            true => self.counts_until(cycle, &evidence.of_latest_version()),
            false => self.counts_until(cycle, evidence),
        }?;
        let renewed = cycle.renews.as_ref().and_then(|renewed| renewed.valid_until);
        if until < cycle.opens_on {
            return Some(WhyNot::ExpiredBeforeItOpened);
        }
        let is_longer = renewed.is_none_or(|renewed| until > renewed);
        (!is_longer).then_some(WhyNot::NotLongerThanWhatItRenews)
    }

    /// The last day on which `evidence` counts: the earliest of the reasons.
    pub fn counts_until(&self, cycle: &Cycle, evidence: &Evidence) -> Option<NaiveDate> {
        let reasons = cycle.reasons.iter();
        let days = reasons.filter_map(|reason| self.validity(cycle, reason, evidence));
        days.min()
    }

    /// The last day on which the cycle is satisfied by `evidence`: the earliest of the reasons for which it must be held further.
    pub(super) fn valid_until(&self, cycle: &Cycle, evidence: &Evidence) -> Option<NaiveDate> {
        let reasons = cycle.reasons.iter().filter(|reason| !self.asks_once(reason));
        let days = reasons.filter_map(|reason| self.validity(cycle, reason, evidence));
        days.min()
    }

    /// The last day on which `evidence` counts for one reason.
    pub(super) fn validity(&self, cycle: &Cycle, reason: &Reason, evidence: &Evidence) -> Option<NaiveDate> {
        let policy = self.policy(reason);
        let renewed = cycle.renews.as_ref();
        let renewed = renewed.filter(|renewed| renewed.proof == evidence.proof);
        let is_early = evidence.on < cycle.opens_on || renewed.is_some();
        let scheduled_on = reason.scheduled_on.filter(|_| !is_early);
        let until = validity(policy, scheduled_on, evidence);
        // What satisfied the cycle before belongs to its day in the schedule, however late it came and however wide the window is.
        let is_scheduled = policy.is_some_and(|policy| matches!(policy.repeat, Some(Again::AfterDueDate(_))));
        match renewed.and_then(|renewed| renewed.valid_until) {
            Some(renewed) if is_scheduled => until.map(|until| until.min(renewed)),
            _ => until,
        }
    }
}

/// The day on which a rule opens the cycle after one that evidence satisfies until `valid_until`; none if that is for ever.
pub(super) fn renews_on(
    want: &Want,
    valid_until: Option<NaiveDate>,
    evidence: &Evidence,
) -> Option<NaiveDate> {
    let valid_until = valid_until?;
    let gap = want.policy.gap.after(evidence.on);
    // What a version made invalid is asked for when that was published, not before.
    let is_replaced = evidence.version_counts_until == Some(valid_until);
    let replaced_on = evidence.replaced_on.filter(|_| is_replaced);
    let opens_on = want.policy.window.before(valid_until).max(gap);
    Some(replaced_on.map_or(opens_on, |day| day.max(opens_on)))
}

/// The last day on which `evidence` counts for a rule, or for no rule. `scheduled_on` is the day on which the cycle was due, for
/// evidence that is not from before it.
pub(super) fn validity(
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
