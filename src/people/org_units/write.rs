//! Adding, changing and moving org units, one or a thousand by the same few statements.
//!
//! Called by the routes, bulk requests and commands. Whoever authorizes units that may be moved holds the lock of
//! [`ORG_UNITS`] by then.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    model::{CreateOrgUnit, OrgUnit, UpdateOrgUnit},
    store,
};
use crate::{
    access::{self, Authorized, Permission, bulk::one, inclusion, lacks},
    app::Tx,
    http::{ApiError, ApiResult, Code, bulk::Outcomes},
    people::{
        closure::ORG_UNITS,
        draft::{self, Unique, due, standing},
        facts,
    },
};

/// What is to become of a unit. A parent may be a unit that another change adds.
pub type Change = access::bulk::Change<OrgUnit, CreateOrgUnit, UpdateOrgUnit>;

type Draft = draft::Draft<OrgUnit>;

const CODE: Unique<OrgUnit> = Unique {
    column: "code",
    pointer: "/code",
    value: |unit| &unit.code,
};

/// Adds a unit.
pub fn create(tx: &mut Tx, new: CreateOrgUnit) -> ApiResult<OrgUnit> {
    ORG_UNITS.lock(tx)?;
    one(apply(tx, vec![Change::create(new)])?)
}

/// Changes a unit.
pub fn update(tx: &mut Tx, unit: Authorized<OrgUnit>, changes: UpdateOrgUnit) -> ApiResult<OrgUnit> {
    one(apply(tx, vec![Change::update(unit, changes)])?)
}

/// Writes units: each by itself is written or refused. What does not change is left alone.
pub fn apply(tx: &mut Tx, changes: Vec<Change>) -> ApiResult<Outcomes<OrgUnit>> {
    tx.require(Permission::OrgUnitsWrite)?;
    let now = tx.now;
    let mut drafts = draft::drafts(changes, |new, id| new.into_unit(id, now), UpdateOrgUnit::apply_to);
    places(tx, &mut drafts)?;
    CODE.check(tx, &mut drafts)?;
    circles(tx, &mut drafts)?;
    draft::step(tx, &mut drafts);
    draft::save(tx, &drafts)?;
    let placed = due(&drafts).filter(|draft| draft.sets(|unit| &unit.parent_id));
    ORG_UNITS.keep(tx, &placed.map(|draft| draft.after.id).collect::<Vec<_>>())?;
    due(&drafts).for_each(|draft| tx.record(draft.event()));
    touch(tx, &drafts)?;
    Ok(draft::outcomes(drafts))
}

type Units = HashMap<Uuid, ApiResult<Authorized<OrgUnit>>>;

/// Whoever changes what is below a unit needs the permission on that unit; at the top, on everything. What is new in
/// this request stands where its own parent does.
fn places(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let new: HashSet<Uuid> = drafts
        .iter()
        .filter(|draft| draft.before.is_none())
        .map(|draft| draft.after.id)
        .collect();
    let mut placed: Vec<&mut Draft> = drafts
        .iter_mut()
        .filter(|draft| draft.sets(|unit| &unit.parent_id))
        .collect();
    let ends = placed.iter().flat_map(|draft| {
        [
            draft.before.as_ref().and_then(|unit| unit.parent_id),
            draft.after.parent_id,
        ]
    });
    let named: HashSet<Uuid> = ends.flatten().filter(|parent| !new.contains(parent)).collect();
    let units = access::authorize_all(tx, &Vec::from_iter(named), Permission::OrgUnitsWrite)?;
    let has_all = tx.scope(Permission::OrgUnitsWrite)?.is_everything();
    let beyond = beyond_caller(tx, &placed)?;
    for draft in &mut placed {
        let leaves = draft.before.as_ref().map(|unit| unit.parent_id);
        let may_leave = leaves.is_none_or(|parent| may_leave(parent, &units, has_all));
        let enters = match draft.after.parent_id {
            Some(parent) if new.contains(&parent) => Ok(()),
            parent => enter(parent, &units, has_all),
        };
        if !may_leave {
            draft.refuse(lacks(Permission::OrgUnitsWrite));
        } else if let Err(error) = enters {
            draft.refuse(error);
        } else if beyond.contains(&draft.after.id) {
            draft.refuse(reaches_further());
        }
    }
    Ok(())
}

