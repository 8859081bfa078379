//! What must hold of people before they are written: one statement for each question, whatever the batch size.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{User, UserExtra, UserStatus};
use crate::{
    access::inclusion,
    app::{Tx, Wake},
    authz::Permission,
    filter::{Attribute, Schema},
    http::{ApiError, ApiResult, Code},
    people::{
        attributes::check::Definitions, closure::REPORTING_LINES, events::key_added, external_keys,
        external_keys::model::ExternalKey, facts, groups, locations::model::Location,
        org_units::model::OrgUnit,
    },
    resource::{
        self, Claim, Expansion, Reference, Resource, Unique,
        draft::{due, without_faults},
    },
    sql,
};

type Draft = resource::Draft<User>;

impl Resource for User {
    type Extra = UserExtra;
    const PATH: &'static str = "/v1/users";
    const ATTRIBUTES: &'static [Attribute] = super::filter::ATTRIBUTES;
    const SEARCH: Option<&'static str> = Some("users.search");
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<User>("manager", "manager_id"),
        Expansion::of::<OrgUnit>("org_unit", "org_unit_id"),
        // `location` is HR's word.
        Expansion::of::<Location>("place", "location_id"),
    ];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("username", |user| &user.username)];

    fn filters(tx: &mut Tx) -> ApiResult<Schema> {
        super::filter::schema_for_caller(tx)
    }

    fn complete(&mut self, today: NaiveDate) {
        if self.status == UserStatus::Active && self.activated_on.is_none() {
            self.activated_on = Some(today);
        }
        if let Some(attributes) = self.fields.attributes.as_object_mut() {
            attributes.retain(|_, value| !value.is_null());
        }
    }

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        attributes(tx, drafts)?;
        MANAGER.check(tx, drafts)?;
        ORG_UNIT.check(tx, drafts)?;
        LOCATION.check(tx, drafts)?;
        emails(tx, drafts)?;
        REPORTING_LINES.explain_circles(tx, MANAGER_OF, drafts)
    }

    fn claims(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<Vec<Claim>> {
        keys(tx, drafts)
    }

    fn settle(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        while REPORTING_LINES.refuse_circles(tx, MANAGER_OF, drafts)? {}
        Ok(())
    }

    fn follow(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        let keys = due(drafts).flat_map(|draft| {
            let keys = draft.extra.external_keys.iter().enumerate();
            let keys = keys.filter(|(index, _)| !draft.is_taken(&key_pointer(*index)));
            keys.map(|(_, key)| (draft.after.id, key.clone()))
        });
        external_keys::store::insert(tx, "user", &keys.collect::<Vec<_>>())?;
        if tx.scope(Permission::UsersWrite)?.is_everything() {
            return Ok(());
        }
        // Where people stand in the reporting line says whether they are in the caller's scope.
        let ids: Vec<Uuid> = due(drafts).map(|draft| draft.after.id).collect();
        facts::refresh_reporting_lines(tx, &ids)
    }

    fn confirm(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        let ids = due(drafts).map(|draft| draft.after.id);
        let affected: Vec<Uuid> = ids
            .chain(due(drafts).flat_map(managers_of))
            .chain(tx.changed_users())
            .collect();
        let reached = groups::dynamic::newly_reached(tx, &affected)?;
        match reached.is_empty() {
            true => Ok(()),
            false => refuse_beyond_caller(drafts, &reached),
        }
    }

    fn person(&self) -> Option<Uuid> {
        Some(self.id)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        for draft in due(drafts) {
            let user = draft.after.id;
            for key in &draft.extra.external_keys {
                external_keys::record(tx, &key_added("user"), user, |event| event.after(key));
            }
            tx.touch_users([user]);
            if draft.changes(|user| &user.status) {
                tx.wake(Wake::Caller(user));
            }
        }
        Ok(())
    }
}

/// Those above a person, before and after.
fn managers_of(draft: &Draft) -> impl Iterator<Item = Uuid> + use<> {
    let before = draft.before.as_ref().and_then(|user| user.manager_id);
    before.into_iter().chain(draft.after.manager_id)
}

