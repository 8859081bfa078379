//! The facts about a person that settling looks at, as [`super::facts`] reads them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::issues::Issue;
use crate::{
    enrollment::{requirements::model::EndReason, target::Target},
    period::Period,
};

/// The facts about a person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub id: Uuid,
    /// Whether they are archived; then nothing is asked of them.
    pub is_archived: bool,
    /// Their time zone.
    pub zone: Tz,
    /// The day that it is for them.
    pub today: NaiveDate,
    /// Their first day of work.
    pub hired_on: Option<NaiveDate>,
    /// The day on which their account became active.
    pub activated_on: Option<NaiveDate>,
    /// The day on which they signed in for the first time.
    pub signed_in_on: Option<NaiveDate>,
    /// Their date attributes that rules name.
    pub dates: HashMap<String, NaiveDate>,
    /// Since when they are in which rule's audience, and until when they were.
    pub memberships: BTreeMap<Uuid, Membership>,
    /// Their current cycles.
    pub cycles: BTreeMap<Target, Cycle>,
    /// What counts as a completion, by course, in the order in which it happened.
    pub evidence: HashMap<Uuid, Vec<Evidence>>,
    /// When they are away, in order.
    pub absences: Vec<Away>,
    /// The rules from which they are released.
    pub released: BTreeSet<Uuid>,
    /// The rules that must include them.
    pub required: BTreeSet<Uuid>,
    /// Days before which targets are not due.
    pub extensions: Vec<MoreTime>,
    /// The open issues of rules with them, and those that somebody resolved.
    pub issues: Vec<Issue>,
}

impl Person {
    /// The day that an instant is for them.
    pub fn day(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }
}

/// An absence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Away {
    /// Its id.
    pub id: Uuid,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day, if it is known.
    pub ends_on: Option<NaiveDate>,
}

/// An extension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoreTime {
    /// Its id.
    pub id: Uuid,
    /// What is not due before.
    pub target: Target,
    /// The day.
    pub due_on: NaiveDate,
}

/// A person's membership of an audience.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Membership {
    /// Since when.
    pub joined_on: NaiveDate,
    /// Until when; none while it lasts.
    pub left_on: Option<NaiveDate>,
}

/// What satisfies a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A completion.
    Completion(Uuid),
    /// A waiver.
    Waiver(Uuid),
}

/// A completion or a waiver that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Which one.
    pub proof: Proof,
    /// The course that it is about: another one than the target's, if that is equivalent.
    pub course_id: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The day that it was for the person.
    pub on: NaiveDate,
    /// The last day that it names itself.
    pub expires_on: Option<NaiveDate>,
    /// The last day on which a later version of the course lets it count.
    pub version_counts_until: Option<NaiveDate>,
    /// The day on which that version was published.
    pub replaced_on: Option<NaiveDate>,
    /// How long the course says that it counts.
    pub validity: Option<Period>,
}

impl Evidence {
    /// The same, as if no later version of the course said anything about it.
    pub fn of_latest_version(&self) -> Self {
        Evidence {
            version_counts_until: None,
            ..self.clone()
        }
    }
}

/// One cycle of a requirement.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycle {
    /// The requirement's id; nil for one that is not stored yet.
    pub id: Uuid,
    /// Which cycle it is.
    pub number: i32,
    /// The first day on which it counts.
    pub opens_on: NaiveDate,
    /// By when: the earliest of its reasons.
    pub due_on: Option<NaiveDate>,
    /// What satisfies it, and when that happened.
    pub satisfied: Option<(Proof, DateTime<Utc>)>,
    /// The last day on which that counts: the earliest of its reasons.
    pub valid_until: Option<NaiveDate>,
    /// The day on which the next cycle opens.
    pub renews_on: Option<NaiveDate>,
    /// Why it ended.
    pub ended: Option<EndReason>,
    /// What the cycle before it said, if it renews one.
    pub renews: Option<Renewed>,
    /// Its live reasons.
    pub reasons: Vec<Reason>,
    /// The reasons with which it ended.
    pub past_reasons: Vec<Reason>,
}

/// What a cycle renews.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewed {
    /// What satisfied the cycle before.
    pub proof: Proof,
    /// The last day on which that counts.
    pub valid_until: Option<NaiveDate>,
}

/// A live reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// Its id; nil for one that is not stored yet.
    pub id: Uuid,
    /// The rule; none for a reason that a person gave.
    pub rule_id: Option<Uuid>,
    /// The version of the rule that set its dates.
    pub rule_version: Option<i64>,
    /// When it is due before grace, extensions and absences move that day.
    pub scheduled_on: Option<NaiveDate>,
    /// By when.
    pub due_on: Option<NaiveDate>,
    /// Until when what satisfies the requirement counts for this reason.
    pub valid_until: Option<NaiveDate>,
    /// The day on which the next cycle opens for this reason.
    pub renews_on: Option<NaiveDate>,
}

impl Cycle {
    /// The live reason that a rule is.
    pub fn reason_of(&self, rule: Uuid) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.rule_id == Some(rule))
    }
}
