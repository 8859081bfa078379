//! The events of this domain, beside those of its resources.

use super::{
    candidates::model::CourseCandidate,
    completions::model::Completion,
    enrollments::model::{Enrollment, EnrollmentVersion},
    requirements::model::{OpenedRequirement, RequirementReason, StoredRequirement},
    rules::model::Rule,
};
use crate::event_kinds;

event_kinds! {
    /// The rule was activated.
    RULE_ACTIVATED = "rule.activated" of "rule", changes: Rule;
    /// The rule was paused.
    RULE_PAUSED = "rule.paused" of "rule", changes: Rule;
    /// The rule was archived: a draft at once, an active or paused rule by plan.
    RULE_ARCHIVED = "rule.archived" of "rule", changes: Rule;
    /// A plan that activates, resumes or changes the rule was applied.
    RULE_APPLIED = "rule.applied" of "rule", changes: Rule;
    /// The requirement was created, for the named reasons.
    REQUIREMENT_OPENED = "requirement.opened" of "requirement", after: OpenedRequirement;
    /// A date of the requirement moved, or a correction took the place of its completion.
    REQUIREMENT_UPDATED = "requirement.updated" of "requirement", changes: StoredRequirement;
    /// A completion or a waiver satisfied the requirement.
    REQUIREMENT_SATISFIED = "requirement.satisfied" of "requirement", changes: StoredRequirement;
    /// The requirement is open again: what satisfied it counts no more.
    REQUIREMENT_REOPENED = "requirement.reopened" of "requirement", changes: StoredRequirement;
    /// The requirement had ended and goes on: something asks for it again.
    REQUIREMENT_RESUMED = "requirement.resumed" of "requirement", changes: StoredRequirement;
    /// The last reason of the requirement ended, and the requirement with it.
    REQUIREMENT_ENDED = "requirement.ended" of "requirement", changes: StoredRequirement;
    /// The due date of the open requirement passed, in the time zone of its user.
    REQUIREMENT_OVERDUE = "requirement.overdue" of "requirement", after: StoredRequirement;
    /// The renewal window of the satisfied requirement began, in the time zone of its user.
    RENEWAL_OPENED = "requirement.renewal_opened" of "requirement", after: StoredRequirement;
    /// An open requirement got another reason.
    REASON_ADDED = "requirement.reason_added" of "requirement", after: RequirementReason;
    /// The due date of a reason moved.
    REASON_CHANGED = "requirement.reason_changed" of "requirement", changes: RequirementReason;
    /// A reason ended, and the requirement has others.
    REASON_ENDED = "requirement.reason_ended" of "requirement", after: RequirementReason;
    /// The working copy of a course was frozen as a candidate for its next version.
    CANDIDATE_CREATED = "course_candidate.created" of "course_candidate", after: CourseCandidate;
    /// The candidate got testers, or a tester gave a verdict.
    CANDIDATE_UPDATED = "course_candidate.updated" of "course_candidate", changes: CourseCandidate;
    /// The candidate was withdrawn.
    CANDIDATE_WITHDRAWN = "course_candidate.withdrawn" of "course_candidate", changes: CourseCandidate;
    /// The user was enrolled.
    ENROLLMENT_CREATED = "enrollment.created" of "enrollment", after: Enrollment;
    /// Progress was recorded.
    ENROLLMENT_UPDATED = "enrollment.updated" of "enrollment", changes: Enrollment;
    /// The user completed the course.
    ENROLLMENT_COMPLETED = "enrollment.completed" of "enrollment", changes: Enrollment;
    /// The enrollment got another version of the course.
    ENROLLMENT_MOVED = "enrollment.moved" of "enrollment", changes: EnrollmentVersion;
    /// The enrollment was withdrawn.
    ENROLLMENT_WITHDRAWN = "enrollment.withdrawn" of "enrollment", changes: Enrollment;
    /// The completion was recorded.
    COMPLETION_CREATED = "completion.created" of "completion", after: Completion;
    /// A correction took the place of a completion: `before` is that one, `after` the correction.
    COMPLETION_CORRECTED = "completion.corrected" of "completion", changes: Completion;
}