/// Refuses users that the caller would gain access to, and users whose managers would gain access by the change. If the caller
/// gains access to other users by it, such as users below them, the whole request is refused.
fn refuse_beyond_caller(drafts: &mut [Draft], reached: &HashSet<Uuid>) -> ApiResult<()> {
    let refusal = groups::dynamic::newly_reached_error();
    let mut found = false;
    for draft in without_faults(drafts) {
        let bears_on_managers =
            draft.is_new() || draft.changes(|user| &user.manager_id) || draft.changes(|user| &user.status);
        if reached.contains(&draft.after.id)
            || (bears_on_managers && managers_of(draft).any(|id| reached.contains(&id)))
        {
            draft.refuse(refusal.clone());
            found = true;
        }
    }
    if found { Ok(()) } else { Err(refusal) }
}

fn attributes(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    if drafts.iter().all(|draft| set_attributes(draft).is_empty()) {
        return Ok(());
    }
    let definitions = Definitions::load(tx)?;
    for draft in drafts {
        draft.refuse_faults(definitions.faults(&set_attributes(draft), "/attributes"));
    }
    Ok(())
}

/// The attributes that get a value which was not there.
fn set_attributes(draft: &Draft) -> Map<String, Value> {
    let before = |name: &str| draft.before.as_ref().and_then(|user| user.attributes.get(name));
    let attributes = draft.after.attributes.as_object().into_iter().flatten();
    attributes
        .filter(|(name, value)| before(name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Who gets a user's mail can reset their password, so another address, or none, takes what setting a password takes.
fn emails(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let changing = drafts.iter().filter(|draft| draft.changes(|user| &user.email));
    let changing: Vec<Uuid> = changing.map(|draft| draft.after.id).collect();
    let beyond = beyond_caller(tx, changing)?;
    for draft in drafts.iter_mut().filter(|draft| beyond.contains(&draft.after.id)) {
        draft.refuse(email_beyond_caller());
    }
    Ok(())
}

/// Refuses to give a user an address that could become theirs later, as [`emails`] does for theirs.
pub fn require_to_add_address(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    match beyond_caller(tx, vec![user])?.is_empty() {
        true => Ok(()),
        false => Err(email_beyond_caller()),
    }
}

/// Of these users, those who were granted more than the caller holds. Nobody is beyond themselves.
fn beyond_caller(tx: &mut Tx, mut people: Vec<Uuid>) -> ApiResult<HashSet<Uuid>> {
    let own = tx.caller.person();
    people.retain(|person| Some(*person) != own);
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let powers = inclusion::reaching_those(sql!("SELECT unnest({people})"), tx.now);
    inclusion::holders_beyond_caller(tx, powers)
}

fn email_beyond_caller() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "This person was granted more than you hold, and by another e-mail address you could sign in as them; leave their addresses as they are, or ask somebody who holds as much.",
    )
}

const MANAGER: Reference<User, User> = Reference::new("manager_id", |user| user.manager_id);
const ORG_UNIT: Reference<User, OrgUnit> = Reference::new("org_unit_id", |user| user.org_unit_id);
const MANAGER_OF: fn(&User) -> &Option<Uuid> = |user| &user.manager_id;
const LOCATION: Reference<User, Location> = Reference::new("location_id", |user| user.location_id);

/// No two people have the same key of the same source.
fn keys(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<Vec<Claim>> {
    let given = drafts.iter().enumerate().flat_map(|(place, draft)| {
        let keys = draft.extra.external_keys.iter().enumerate();
        keys.map(move |(index, key)| (place, key_pointer(index), key.clone()))
    });
    let given: Vec<_> = given.collect();
    let keys: Vec<ExternalKey> = given.iter().map(|(.., key)| key.clone()).collect();
    let found = external_keys::store::find(tx, "user", &keys)?;
    let known: HashSet<ExternalKey> = found.into_iter().map(|(key, _)| key).collect();
    let claims = given.into_iter().map(|(draft, pointer, key)| Claim {
        draft,
        pointer,
        is_taken: known.contains(&key),
        value: json!([key.source, key.key]).to_string(),
    });
    Ok(claims.collect())
}

fn key_pointer(index: usize) -> String {
    format!("/external_keys/{index}")
}
