//! The types of `/v1/users/{user_id}/access`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    access::{
        me::model::{HeldPermission, HeldScope},
        subject::SubjectKind,
    },
    authz::Permission,
    http::Parameters,
    people::users::model::UserStatus,
    text_enum,
};

/// What a user may do now, and the user's grants.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserAccess {
    /// The user.
    pub user_id: Uuid,
    /// The user's status; only active users may do anything.
    pub status: UserStatus,
    /// Every permission that counts now, by the grants shown, with its scopes.
    pub permissions: Vec<HeldPermission>,
    /// The user's roles, whether they count now or not. Revoked grants are left out.
    pub grants: Vec<ReachingGrant>,
    /// Number of the user's grants in scopes outside the caller's, which are not shown.
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

/// A role of a user.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReachingGrant {
    /// The grant; null for what every user may do.
    pub grant_id: Option<Uuid>,
    /// The role.
    pub role_id: Uuid,
    /// The role's code.
    #[schema(example = "manager")]
    pub role: String,
    /// Why the user has it.
    pub via: GrantVia,
    /// The group through which the user holds it.
    pub group_id: Option<Uuid>,
    /// The kind of scope.
    pub scope: HeldScope,
    /// From when it counts; always, if null.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it counts; for ever, if null.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether the grant counts now; nothing counts while the user is not active.
    pub counts: bool,
}

/// What is to be explained.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainAccess {
    /// The permission that the user would use.
    #[param(inline)]
    pub permission: Permission,
    /// The kind of the object; with `id`.
    #[param(inline)]
    pub kind: Option<SubjectKind>,
    /// The object, by id or as `ext:{source}:{key}`; with `kind`. Without it, the question is whether the user may do
    /// it in any scope.
    pub id: Option<String>,
}

impl Parameters for ExplainAccess {}

/// Explains why a user may or may not do something.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccessExplanation {
    /// The user.
    pub user_id: Uuid,
    /// The user's status; only active users may do anything.
    pub status: UserStatus,
    /// The permission that the user would use.
    pub permission: Permission,
    /// The object.
    pub object: Option<ExplainedObject>,
    /// Whether the user may.
    pub allowed: bool,
    /// The reason, or what would have to change.
    #[schema(example = "manager would allow it, but its scope does not cover this course.")]
    pub because: String,
    /// What each role of the user says about it.
    pub grants: Vec<GrantVerdict>,
    /// Number of the user's grants in scopes outside the caller's. They count in `allowed` and are not shown.
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
