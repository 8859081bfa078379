//! By when a rule wants its courses held, as data, as JSON and as SQL.

use chrono::NaiveDate;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{db::Fixed, json_column, period::Period};

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
    /// So long after the person's first day of work; after joining the audience for those without one.
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
}

json_column!(DuePolicy);

impl DuePolicy {
    /// How long after joining the audience it is due at the soonest.
    pub fn minimum_lead(&self) -> Option<Period> {
        match self {
            DuePolicy::AfterJoining { .. } => None,
            DuePolicy::On { minimum_lead, .. }
            | DuePolicy::AfterHire { minimum_lead, .. }
            | DuePolicy::AfterActivation { minimum_lead, .. } => *minimum_lead,
        }
    }
}

/// The rules with their periods as values: read once a rule, not once a person.
pub const POLICIES: Fixed = Fixed(
    "SELECT id, version, status, due ->> 'kind' AS due_kind, (due ->> 'date')::date AS due_date,
    (due ->> 'offset')::interval AS due_offset, (due ->> 'minimum_lead')::interval AS minimum_lead,
    renewal_window::interval AS renewal_window FROM rules",
);

/// The due date of one of [`POLICIES`], `r`, for a person `u` who joined its audience as `m` says; NULL for none.
/// PostgreSQL's `greatest` looks past NULL, so what is not due yet is told apart first.
pub const DUE_ON: Fixed = Fixed(
    "CASE
    WHEN r.due_kind = 'after_activation' AND u.activated_on IS NULL THEN NULL
    ELSE least(greatest((CASE r.due_kind
        WHEN 'on' THEN r.due_date
        WHEN 'after_hire' THEN coalesce(u.hired_on, m.joined_on) + r.due_offset
        WHEN 'after_joining' THEN m.joined_on + r.due_offset
        WHEN 'after_activation' THEN u.activated_on + r.due_offset
    END)::date, (m.joined_on + r.minimum_lead)::date), DATE '9999-12-31') END",
);
