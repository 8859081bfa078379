//! By when a rule wants its targets completed, as data and as JSON.

use chrono::NaiveDate;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::person::{Person, Proof};
use crate::{json_column, period::Period};

/// By when. Months are of the calendar: a month after 31 January is the last day of February.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DuePolicy {
    /// On a day of the calendar.
    On {
        /// The day.
        date: NaiveDate,
        /// Never sooner than this long after joining the audience.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum_lead: Option<Period>,
    },
    /// So long after the person's first day of work. Without one the rule has an open issue with the person.
    AfterHire {
        /// How long.
        offset: Period,
        /// Never sooner than this long after joining the audience.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum_lead: Option<Period>,
    },
    /// So long after the person joined the rule's audience.
    AfterJoining {
        /// How long.
        offset: Period,
    },
    /// So long after the person's account became active; not due before it is.
    AfterActivation {
        /// How long.
        offset: Period,
        /// Never sooner than this long after joining the audience.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum_lead: Option<Period>,
    },
    /// So long after the person signed in for the first time; not due before they did.
    AfterFirstSignIn {
        /// How long.
        offset: Period,
        /// Never sooner than this long after joining the audience.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum_lead: Option<Period>,
    },
    /// So long after a date attribute of the person. Without one the rule has an open issue with the person.
    AfterAttribute {
        /// The name of an attribute of the kind date.
        #[schema(min_length = 1, max_length = 100, example = "contract_signed_on")]
        attribute: String,
        /// How long.
        offset: Period,
        /// Never sooner than this long after joining the audience.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum_lead: Option<Period>,
    },
    /// So long after the person last completed another course; not due before they did.
    AfterCompletion {
        /// The other course.
        course_id: Uuid,
        /// How long.
        offset: Period,
        /// Never sooner than this long after joining the audience.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum_lead: Option<Period>,
    },
}

json_column!(DuePolicy);

impl DuePolicy {
    /// How long after joining the audience it is due at the soonest.
    pub fn minimum_lead(&self) -> Option<Period> {
        match self {
            DuePolicy::AfterJoining { .. } => None,
            DuePolicy::On { minimum_lead, .. }
            | DuePolicy::AfterHire { minimum_lead, .. }
            | DuePolicy::AfterActivation { minimum_lead, .. }
            | DuePolicy::AfterFirstSignIn { minimum_lead, .. }
            | DuePolicy::AfterAttribute { minimum_lead, .. }
            | DuePolicy::AfterCompletion { minimum_lead, .. } => *minimum_lead,
        }
    }

    /// The course whose completion it counts from.
    pub fn counts_from_course(&self) -> Option<Uuid> {
        match self {
            DuePolicy::AfterCompletion { course_id, .. } => Some(*course_id),
            _ => None,
        }
    }

    /// How long after what it counts from; none for a date.
    pub fn offset(&self) -> Option<Period> {
        match self {
            DuePolicy::On { .. } => None,
            DuePolicy::AfterHire { offset, .. }
            | DuePolicy::AfterJoining { offset }
            | DuePolicy::AfterActivation { offset, .. }
            | DuePolicy::AfterFirstSignIn { offset, .. }
            | DuePolicy::AfterAttribute { offset, .. }
            | DuePolicy::AfterCompletion { offset, .. } => Some(*offset),
        }
    }

    /// Whether a fact is missing that somebody should know: the person's first day of work, or a date attribute.
    pub fn misses_date(&self, person: &Person) -> bool {
        match self {
            DuePolicy::AfterHire { .. } => person.hired_on.is_none(),
            DuePolicy::AfterAttribute { attribute, .. } => !person.dates.contains_key(attribute),
            DuePolicy::On { .. }
            | DuePolicy::AfterJoining { .. }
            | DuePolicy::AfterActivation { .. }
            | DuePolicy::AfterFirstSignIn { .. }
            | DuePolicy::AfterCompletion { .. } => false,
        }
    }

    /// When a first cycle is due for a person who joined the audience on `joined_on`; none while what it counts from is missing.
    pub fn due_on(&self, person: &Person, joined_on: NaiveDate) -> Option<NaiveDate> {
        Some(self.not_before_lead(self.without_lead(person, joined_on)?, joined_on))
    }

    /// The same, if there were no minimum lead.
    pub fn without_lead(&self, person: &Person, joined_on: NaiveDate) -> Option<NaiveDate> {
        match self {
            DuePolicy::On { date, .. } => Some(*date),
            DuePolicy::AfterHire { offset, .. } => Some(offset.after(person.hired_on?)),
            DuePolicy::AfterJoining { offset } => Some(offset.after(joined_on)),
            DuePolicy::AfterActivation { offset, .. } => person.activated_on.map(|day| offset.after(day)),
            DuePolicy::AfterFirstSignIn { offset, .. } => person.signed_in_on.map(|day| offset.after(day)),
            DuePolicy::AfterAttribute {
                attribute, offset, ..
            } => person.dates.get(attribute).map(|day| offset.after(*day)),
            DuePolicy::AfterCompletion {
                course_id, offset, ..
            } => {
                let evidence = person.evidence.get(course_id);
                let completed = evidence
                    .into_iter()
                    .flatten()
                    .filter(|one| matches!(one.proof, Proof::Completion(_)));
                let last = completed.map(|one| one.on).max();
                last.map(|day| offset.after(day))
            }
        }
    }

    /// `due`, but not before the minimum lead has passed.
    pub fn not_before_lead(&self, due: NaiveDate, joined_on: NaiveDate) -> NaiveDate {
        match self.minimum_lead() {
            Some(lead) => due.max(lead.after(joined_on)),
            None => due,
        }
    }
}
