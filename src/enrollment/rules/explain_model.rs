//! The types of `/v1/users/{user_id}/requirement-explanations`.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{due::DuePolicy, model::RuleStatus, plan_model::PlannedChange, repeat::Repeat};
use crate::{
    enrollment::{
        issues::model::{IssueChoice, IssueKind},
        overrides::model::OverrideEffect,
        requirements::{deciding::DecidingReasons, model::RequirementWithReasons},
        target::Target,
    },
    filter::Explanation,
    text_enum,
};

text_enum! {
    /// What keeps a rule from asking something of a person.
    Obstacle {
        /// The rule is a draft.
        RuleDraft = "rule_draft",
        /// The rule is paused.
        RulePaused = "rule_paused",
        /// The rule is archived.
        RuleArchived = "rule_archived",
        /// The person is archived.
        UserArchived = "user_archived",
        /// The audience does not include the person.
        OutsideAudience = "outside_audience",
        /// An override releases the person.
        Released = "released",
    }
}

text_enum! {
    /// Why a completion or a waiver does not satisfy a requirement.
    WhyNot {
        /// It was valid no more on the day on which the requirement opened.
        ExpiredBeforeItOpened = "expired_before_it_opened",
        /// It is from before the requirement opened, and a rule ignores such completions.
        IgnoredAsEarly = "ignored_as_early",
        /// It is valid no longer than what satisfied the cycle before, which this one renews.
        NotLongerThanWhatItRenews = "not_longer_than_what_it_renews",
        /// It is a waiver, and an override says that the user must: a conflict that somebody has to decide.
        OverrideRequires = "override_requires",
        /// Nothing requires the target of the user, so there is nothing to satisfy.
        NothingRequiresIt = "nothing_requires_it",
    }
}

text_enum! {
    /// What moves a due date.
    DueMover {
        /// The grace period of the rule.
        Grace = "grace",
        /// The minimum lead of the rule.
        MinimumLead = "minimum_lead",
        /// An extension.
        Extension = "extension",
        /// An absence.
        Absence = "absence",
        /// What somebody decided about an open issue.
        Resolution = "resolution",
    }
}

text_enum! {
    /// What counts for a target.
    EvidenceKind {
        /// A completion.
        Completion = "completion",
        /// A waiver.
        Waiver = "waiver",
    }
}

/// What is required of a user for a target, and everything that decides it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequirementExplanation {
    /// The user.
    pub user_id: Uuid,
    /// The target.
    pub target: Target,
    /// The day that it is for the user.
    pub today: NaiveDate,
    /// The requirement of the current cycle with its reasons; null if there was never one.
    pub requirement: Option<RequirementWithReasons>,
    /// What settling the user's requirement would change now; empty if all is up to date. What follows tells of the requirement as it
    /// is after that.
    pub would: Vec<PlannedChange>,
    /// The active and paused rules that ask for the target. Of rules that the caller may not see, only those that apply to the user
    /// or are a reason, without what they say.
    pub rules: Vec<TargetRule>,
    /// Which reasons decide the dates.
    pub decides: DecidingReasons,
    /// What may count for the target: completions and waivers, in the order in which they happened. Voided completions, archived
    /// waivers and waivers that begin later are not among them.
    pub evidence: Vec<TargetEvidence>,
    /// What would have to happen, in a sentence.
    #[schema(example = "A completion of the course, by 2031-01-31, or a waiver.")]
    pub to_satisfy: String,
}

/// A rule that asks for a target, and what it asks of the user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TargetRule {
    /// The rule.
    pub rule_id: Uuid,
    /// Its version.
    pub rule_version: i64,
    /// Whether it asks the target of the user now.
    pub applies: bool,
    /// Everything that keeps it from that; empty if it applies.
    pub obstacles: Vec<Obstacle>,
    /// The override of this rule for the user that counts today.
    pub override_in_force: Option<OverrideInForce>,
    /// The audience, clause by clause, with the facts compared; null if the caller may not see the rule.
    pub audience: Option<Explanation>,
    /// Since when the user is in the audience; null outside it.
    pub joined_on: Option<NaiveDate>,
    /// The reason of the requirement that it is.
    pub reason_id: Option<Uuid>,
    /// By when.
    pub due: TargetDue,
    /// What keeps the rule from giving a due date, until somebody decides, and what somebody decided.
    pub issues: Vec<TargetIssue>,
    /// Until when what satisfies the requirement counts for this rule.
    pub valid_until: Option<NaiveDate>,
    /// The day on which this rule opens the next cycle.
    pub renews_on: Option<NaiveDate>,
    /// Again when, as the rule says; null if it does not say, or the caller may not see the rule.
    pub repeat: Option<Repeat>,
}

/// An override that counts today.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct OverrideInForce {
    /// Its id.
    pub id: Uuid,
    /// What it does.
    pub effect: OverrideEffect,
    /// The last day on which it counts.
    pub until: Option<NaiveDate>,
}

/// An issue of a rule with the user and the target.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TargetIssue {
    /// The issue; null if it is yet to be recorded.
    pub id: Option<Uuid>,
    /// What is the matter.
    pub kind: IssueKind,
    /// What somebody decided; null while it is open, and nothing is due.
    pub choice: Option<IssueChoice>,
}

/// How the due date of a rule comes about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TargetDue {
    /// What the rule says; null if the caller may not see the rule.
    pub policy: Option<DuePolicy>,
    /// The day before grace, extensions and absences move it.
    pub scheduled_on: Option<NaiveDate>,
    /// The day; null if it is not due.
    pub due_on: Option<NaiveDate>,
    /// What moved it, one after the other. Empty for a requirement that is satisfied: its dates stay as they were.
    pub moved_by: Vec<DueMove>,
}

/// Something that moved a due date.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DueMove {
    /// What.
    pub by: DueMover,
    /// The id of the extension, the absence or the issue.
    pub id: Option<Uuid>,
    /// The day to which it moved; null if nothing is due until the absence has an end.
    pub to: Option<NaiveDate>,
}

/// Something that may count for a target.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TargetEvidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// The completion or the waiver.
    pub id: Uuid,
    /// The day of the completion, or the first day of the waiver.
    pub on: NaiveDate,
    /// The last day that it names itself.
    pub expires_on: Option<NaiveDate>,
    /// The last day on which completions of its version of the course count; null if the versions published since let it count.
    pub version_counts_until: Option<NaiveDate>,
    /// The equivalent course of which it is a completion; null for the target itself.
    pub equivalent_of: Option<Uuid>,
    /// Until when it would count for this requirement; null for ever, or if nothing requires the target.
    pub valid_until: Option<NaiveDate>,
    /// Whether it counts for the requirement.
    pub counts: bool,
    /// Why it does not count; null if it counts.
    pub why_not: Option<WhyNot>,
    /// Whether it is what satisfies the requirement: of what counts, that which lasts longest.
    pub satisfies: bool,
}

impl Obstacle {
    /// What the status of a rule is in the way of.
    pub(super) fn of_status(status: RuleStatus) -> Option<Self> {
        match status {
            RuleStatus::Active => None,
            RuleStatus::Draft => Some(Obstacle::RuleDraft),
            RuleStatus::Paused => Some(Obstacle::RulePaused),
            RuleStatus::Archived => Some(Obstacle::RuleArchived),
        }
    }
}
