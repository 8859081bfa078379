//! Who is calling, and what they hold.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Actor, ActorKind,
    permission::{Permission, PermissionSet},
    scope::{Scope, ScopePart},
};
use crate::http::{ApiError, ApiResult, Code};

/// A role that the caller holds in a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldGrant {
    /// The grant; none for what everybody has.
    pub grant_id: Option<Uuid>,
    /// What the role opens.
    pub permissions: PermissionSet,
    /// Where.
    pub scope: ScopePart,
    /// From when; always, if none.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when; for ever, if none.
    pub ends_at: Option<DateTime<Utc>>,
}

impl HeldGrant {
    /// Whether it is in force at `now`.
    pub fn counts_at(&self, now: DateTime<Utc>) -> bool {
        self.starts_at.is_none_or(|start| start <= now) && self.is_due_at(now)
    }

    /// Whether it is in force at `now` or will be.
    pub fn is_due_at(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

/// An authenticated principal with its grants.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// Who it is, for the ledger.
    pub actor: Actor,
    /// All that was granted, whether it is in force now or not.
    pub grants: Vec<HeldGrant>,
    /// The granted permissions that the token allows.
    confinement: PermissionSet,
    /// Who acts in this person's place, with all that they were granted.
    representative: Option<Arc<Caller>>,
    /// Their sessions that ended so lately that access tokens of them may still be about.
    pub ended_sessions: Vec<Uuid>,
}

impl Caller {
    /// A principal with what it was granted.
    pub fn new(kind: ActorKind, principal: Uuid, grants: Vec<HeldGrant>, ended_sessions: Vec<Uuid>) -> Self {
        let actor = Actor {
            kind,
            id: Some(principal),
            on_behalf_of: None,
        };
        Caller::acting(actor, grants, ended_sessions)
    }

    fn acting(actor: Actor, grants: Vec<HeldGrant>, ended_sessions: Vec<Uuid>) -> Self {
        Caller {
            actor,
            grants,
            confinement: PermissionSet::everything(),
            representative: None,
            ended_sessions,
        }
    }

    /// Provost itself: jobs, commands. Holds everything.
    pub fn system() -> Self {
        let everything = HeldGrant {
            grant_id: None,
            permissions: PermissionSet::everything(),
            scope: ScopePart::Everything,
            starts_at: None,
            ends_at: None,
        };
        Caller::acting(Actor::SYSTEM, vec![everything], Vec::new())
    }

    /// A person at the token endpoint, who just proved who they are. Holds nothing there.
    pub fn signing_in(user: Uuid) -> Self {
        Caller::new(ActorKind::User, user, Vec::new(), Vec::new())
    }

    /// The same caller, confined to these permissions.
    pub fn confined_to(&self, permissions: PermissionSet) -> Self {
        let mut confined = self.clone();
        confined.confinement = confined.confinement.intersection(permissions);
        confined
    }

    /// The same person, represented by another principal that acts for them.
    pub fn acted_for_by(&self, representative: Arc<Caller>) -> Self {
        let mut caller = self.clone();
        caller.actor = Actor {
            on_behalf_of: Some(self.principal_id()),
            ..representative.actor
        };
        caller.representative = Some(representative);
        caller
    }

    /// Those who gain if more comes within these grants' reach: this principal, and who acts in its place. By all that they
    /// were granted, since another token may open more of it.
    pub fn beneficiaries(&self) -> impl Iterator<Item = &Caller> {
        std::iter::once(self).chain(self.representative.as_deref())
    }

    /// The person that another principal acts for.
    fn represented(&self) -> Option<Uuid> {
        self.actor
            .on_behalf_of
            .filter(|_| self.actor.kind != ActorKind::System)
    }

    /// Who calls in a person's place.
    pub fn representative(&self) -> Option<Uuid> {
        self.represented().and(self.actor.id)
    }

    /// What kind of principal's grants these are.
    pub fn kind(&self) -> ActorKind {
        self.represented().map_or(self.actor.kind, |_| ActorKind::User)
    }

    /// The person who calls, or that another principal acts for; none for programs.
    pub fn person(&self) -> Option<Uuid> {
        let own = self.actor.id.filter(|_| self.actor.kind == ActorKind::User);
        self.represented().or(own)
    }

    /// The principal whose grants these are; none for Provost itself.
    pub fn principal(&self) -> Option<Uuid> {
        self.represented().or(self.actor.id)
    }

    /// The id of the principal whose grants these are; nil for Provost itself.
    pub fn principal_id(&self) -> Uuid {
        self.principal().unwrap_or_default()
    }

    /// Where the caller may use `permission` at `now`; 403 if nowhere.
    pub fn scope(&self, permission: Permission, now: DateTime<Utc>) -> ApiResult<Scope> {
        self.scope_if_any(permission, now)
            .ok_or_else(|| lacks(permission))
    }

    /// Where the caller may use `permission` at `now`; none if nowhere.
    pub fn scope_if_any(&self, permission: Permission, now: DateTime<Utc>) -> Option<Scope> {
        if !self.confinement.contains(permission) {
            return None;
        }
        self.granted_scope(permission, |grant| grant.counts_at(now))
    }

    /// Where `permission` was granted, by any token, of the grants that count for `counts`; none if nowhere.
    pub fn granted_scope(
        &self,
        permission: Permission,
        counts: impl Fn(&HeldGrant) -> bool,
    ) -> Option<Scope> {
        let mut parts: Vec<ScopePart> = Vec::new();
        let opening = |grant: &&HeldGrant| grant.permissions.contains(permission) && counts(grant);
        for grant in self.grants.iter().filter(opening) {
            if !parts.contains(&grant.scope) {
                parts.push(grant.scope);
            }
        }
        (!parts.is_empty()).then(|| Scope::new(parts, self.person()))
    }
}

/// The caller may see it, but not do that to it.
pub fn lacks(permission: Permission) -> ApiError {
    ApiError::new(
        Code::Forbidden,
        format!(
            "This needs the permission {} in a scope that covers it; ask an administrator for a role that holds it.",
            permission.as_str()
        ),
    )
}
