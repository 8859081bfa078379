//! The events of this domain, beside those of its resources.

use super::{
    completions::model::Completion,
    enrollments::model::Enrollment,
    requirements::model::{OpenedRequirement, RequirementReason, StoredRequirement},
    rules::model::Rule,
};
use crate::ledger::EventKind;

pub const RULE_ACTIVATED: EventKind =
    EventKind::new("rule.activated", "rule", "The rule was activated.").changes::<Rule>();
pub const RULE_PAUSED: EventKind =
    EventKind::new("rule.paused", "rule", "The rule was paused.").changes::<Rule>();
pub const RULE_ARCHIVED: EventKind =
    EventKind::new("rule.archived", "rule", "The rule was archived.").changes::<Rule>();
pub const RULE_APPLIED: EventKind = EventKind::new(
    "rule.applied",
    "rule",
    "A plan of the rule was applied, with its changes to the rule.",
)
.changes::<Rule>();

pub const REQUIREMENT_OPENED: EventKind = EventKind::new(
    "requirement.opened",
    "requirement",
    "The requirement was created, for the named reasons.",
)
.after::<OpenedRequirement>();
pub const REQUIREMENT_UPDATED: EventKind = EventKind::new(
    "requirement.updated",
    "requirement",
    "The due date of the requirement moved, or a correction took the place of its completion.",
)
.changes::<StoredRequirement>();
pub const REQUIREMENT_SATISFIED: EventKind = EventKind::new(
    "requirement.satisfied",
    "requirement",
    "A completion satisfied the requirement.",
)
.changes::<StoredRequirement>();
pub const REQUIREMENT_ENDED: EventKind = EventKind::new(
    "requirement.ended",
    "requirement",
    "The last reason of the requirement ended, and the requirement with it.",
)
.changes::<StoredRequirement>();
pub const REASON_ADDED: EventKind = EventKind::new(
    "requirement.reason_added",
    "requirement",
    "An open requirement got another reason.",
)
.after::<RequirementReason>();
pub const REASON_CHANGED: EventKind = EventKind::new(
    "requirement.reason_changed",
    "requirement",
    "The due date of a reason moved.",
)
.changes::<RequirementReason>();
pub const REASON_ENDED: EventKind = EventKind::new(
    "requirement.reason_ended",
    "requirement",
    "A reason ended, and the requirement has others.",
)
.after::<RequirementReason>();

pub const ENROLLMENT_CREATED: EventKind =
    EventKind::new("enrollment.created", "enrollment", "The user was enrolled.").after::<Enrollment>();
pub const ENROLLMENT_UPDATED: EventKind =
    EventKind::new("enrollment.updated", "enrollment", "Progress was recorded.").changes::<Enrollment>();
pub const ENROLLMENT_COMPLETED: EventKind = EventKind::new(
    "enrollment.completed",
    "enrollment",
    "The user completed the course.",
)
.changes::<Enrollment>();
pub const ENROLLMENT_WITHDRAWN: EventKind = EventKind::new(
    "enrollment.withdrawn",
    "enrollment",
    "The enrollment was withdrawn.",
)
.changes::<Enrollment>();

pub const COMPLETION_CREATED: EventKind =
    EventKind::new("completion.created", "completion", "The completion was recorded.").after::<Completion>();
pub const COMPLETION_CORRECTED: EventKind = EventKind::new(
    "completion.corrected",
    "completion",
    "A correction took the place of a completion: `before` is that one, `after` the correction.",
)
.changes::<Completion>();

/// All of them.
pub const KINDS: &[EventKind] = &[
    RULE_ACTIVATED,
    RULE_PAUSED,
    RULE_ARCHIVED,
    RULE_APPLIED,
    REQUIREMENT_OPENED,
    REQUIREMENT_UPDATED,
    REQUIREMENT_SATISFIED,
    REQUIREMENT_ENDED,
    REASON_ADDED,
    REASON_CHANGED,
    REASON_ENDED,
    ENROLLMENT_CREATED,
    ENROLLMENT_UPDATED,
    ENROLLMENT_COMPLETED,
    ENROLLMENT_WITHDRAWN,
    COMPLETION_CREATED,
    COMPLETION_CORRECTED,
];
