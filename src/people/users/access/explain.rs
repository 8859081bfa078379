//! What reaches a person, and what it says to a question. Stands on the very caller that their requests are made with.

use super::{
    model::{
        AccessExplanation, ExplainAccess, ExplainedObject, GrantVerdict, GrantVia, ReachingGrant, UserAccess,
    },
    store::{self, Origin},
};
use crate::{
    access::{callers, me::model::HeldPermission, subject},
    app::Tx,
    authz::{Caller, HeldGrant, Scope},
    http::{ApiError, ApiResult},
    ledger::ActorKind,
    people::users::model::{User, UserStatus},
};

/// What reaches a person.
struct Reaching {
    /// Whether the person may do anything at all.
    is_active: bool,
    /// Every permission that counts now by a grant that the caller may see.
    permissions: Vec<HeldPermission>,
    /// The grants, each with where it comes from.
    grants: Vec<(HeldGrant, Origin)>,
}

impl Reaching {
    fn of(tx: &mut Tx, user: &User) -> ApiResult<Self> {
        let held = callers::granted(tx.conn, user.id)?;
        let named = held.iter().filter_map(|grant| grant.grant_id).collect();
        let origins = store::origins(tx, user.id, named)?;
        let is_visible = |grant: &HeldGrant| {
            origins
                .get(&grant.grant_id)
                .is_some_and(|origin| origin.is_visible)
        };
        let is_active = user.status == UserStatus::Active;
        let counting = held.iter().filter(|grant| is_active && is_visible(grant));
        let caller = Caller::new(ActorKind::User, user.id, counting.cloned().collect(), Vec::new());
        let permissions = HeldPermission::of(&caller, tx.now);
        let grants = held.into_iter().filter_map(|grant| {
            let origin = origins.get(&grant.grant_id)?.clone();
            Some((grant, origin))
        });
        Ok(Reaching {
            is_active,
            permissions,
            grants: grants.collect(),
        })
    }

    fn show(&self, tx: &Tx, grant: &HeldGrant, origin: &Origin) -> ReachingGrant {
        ReachingGrant {
            grant_id: origin.grant_id,
            role_id: origin.role_id,
            role: origin.role.clone(),
            via: match (origin.grant_id, origin.group_id) {
                (None, _) => GrantVia::Everybody,
                (Some(_), Some(_)) => GrantVia::Group,
                (Some(_), None) => GrantVia::Person,
            },
            group_id: origin.group_id,
            scope: grant.scope.into(),
            starts_at: grant.starts_at,
            ends_at: grant.ends_at,
            counts: self.is_active && grant.counts_at(tx.now),
        }
    }

    fn hidden(&self) -> usize {
        self.grants
            .iter()
            .filter(|(_, origin)| !origin.is_visible)
            .count()
    }
}

/// What `user` may do now, and what reaches them.
pub fn access(tx: &mut Tx, user: &User) -> ApiResult<UserAccess> {
    let reaching = Reaching::of(tx, user)?;
    let hidden_grants = reaching.hidden();
    let shown = reaching.grants.iter().filter(|(_, origin)| origin.is_visible);
    let grants = shown.map(|(grant, origin)| reaching.show(tx, grant, origin));
    let grants = grants.collect();
    Ok(UserAccess {
        user_id: user.id,
        status: user.status,
        grants,
        permissions: reaching.permissions,
        hidden_grants,
    })
}

/// Why `user` may do what is asked, or why not.
pub fn explain(tx: &mut Tx, user: &User, asked: &ExplainAccess) -> ApiResult<AccessExplanation> {
    let reaching = Reaching::of(tx, user)?;
    let (object, covered) = coverage(tx, user, &reaching, asked)?;
    let verdicts: Vec<GrantVerdict> = reaching
        .grants
        .iter()
        .enumerate()
        .map(|(place, (grant, origin))| GrantVerdict {
            grant: reaching.show(tx, grant, origin),
            holds_permission: grant.permissions.contains(asked.permission),
            covers_object: covered.as_ref().and_then(|covered| covered.get(place).copied()),
        })
        .collect();
    let allowed = verdicts.iter().any(GrantVerdict::allows);
    let shown = verdicts
        .into_iter()
        .zip(&reaching.grants)
        .filter_map(|(verdict, (_, origin))| origin.is_visible.then_some(verdict));
    let shown: Vec<_> = shown.collect();
    let because = because(user, asked, allowed, &shown);
    Ok(AccessExplanation {
        user_id: user.id,
        status: user.status,
        permission: asked.permission,
        object,
        allowed,
        because,
        grants: shown,
        hidden_grants: reaching.hidden(),
    })
}

type CoverageAnswer = (Option<ExplainedObject>, Option<Vec<bool>>);

/// The thing that is asked about, and which of the grants cover it.
fn coverage(
    tx: &mut Tx,
    user: &User,
    reaching: &Reaching,
    asked: &ExplainAccess,
) -> ApiResult<CoverageAnswer> {
    let (kind, name) = match (asked.kind, &asked.id) {
        (Some(kind), Some(name)) => (kind, name),
        (None, None) => return Ok((None, None)),
        (Some(_), None) => return Err(ApiError::parameter("id", "is wanted with kind")),
        (None, Some(_)) => return Err(ApiError::parameter("kind", "is wanted with id")),
    };
    let scopes: Vec<Scope> = reaching
        .grants
        .iter()
        .map(|(grant, _)| Scope::new(vec![grant.scope], Some(user.id)))
        .collect();
    let (id, covered) = subject::covered(tx, kind, name, asked.permission, &scopes)?;
    Ok((Some(ExplainedObject { kind, id }), Some(covered)))
}

/// The answer in a sentence, by the grants that the caller may see: a grant that allows it, else the one that comes nearest.
fn because(user: &User, asked: &ExplainAccess, allowed: bool, verdicts: &[GrantVerdict]) -> String {
    let permission = asked.permission.as_str();
    if user.status != UserStatus::Active {
        let status = user.status.as_str();
        return format!("They are {status}, and only active people may do anything.");
    }
    let roles = |those: &dyn Fn(&GrantVerdict) -> bool| {
        let mut names: Vec<&str> = verdicts
            .iter()
            .filter(|verdict| those(verdict))
            .map(|verdict| verdict.grant.role.as_str())
            .collect();
        names.dedup();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(names) = roles(&GrantVerdict::allows) {
        return format!("Allowed by {names}.");
    }
    if allowed {
        return "Allowed by a grant that you may not see.".to_owned();
    }
    let holds = |verdict: &GrantVerdict| verdict.holds_permission;
    if let Some(names) = roles(&|verdict| holds(verdict) && verdict.covers_object != Some(false)) {
        return format!("{names} would allow it, and does not count now: look at starts_at and ends_at.");
    }
    if let Some(names) = roles(&|verdict| holds(verdict) && verdict.grant.counts) {
        return format!("{names} holds {permission}, in a scope that does not cover this.");
    }
    format!("No role that reaches them now holds {permission} where it would count.")
}
