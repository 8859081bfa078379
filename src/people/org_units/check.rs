//! What must hold of org units before they are written, and what follows.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::OrgUnit;
use crate::{
    access::inclusion,
    app::Tx,
    authz::{self, Authorized, Permission, lacks},
    db::schema::{org_unit_closure, org_units, users},
    filter::{Attribute, Column, Kind},
    http::{ApiError, ApiResult, Code},
    people::{closure::ORG_UNITS, facts},
    resource::{
        self, Expansion, NoExtra, Resource, Unique,
        draft::{due, without_faults},
        history::History,
    },
};

type Draft = resource::Draft<OrgUnit>;

const PARENT: fn(&OrgUnit) -> &Option<Uuid> = |unit| &unit.parent_id;

/// The tree of a past day, and what its units were called.
const HISTORY: History = History {
    table: "org_unit_history",
    columns: "id, code, name, parent_id, time_zone, archived_at",
};

impl Resource for OrgUnit {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/org-units";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "within",
        kind: Kind::Folded,
        column: Column::Exists {
            from: "org_unit_closure c JOIN org_units o ON o.id = c.ancestor_id",
            on: "c.descendant_id = org_units.id",
            value: "o.code",
        },
        doc: "Its code, or that of any unit above it: `within eq \"emea\"` finds a whole subtree.",
    }];
    const SEARCH: Option<&'static str> = Some("org_units.search");
    const EXPANSIONS: &'static [Expansion] = &[Expansion::of::<OrgUnit>("parent", "parent_id")];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |unit| &unit.code)];

    fn lock(tx: &mut Tx) -> ApiResult<()> {
        ORG_UNITS.lock(tx)
    }

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        places(tx, drafts)?;
        ORG_UNITS.explain_circles(tx, PARENT, drafts)?;
        in_use(tx, drafts)?;
        below_archived(tx, drafts)
    }

    fn settle(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        circles(tx, drafts)
    }

    fn follow(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        HISTORY.keep(tx, drafts)?;
        let placed = due(drafts).filter(|draft| draft.sets(|unit| &unit.parent_id));
        ORG_UNITS.refresh(tx, &placed.map(|draft| draft.after.id).collect::<Vec<_>>())?;
        Ok(())
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        touch(tx, drafts)
    }
}

/// A unit to which units that live belong, or people who are not archived, is not archived.
fn in_use(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let archived: Vec<Uuid> = ids(drafts, Draft::archives);
    if archived.is_empty() {
        return Ok(());
    }
    let mut used: Vec<Option<Uuid>> = org_units::table
        .filter(org_units::parent_id.eq_any(&archived))
        .filter(org_units::archived_at.is_null())
        .select(org_units::parent_id)
        .distinct()
        .load(tx.conn)?;
    let by_people: Vec<Option<Uuid>> = users::table
        .filter(users::org_unit_id.eq_any(&archived))
        .filter(users::status.ne("archived"))
        .select(users::org_unit_id)
        .distinct()
        .load(tx.conn)?;
    used.extend(by_people);
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.archives() && used.contains(&Some(draft.after.id)))
    {
        let detail = "Move its people and its units elsewhere first, or archive them.";
        draft.refuse(ApiError::new(Code::OrgUnitNotEmpty, detail));
    }
    Ok(())
}

/// A unit whose parent is archived is not brought back.
fn below_archived(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let restored: Vec<Uuid> = ids(drafts, Draft::restores);
    if restored.is_empty() {
        return Ok(());
    }
    let parents: Vec<Uuid> = drafts.iter().filter_map(|draft| draft.after.parent_id).collect();
    let archived: Vec<Uuid> = org_units::table
        .filter(org_units::id.eq_any(parents))
        .filter(org_units::archived_at.is_not_null())
        .select(org_units::id)
        .load(tx.conn)?;
    let is_below = |draft: &Draft| {
        draft
            .after
            .parent_id
            .is_some_and(|parent| archived.contains(&parent))
    };
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.restores() && is_below(draft))
    {
        draft.refuse(ApiError::new(
            Code::Conflict,
            "The unit above it is archived: bring that back first, or move this one elsewhere.",
        ));
    }
    Ok(())
}

fn ids(drafts: &[Draft], which: fn(&Draft) -> bool) -> Vec<Uuid> {
    let drafts = drafts.iter().filter(|draft| which(draft));
    drafts.map(|draft| draft.after.id).collect()
}

type Units = HashMap<Uuid, ApiResult<Authorized<OrgUnit>>>;

/// Changing what is below a unit needs the permission on that unit; at the top, on everything. What is new in
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
    let units = authz::authorize_all(tx, &Vec::from_iter(named), Permission::OrgUnitsWrite)?;
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
            draft.refuse(move_exceeds_caller());
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

fn move_exceeds_caller() -> ApiError {
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
pub(super) const NO_SUCH_PARENT: &str = "names no org unit that you may see";

/// Refuses units that would stand below themselves, and units whose new parents are refused. Each can cause more of the other, so
/// both are repeated until no more are refused.
fn circles(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    loop {
        while orphans(drafts) {}
        if !ORG_UNITS.refuse_circles(tx, PARENT, drafts)? {
            return Ok(());
        }
    }
}

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
    for draft in without_faults(drafts).filter(is_below) {
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
        let people = people_within(tx, &changed)?;
        facts::follow(tx, people)?;
    }
    Ok(())
}

/// The people of these units and of all below them.
fn people_within(tx: &mut Tx, units: &[Uuid]) -> ApiResult<Vec<Uuid>> {
    let people = users::table
        .inner_join(
            org_unit_closure::table.on(users::org_unit_id.eq(org_unit_closure::descendant_id.nullable())),
        )
        .filter(org_unit_closure::ancestor_id.eq_any(units))
        .distinct()
        .select(users::id)
        .load(tx.conn)?;
    Ok(people)
}
