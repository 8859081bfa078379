//! The types of `/v1/users/{user_id}/access`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    access::{
        Permission,
        me::model::{HeldPermission, HeldScope},
        subject::SubjectKind,
    },
    http::Parameters,
    people::users::model::UserStatus,
    text_enum,
};

/// What a person may do now, and what they were granted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserAccess {
    /// Whose.
    pub user_id: Uuid,
    /// Only who is active may do anything.
    pub status: UserStatus,
    /// Every permission that counts now by the grants that are shown, with where it may be used.
    pub permissions: Vec<HeldPermission>,
    /// The roles that reach them, whether they count now or not. Revoked grants are left out.
    pub grants: Vec<ReachingGrant>,
    /// Grants that reach them in scopes outside the caller's, and are not shown.
    #[schema(minimum = 0)]
    pub hidden_grants: usize,
}

text_enum! {
    /// Why a role reaches a person.
    GrantVia {
        /// Every active person is a learner of their own.
        Everybody = "everybody",
        /// It was granted to them.
        Person = "person",
        /// It was granted to a group that they are in.
        Group = "group",
    }
}

/// A role that reaches a person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReachingGrant {
    /// The grant; null for what everybody has.
    pub grant_id: Option<Uuid>,
    /// The role.
    pub role_id: Uuid,
    /// The role's code.
    #[schema(example = "manager")]
    pub role: String,
    /// Why it reaches them.
    pub via: GrantVia,
    /// The group that it reaches them by.
    pub group_id: Option<Uuid>,
    /// How far it reaches.
    pub scope: HeldScope,
    /// From when it counts; always, if null.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it counts; for ever, if null.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether it counts now; nothing does for who is not active.
    pub counts: bool,
}

/// What is to be explained.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainAccess {
    /// What they would do.
    #[param(inline)]
    pub permission: Permission,
    /// The kind of thing that they would do it to; with `id`.
    #[param(inline)]
    pub kind: Option<SubjectKind>,
    /// The thing, by our id or as `ext:{source}:{key}`; with `kind`. Without a thing the question is whether they may do
    /// it anywhere.
    pub id: Option<String>,
}

impl Parameters for ExplainAccess {}

/// Why a person may or may not do something.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccessExplanation {
    /// Whose access it is.
    pub user_id: Uuid,
    /// Only who is active may do anything.
    pub status: UserStatus,
    /// What they would do.
    pub permission: Permission,
    /// To what.
    pub object: Option<ExplainedObject>,
    /// Whether they may.
    pub allowed: bool,
    /// Why, or what would have to change.
    #[schema(example = "manager would allow it, but its scope does not cover this course.")]
    pub because: String,
    /// What each role that reaches them says to it.
    pub grants: Vec<GrantVerdict>,
    /// Grants that reach them in scopes outside the caller's. They count in `allowed` and are not shown.
    #[schema(minimum = 0)]
    pub hidden_grants: usize,
}

/// What access is explained to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExplainedObject {
    /// What kind of thing it is.
    pub kind: SubjectKind,
    /// Which one.
    pub id: Uuid,
}

/// What a role that reaches a person says to it. It is allowed if all that is not null is true.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GrantVerdict {
    /// The role, and where and when it counts.
    pub grant: ReachingGrant,
    /// Whether the role holds the permission.
    pub holds_permission: bool,
    /// Whether its scope covers the thing; null if no thing was named.
    pub covers_object: Option<bool>,
}

impl GrantVerdict {
    /// Whether it allows it.
    pub fn allows(&self) -> bool {
        self.grant.counts && self.holds_permission && self.covers_object != Some(false)
    }
}
