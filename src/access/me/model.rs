//! The types of `/v1/me`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    authz::{Caller, Permission, ScopeKind, ScopePart},
    ledger::ActorKind,
};

/// The caller.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// What kind of principal it is.
    pub kind: ActorKind,
    /// Which one.
    pub id: Uuid,
    /// A person's full name, or a service account's.
    #[schema(example = "Ana Silva")]
    pub name: String,
    /// Who acts in their place, if somebody does.
    pub acted_for_by: Option<Uuid>,
    /// Every permission that counts now, with where it may be used.
    pub permissions: Vec<HeldPermission>,
}

/// A permission that the caller holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeldPermission {
    /// The permission.
    pub permission: Permission,
    /// Where it may be used: in all these together.
    pub scopes: Vec<HeldScope>,
}

/// Where a permission may be used.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeldScope {
    /// The kind of scope.
    pub kind: ScopeKind,
    /// Of which org unit, group, category or course; null for the other kinds.
    pub id: Option<Uuid>,
}

impl HeldPermission {
    /// Every permission of a caller that counts at `now`.
    pub fn of(caller: &Caller, now: DateTime<Utc>) -> Vec<Self> {
        let held = |permission: &Permission| {
            let scope = caller.scope_if_any(*permission, now)?;
            Some(HeldPermission {
                permission: *permission,
                scopes: scope.parts().iter().copied().map(Into::into).collect(),
            })
        };
        Permission::ALL.iter().filter_map(held).collect()
    }
}

impl From<ScopePart> for HeldScope {
    fn from(part: ScopePart) -> Self {
        let (kind, id) = part.kind_and_id();
        HeldScope { kind, id }
    }
}