/// The units that would come within more of the caller's reach. Who writes people everywhere decides by their units anyway.
fn beyond_caller(tx: &mut Tx, placed: &[&mut Draft]) -> ApiResult<HashSet<Uuid>> {
    if tx.seen(Permission::UsersWrite).is_everything() {
        return Ok(HashSet::new());
    }
    let new: HashMap<Uuid, Option<Uuid>> = placed
        .iter()
        .filter(|draft| draft.before.is_none())
        .map(|draft| (draft.after.id, draft.after.parent_id))
        .collect();
    // Below a unit that is new itself: where that one stands, as far up as a request can be deep.
    let standing = |unit: Uuid| {
        let above = |unit: &Uuid| new.get(unit).copied().flatten();
        let line = std::iter::successors(Some(unit), above).take(new.len() + 1);
        line.last().filter(|unit| !new.contains_key(unit))
    };
    let moves: Vec<(Uuid, Uuid)> = placed
        .iter()
        .filter(|draft| draft.before.is_some())
        .filter_map(|draft| Some((draft.after.id, standing(draft.after.parent_id?)?)))
        .collect();
    inclusion::moved_beyond_caller(tx, ("org_unit", "org_unit"), &moves)
}

fn reaches_further() -> ApiError {
    let detail = "You may do more in the unit above than in this one, so moving it there takes the same permissions in this one, \
        or users.write everywhere.";
    ApiError::new(Code::GrantExceedsCaller, detail).with_field("/parent_id", "is where you may do more")
}

fn may_leave(parent: Option<Uuid>, units: &Units, has_all: bool) -> bool {
    match parent {
        Some(parent) => matches!(units.get(&parent), Some(Ok(_))),
        None => has_all,
    }
}

fn enter(parent: Option<Uuid>, units: &Units, has_all: bool) -> ApiResult<()> {
    match parent.map(|parent| units.get(&parent)) {
        None if has_all => Ok(()),
        None => Err(lacks(Permission::OrgUnitsWrite)),
        Some(Some(Ok(unit))) if unit.archived_at.is_some() => {
            Err(ApiError::field("/parent_id", "is archived"))
        }
        Some(Some(Ok(_))) => Ok(()),
        Some(Some(Err(error))) if error.code != Code::NotFound => Err(error.clone()),
        Some(_) => Err(no_such_parent()),
    }
}

fn no_such_parent() -> ApiError {
    ApiError::field("/parent_id", NO_SUCH_PARENT)
}

/// Said of a parent that is not there, or out of the caller's sight.
pub(super) const NO_SUCH_PARENT: &str = "names no unit that you may see";

/// Refuses units that would stand below themselves, and those whose parents do not come to be. Either may bring about
/// more of the other, so it is asked until nobody more is refused.
fn circles(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    draft::tell_refused_of_circles(tx, &ORG_UNITS, PARENT, drafts)?;
    loop {
        while orphans(drafts) {}
        let standing_ones = drafts.iter().filter(|draft| draft.stands());
        let circling = draft::circling(tx, &ORG_UNITS, PARENT, standing_ones)?;
        if circling.is_empty() {
            return Ok(());
        }
        for draft in standing(drafts).filter(|draft| circling.contains(&draft.after.id)) {
            draft.refuse(ORG_UNITS.cycle());
        }
    }
}

const PARENT: fn(&OrgUnit) -> &Option<Uuid> = |unit| &unit.parent_id;

/// Refuses units right below new ones that are refused; false if there are none.
fn orphans(drafts: &mut [Draft]) -> bool {
    let missing: HashSet<Uuid> = drafts
        .iter()
        .filter(|draft| !draft.stands() && draft.before.is_none())
        .map(|draft| draft.after.id)
        .collect();
    let is_below = |draft: &&mut Draft| {
        draft
            .after
            .parent_id
            .is_some_and(|parent| missing.contains(&parent))
    };
    let mut refused = false;
    for draft in standing(drafts).filter(is_below) {
        draft.refuse(no_such_parent());
        refused = true;
    }
    refused
}

/// Filters name units by their codes and by what is above them.
fn touch(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
    let changed: Vec<Uuid> = due(drafts)
        .filter(|draft| draft.changes(|unit| &unit.parent_id) || draft.changes(|unit| &unit.code))
        .map(|draft| draft.after.id)
        .collect();
    if !changed.is_empty() {
        let people = store::people_within(tx, &changed)?;
        facts::follow(tx, people)?;
    }
    Ok(())
}
