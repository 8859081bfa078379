//! Who is to be in a group and who is not: the operations of a PATCH about its members become one change, so that a
//! thousand of them are a few statements.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{filter::MEMBERS, store};
use crate::{
    app::Tx,
    authz::Authorized,
    filter::Filter,
    http::{ApiError, ApiResult, Code},
    people::groups::{
        members,
        model::{Group, UpdateGroupMembers},
    },
    scim::patch::{PARTS, Target, Verb},
};

/// Who is to be in a group and who is not.
#[derive(Debug, Default)]
pub struct MemberChanges {
    /// Whether members that are not named here leave the group.
    is_whole: bool,
    added: BTreeSet<Uuid>,
    removed: BTreeSet<Uuid>,
}

impl MemberChanges {
    /// These people and nobody else.
    pub fn of(members: Option<&Value>) -> ApiResult<Self> {
        Ok(MemberChanges {
            is_whole: true,
            added: members.map_or_else(|| Ok(BTreeSet::new()), people)?,
            removed: BTreeSet::new(),
        })
    }

    /// Notes an operation about members.
    pub fn note(
        &mut self,
        tx: &mut Tx,
        group: Uuid,
        verb: Verb,
        target: &Target,
        value: Value,
    ) -> ApiResult<()> {
        if target.part.is_some() {
            return Err(ApiError::new(
                Code::ReadOnly,
                "The parts of members cannot be changed; add people to members, or remove them from it.",
            ));
        }
        if let Some(filter) = &target.filter {
            let named = self.find(tx, group, filter)?;
            return match verb {
                Verb::Remove => {
                    self.remove(named);
                    Ok(())
                }
                Verb::Add | Verb::Replace => Err(ApiError::new(
                    Code::NoTarget,
                    "Members are added by their ids; a filter only takes them away.",
                )),
            };
        }
        // Without a value, or with null, all members are meant; an empty list names nobody.
        let names_people = !value.is_null();
        let value = target.attribute.read(target.attribute.unfold(value))?;
        match (verb, value) {
            (Verb::Add, value) => {
                for person in value.as_ref().map_or_else(|| Ok(BTreeSet::new()), people)? {
                    self.removed.remove(&person);
                    self.added.insert(person);
                }
            }
            (Verb::Remove, Some(named)) => self.remove(known_ids(&named)),
            (Verb::Remove, None) if names_people => {}
            (Verb::Remove, None) => *self = MemberChanges::of(None)?,
            (Verb::Replace, value) => *self = MemberChanges::of(value.as_ref())?,
        }
        Ok(())
    }

    fn remove(&mut self, people: impl IntoIterator<Item = Uuid>) {
        for person in people {
            self.added.remove(&person);
            self.removed.insert(person);
        }
    }

    /// The members that a filter finds, by the changes so far.
    fn find(&self, tx: &mut Tx, group: Uuid, filter: &str) -> ApiResult<Vec<Uuid>> {
        if let Some(named) = named_by(filter) {
            return Ok(named);
        }
        let filter = Filter::parse(filter, &MEMBERS).map_err(|faults| {
            ApiError::new(
                Code::InvalidPath,
                format!("The filter of the path cannot be read: {faults}."),
            )
        })?;
        let condition = filter.to_sql(&tx.filter_clock());
        let added = self.added.iter().copied().collect();
        store::matching(tx, (!self.is_whole).then_some(group), added, condition)
    }

    /// Brings the group's members up to date. What is so already is left alone.
    pub fn apply(self, tx: &mut Tx, group: &Authorized<Group>) -> ApiResult<()> {
        let named = || self.added.union(&self.removed).copied().collect();
        let present = store::present(tx, group.id, (!self.is_whole).then(named))?;
        let present: HashSet<Uuid> = present.into_iter().collect();
        let leaves = |person: &Uuid| match self.is_whole {
            true => !self.added.contains(person),
            false => self.removed.contains(person),
        };
        let mut remove: Vec<Uuid> = present.iter().copied().filter(leaves).collect();
        remove.sort();
        let add: Vec<Uuid> = self
            .added
            .iter()
            .copied()
            .filter(|person| !present.contains(person))
            .collect();
        if add.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let changes = UpdateGroupMembers { add, remove };
        members::change(tx, group, &changes).map_err(|error| by_person(error, &changes))?;
        Ok(())
    }
}

/// The user that `value eq "…"` names; nobody if there is no such id.
fn named_by(filter: &str) -> Option<Vec<Uuid>> {
    let filter = Filter::parse(filter, &PARTS).ok()?;
    match filter.equalities()?.as_slice() {
        [("value", Value::String(id))] => Some(Uuid::parse_str(id).into_iter().collect()),
        _ => None,
    }
}

/// The ids of members; everybody must be a person.
fn people(members: &Value) -> ApiResult<BTreeSet<Uuid>> {
    let fault = |detail: String| Err(ApiError::field("members", detail));
    let mut people = BTreeSet::new();
    for member in members.as_array().into_iter().flatten() {
        if member["type"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("group"))
        {
            return fault("holds a group; groups have people in them only".into());
        }
        match member["value"].as_str().map(Uuid::parse_str) {
            Some(Ok(id)) => people.insert(id),
            Some(Err(_)) => return fault(format!("holds {}, which is nobody's id", member["value"])),
            None => return fault("holds somebody without a value".into()),
        };
    }
    Ok(people)
}

/// The ids that are ids: nobody else can be in the group.
fn known_ids(members: &Value) -> Vec<Uuid> {
    let members = members.as_array().into_iter().flatten();
    members
        .filter_map(|member| Uuid::parse_str(member["value"].as_str()?).ok())
        .collect()
}

/// Faults that name people by their place in the change name them by their ids.
fn by_person(mut error: ApiError, changes: &UpdateGroupMembers) -> ApiError {
    for fault in &mut error.fields {
        let place = fault
            .pointer
            .strip_prefix("/add/")
            .and_then(|place| place.parse::<usize>().ok());
        let id = place.and_then(|place| changes.add.get(place));
        fault.pointer = "members".into();
        fault.detail = format!("{}: {}", json!(id), fault.detail);
    }
    error
}
