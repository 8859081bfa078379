//! Adding and changing groups, one or a thousand by the same few statements.
//!
//! Called by the routes, bulk requests and commands. A dynamic group has its members as soon as its filter is written.

use super::{
    dynamic, members,
    model::{CreateGroup, Group, GroupKind, UpdateGroup},
    store,
};
use crate::{
    access::{self, Authorized, Permission, bulk::one, inclusion},
    app::Tx,
    http::{ApiError, ApiResult, Code, bulk::Outcomes},
    ledger::Event,
    people::{
        draft::{self, Unique, due},
        external_keys,
        users::filter::GroupFilters,
    },
};

/// What is to become of a group.
pub type Change = access::bulk::Change<Group, CreateGroup, UpdateGroup>;

type Draft = draft::Draft<Group>;

const CODE: Unique<Group> = Unique {
    column: "code",
    pointer: "/code",
    value: |group| &group.code,
};

/// Adds a group.
pub fn create(tx: &mut Tx, new: CreateGroup) -> ApiResult<Group> {
    one(apply(tx, vec![Change::create(new)])?)
}

/// Changes a group.
pub fn update(tx: &mut Tx, group: Authorized<Group>, changes: UpdateGroup) -> ApiResult<Group> {
    one(apply(tx, vec![Change::update(group, changes)])?)
}

/// Archives a group, unless it is already: all its memberships end, and SCIM clients, for which it is gone, may call
/// another group what they called it.
pub fn archive(tx: &mut Tx, group: &Authorized<Group>) -> ApiResult<Group> {
    if group.archived_at.is_some() {
        return Ok((**group).clone());
    }
    let archived = store::set_archived(tx, group, Some(tx.now))?;
    tx.record(
        Event::new("group.archived", "group", archived.id)
            .before(&**group)
            .after(&archived),
    );
    members::end_all(tx, archived.id)?;
    external_keys::write::remove_those_of_clients(tx, group)?;
    Ok(archived)
}

/// Writes groups: each by itself is written or refused. What does not change is left alone.
pub fn apply(tx: &mut Tx, changes: Vec<Change>) -> ApiResult<Outcomes<Group>> {
    let now = tx.now;
    let mut drafts = draft::drafts(changes, |new, id| new.into_group(id, now), UpdateGroup::apply_to);
    draft::refuse_new(tx, &mut drafts, Permission::GroupsWrite)?;
    filters(tx, &mut drafts)?;
    CODE.check(tx, &mut drafts)?;
    if due(&drafts).any(has_new_filter) {
        dynamic::lock_filters(tx)?;
    }
    draft::step(tx, &mut drafts);
    draft::save(tx, &drafts)?;
    due(&drafts).for_each(|draft| tx.record(draft.event()));
    let renamed = due(&drafts).filter(|draft| draft.changes(|group| &group.code));
    members::touch_all(tx, &renamed.map(|draft| draft.after.id).collect::<Vec<_>>())?;
    fill(tx, &drafts)?;
    Ok(draft::outcomes(drafts))
}

/// Refuses to bring back a dynamic group for who may not do to anybody what grants in its scope open.
pub fn refuse_unless_may_reach(tx: &mut Tx, group: &Group) -> ApiResult<()> {
    let over = inclusion::held_over_members(vec![group.id], tx.now);
    if group.kind == GroupKind::Dynamic && !inclusion::holders_beyond_caller(tx, over)?.is_empty() {
        return Err(reaches_too_far());
    }
    Ok(())
}

fn has_new_filter(draft: &Draft) -> bool {
    draft.after.filter.is_some() && draft.sets(|group| &group.filter)
}

/// Writing the filter of a dynamic group is choosing its members from everybody; of one that is the scope of grants, whom
/// those reach.
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
        let is_static = draft.after.kind == GroupKind::Static;
        let error = if is_static {
            Some(ApiError::field("/filter", "belongs to dynamic groups only"))
        } else if let Err(error) = allowed.check("/filter", &filter) {
            Some(error)
        } else if !chooses_from_all {
            Some(ApiError::new(
                Code::Forbidden,
                "A filter chooses from everybody, so writing it needs the permission groups.write everywhere.",
            ))
        } else {
            beyond_caller.contains(&draft.after.id).then(reaches_too_far)
        };
        if let Some(error) = error {
            draft.refuse(error);
        }
    }
    Ok(())
}

fn reaches_too_far() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "Grants reach as far as this group does, so choosing its members by a filter needs the permissions of those grants everywhere.",
    )
}

/// Finds the members of dynamic groups whose filters were written.
fn fill(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
    let filled = due(drafts).filter(|draft| has_new_filter(draft) && draft.after.archived_at.is_none());
    let groups = filled.filter_map(|draft| Some((draft.after.id, draft.after.filter.clone()?)));
    dynamic::keep(tx, groups.collect(), None)
}
