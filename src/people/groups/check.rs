//! What must hold of groups before they are written, and what follows. A dynamic group has its members as soon as its filter
//! is written.

use super::{
    dynamic, members,
    model::{Group, GroupKind},
};
use crate::{
    access::inclusion,
    app::Tx,
    authz::Permission,
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiError, ApiResult, Code},
    people::{external_keys, users::filter::GroupFilters},
    resource::{
        self, NoExtra, Resource, Row, Unique,
        draft::{due, require_everywhere},
        list,
    },
};

type Draft = resource::Draft<Group>;

impl Resource for Group {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/groups";
    const SEARCH: Option<&'static str> = Some("groups.search");
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "member_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "group_members m",
            on: "m.group_id = groups.id",
            value: "m.user_id",
        },
        doc: "A person who is in it.",
    }];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |group| &group.code)];

    fn filters(tx: &mut Tx) -> ApiResult<Schema> {
        let people = tx.seen(Permission::UsersRead).users("m.user_id");
        Ok(list::schema::<Self>().limited("member_id", people))
    }

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_everywhere(tx, drafts, Self::WRITE, Draft::is_new)?;
        filters(tx, drafts)?;
        if due(drafts).any(|draft| has_new_filter(draft) || is_archived_or_restored(draft)) {
            dynamic::lock_filters(tx)?;
        }
        reach(tx, drafts)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        let renamed = due(drafts).filter(|draft| draft.changes(|group| &group.code));
        members::touch_all(tx, &renamed.map(|draft| draft.after.id).collect::<Vec<_>>())?;
        let archived = due(drafts).filter(|draft| draft.archives());
        let archived: Vec<_> = archived.map(|draft| draft.after.id).collect();
        members::end_all(tx, &archived)?;
        external_keys::write::remove_those_of_clients::<Group>(tx, &archived)?;
        fill(tx, drafts)
    }
}

fn is_archived_or_restored(draft: &Draft) -> bool {
    draft.archives() || draft.restores()
}

/// With a group go the roles that its members hold by it, and with a dynamic one comes back who is reached by grants in its
/// scope.
fn reach(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let moving: Vec<_> = drafts
        .iter()
        .filter(|draft| is_archived_or_restored(draft))
        .map(|draft| draft.after.id)
        .collect();
    if moving.is_empty() {
        return Ok(());
    }
    let held = inclusion::holders_beyond_caller(tx, inclusion::held_by_members(moving.clone(), tx.now))?;
    let over = inclusion::holders_beyond_caller(tx, inclusion::held_over_members(moving, tx.now))?;
    for draft in drafts.iter_mut().filter(|draft| is_archived_or_restored(draft)) {
        if held.contains(&draft.after.id) {
            draft.refuse(members::grants_too_much());
        } else if draft.restores() && draft.after.kind == GroupKind::Dynamic && over.contains(&draft.after.id)
        {
            draft.refuse(filter_exceeds_caller());
        }
    }
    Ok(())
}

fn has_new_filter(draft: &Draft) -> bool {
    draft.after.filter.is_some() && draft.sets(|group| &group.filter)
}

/// Checks new filters: a filter chooses members from all users and, where the group is the scope of grants, whom these grants
/// reach.
fn filters(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let mut writing: Vec<&mut Draft> = drafts.iter_mut().filter(|draft| has_new_filter(draft)).collect();
    if writing.is_empty() {
        return Ok(());
    }
    let chooses_from_all = tx.scope(Permission::GroupsWrite)?.is_everything();
    let allowed = GroupFilters::load(tx)?;
    let ids = writing.iter().map(|draft| draft.after.id).collect();
    let over = inclusion::held_over_members(ids, tx.now);
    let beyond_caller = inclusion::holders_beyond_caller(tx, over)?;
    for draft in &mut writing {
        let Some(filter) = draft.after.filter.clone() else {
            continue;
        };
        let error = if let Err(error) = allowed.check("/filter", &filter) {
            Some(error)
        } else if !chooses_from_all {
            Some(ApiError::new(
                Code::Forbidden,
                "A filter chooses from everybody, so writing it needs the permission groups.write everywhere.",
            ))
        } else {
            beyond_caller
                .contains(&draft.after.id)
                .then(filter_exceeds_caller)
        };
        if let Some(error) = error {
            draft.refuse(error);
        }
    }
    Ok(())
}

fn filter_exceeds_caller() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "Grants reach as far as this group does, so choosing its members by a filter needs the permissions of those grants everywhere.",
    )
}

/// Finds the members of dynamic groups whose filters were written, and of those that come back.
fn fill(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
    let filled = due(drafts)
        .filter(|draft| has_new_filter(draft) || draft.restores())
        .filter(|draft| draft.after.archived_at.is_none());
    let groups = filled.filter_map(|draft| Some((draft.after.id, draft.after.filter.clone()?)));
    dynamic::refresh_members(tx, groups.collect(), None)
}
