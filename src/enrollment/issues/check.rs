//! What must hold of decisions about issues before they are written, and what follows.

use uuid::Uuid;

use super::model::RuleIssue;
use crate::{
    app::Tx,
    catalog::courses::{model::Course, search::SEARCHED_NAMES},
    enrollment::{exceptions::settle, rules::model::Rule},
    filter::{Attribute, Kind},
    http::{ApiError, ApiResult, Code},
    people::users::model::User,
    resource::{Draft, Expansion, NoExtra, Resource, SearchedName, draft::due},
};

impl Resource for RuleIssue {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/rule-issues";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute::scalar(
        "course_id",
        Kind::Id,
        "rule_issues.course_id",
        "The course, where the target is one.",
    )];
    const NAMES: &'static [SearchedName] = &[
        SearchedName::of::<User>("rule_issues.user_id"),
        SearchedName::of::<Rule>("rule_issues.rule_id"),
        SearchedName::by::<Course>("rule_issues.course_id", SEARCHED_NAMES),
    ];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("rule_id", "rule_id"),
        ("rule", "rule.code"),
        ("user_id", "user_id"),
        ("user", "user.username"),
        ("course_id", "target.id"),
        ("course", "course.code"),
        ("kind", "kind"),
        ("choice", "choice"),
        ("due_on", "due_on"),
        ("note", "note"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("closed_at", "closed_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<Rule>("rule", "rule_id"),
        Expansion::of::<User>("user", "user_id"),
        Expansion::of::<Course>("course", "target.id"),
    ];

    fn check(_: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        for draft in drafts {
            if draft.after.closed_at.is_some() {
                draft.refuse(ApiError::new(
                    Code::Conflict,
                    "The issue is closed: what was the matter is no more, so there is nothing to decide.",
                ));
            }
        }
        Ok(())
    }

    fn person(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft<Self>]) -> ApiResult<()> {
        settle(tx, due(drafts).map(|draft| draft.after.user_id))
    }
}
