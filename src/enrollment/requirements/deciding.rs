//! Which reasons decide the dates of a requirement: of every date the earliest of the live reasons counts.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{ReasonKind, Requirement, RequirementReason};

/// The reasons that decide the dates of a requirement: those with the earliest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecidingReasons {
    /// Which decides `due_on`; null if it is not due.
    pub due_on: Option<DecidingReason>,
    /// Which decides `valid_until`; null if nothing satisfies the requirement, or for ever.
    pub valid_until: Option<DecidingReason>,
    /// Which decides `renews_on`; null if no next cycle opens.
    pub renews_on: Option<DecidingReason>,
}

/// A reason that decides a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecidingReason {
    /// A rule, or a person who assigned the target.
    pub kind: ReasonKind,
    /// The rule, if it is one.
    pub rule_id: Option<Uuid>,
    /// The reason; null if the requirement is yet to get it.
    pub reason_id: Option<Uuid>,
    /// The date.
    pub on: NaiveDate,
}

/// The dates of a live reason.
#[derive(Debug, Clone, Copy)]
pub struct ReasonDates {
    /// Its id, if it is stored.
    pub reason_id: Option<Uuid>,
    /// The rule; none for a reason that a person gave.
    pub rule_id: Option<Uuid>,
    /// By when.
    pub due_on: Option<NaiveDate>,
    /// Until when what satisfies the requirement counts for it.
    pub valid_until: Option<NaiveDate>,
    /// When the next cycle opens for it.
    pub renews_on: Option<NaiveDate>,
}

impl DecidingReasons {
    /// Those among `reasons` that decide these dates of their requirement.
    pub fn of(
        due_on: Option<NaiveDate>,
        valid_until: Option<NaiveDate>,
        renews_on: Option<NaiveDate>,
        reasons: &[ReasonDates],
    ) -> Self {
        let decides = |day: Option<NaiveDate>, of: fn(&ReasonDates) -> Option<NaiveDate>| {
            let on = day?;
            let reason = reasons.iter().find(|reason| of(reason) == Some(on))?;
            Some(DecidingReason {
                kind: match reason.rule_id {
                    Some(_) => ReasonKind::Rule,
                    None => ReasonKind::Person,
                },
                rule_id: reason.rule_id,
                reason_id: reason.reason_id,
                on,
            })
        };
        DecidingReasons {
            due_on: decides(due_on, |reason| reason.due_on),
            valid_until: decides(valid_until, |reason| reason.valid_until),
            renews_on: decides(renews_on, |reason| reason.renews_on),
        }
    }

    /// Those of a stored requirement; none of one that ended.
    pub fn of_stored(requirement: &Requirement, reasons: &[RequirementReason]) -> Self {
        let goes_on = requirement.ended_at.is_none();
        let live = reasons
            .iter()
            .filter(|reason| goes_on && reason.ended_at.is_none());
        let dates: Vec<ReasonDates> = live
            .map(|reason| ReasonDates {
                reason_id: Some(reason.id),
                rule_id: reason.rule_id,
                due_on: reason.due_on,
                valid_until: reason.valid_until,
                renews_on: reason.renews_on,
            })
            .collect();
        Self::of(
            requirement.due_on,
            requirement.valid_until,
            requirement.renews_on,
            &dates,
        )
    }
}
