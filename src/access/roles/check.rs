//! Checks roles before they are written.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::Role;
use crate::{
    access::inclusion,
    app::{Tx, Wake},
    authz::Permission,
    db::schema::grants,
    http::{ApiError, ApiResult, Code},
    resource::{
        self, NoExtra, Resource, Row, Unique,
        draft::{due, require_everywhere, without_faults},
    },
};

type Draft = resource::Draft<Role>;

impl Resource for Role {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/roles";
    const SEARCH: Option<&'static str> = Some("roles.search");
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |role| &role.code)];

    /// Sorts the permissions and removes duplicates; unknown ones, of a later release, come last.
    fn complete(&mut self, _: NaiveDate) {
        let order = |name: &String| (Permission::from_name(name).is_none(), Permission::from_name(name));
        self.fields.permissions.sort_by_key(order);
        self.fields.permissions.dedup();
    }

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_everywhere(tx, drafts, Self::WRITE, Draft::is_new)?;
        for draft in drafts.iter_mut() {
            if draft.before.as_ref().is_some_and(|before| before.built_in) {
                draft.refuse(ApiError::new(
                    Code::RoleBuiltIn,
                    "Make a role of your own with the permissions that you want.",
                ));
            }
        }
        widened(tx, drafts)?;
        archived(tx, drafts)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        if due(drafts).any(|draft| !draft.is_new()) {
            tx.wake(Wake::Callers);
        }
        Ok(())
    }
}

/// Refuses to add permissions to a role that the caller does not hold in each scope in which the role is granted.
fn widened(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let mut added = Vec::new();
    for draft in without_faults(drafts) {
        let Some(before) = &draft.before else { continue };
        let new = draft
            .after
            .permissions
            .iter()
            .filter(|name| !before.permissions.contains(name));
        added.extend(new.map(|name| (before.id, name.clone())));
    }
    match added.is_empty() {
        true => Ok(()),
        false => inclusion::require_each(tx, drafts, inclusion::added_to_roles(added, tx.now)),
    }
}

/// Refuses to archive a role that is granted, now or later.
fn archived(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let archived = due(drafts).filter(|draft| draft.archives());
    let archived: Vec<Uuid> = archived.map(|draft| draft.after.id).collect();
    if archived.is_empty() {
        return Ok(());
    }
    let held: Vec<Uuid> = grants::table
        .filter(grants::role_id.eq_any(archived))
        .filter(grants::revoked_at.is_null())
        .filter(grants::ends_at.is_null().or(grants::ends_at.gt(tx.now)))
        .select(grants::role_id)
        .distinct()
        .load(tx.conn)?;
    let held: HashSet<Uuid> = held.into_iter().collect();
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.archives() && held.contains(&draft.after.id))
    {
        draft.refuse(ApiError::new(
            Code::RoleInUse,
            "Revoke its grants first; GET /v1/grants with a filter on role_id lists them.",
        ));
    }
    Ok(())
}
