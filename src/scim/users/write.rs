//! Adding, changing and deleting people as SCIM has it. All of it comes down to [`write::one`].

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    identity,
    mapped::{self, CUSTOM, scim_name},
    record::Record,
    said, store,
};
use crate::{
    app::Tx,
    authz::{self, Authorized, Permission},
    http::{ApiError, ApiResult, IfMatch, Ref, body},
    ledger::Event,
    people::{
        attributes::check::Definitions,
        users::{
            self,
            model::{CreateUser, UpdateUser, User, UserStatus},
        },
    },
    resource::{Change, write},
    scim::{
        call::Client,
        events, patch,
        schema::{ENTERPRISE_USER, Resource, USER, text_at},
    },
};

/// Adds a person, or restores a person who was deleted.
pub fn create(tx: &mut Tx, client: &Client, body: &Value) -> ApiResult<Record> {
    tx.require(Permission::UsersWrite)?;
    let mut resource = USER.read(body.clone())?;
    let username = username(&resource)?;
    let key = identity::key(client, &resource)?;
    let external_id = key.as_ref().map(|key| key.key.as_str());
    if let Some(user) = identity::returning(tx, client, username, external_id)? {
        return come_back(tx, client, user, resource);
    }
    let mut fields = mapped::fields(&resource);
    resolve(tx, None, &Resource::new(), &resource, &mut fields)?;
    if resource.get("active") == Some(&Value::Bool(false)) {
        fields.insert("status".into(), UserStatus::Suspended.as_str().into());
    }
    let mut new: CreateUser = body::read_value(&mut Value::Object(fields)).map_err(in_scim)?;
    new.extra.external_keys = key.into_iter().collect();
    let user = write::one(tx, Change::create(new)).map_err(in_scim)?;
    let record = store::authorized(tx, client, user.id)?;
    said::in_v1_names(&record, &Resource::new(), &mut resource);
    store_resource(tx, user.id, &Resource::new(), resource)?;
    store::authorized(tx, client, user.id)
}

/// The same person as before: what they did stays theirs.
fn come_back(
    tx: &mut Tx,
    client: &Client,
    user: Authorized<User>,
    mut resource: Resource,
) -> ApiResult<Record> {
    store::recall(tx, user.id)?;
    let record = store::authorized(tx, client, user.id)?;
    resource.entry("active").or_insert(Value::Bool(true));
    replace_by(tx, client, user, &record, resource)
}

/// Puts a whole resource in the place of a person's. What SCIM said before and says no longer is emptied where it is still
/// so; what came another way, such as by an import, stays.
pub fn replace(
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    known: Option<&IfMatch>,
    body: &Value,
) -> ApiResult<Record> {
    let (user, record) = authorize(tx, client, id, known)?;
    let mut resource = USER.read(body.clone())?;
    let active = record.user.status == UserStatus::Active;
    resource.entry("active").or_insert(Value::Bool(active));
    replace_by(tx, client, user, &record, resource)
}

fn replace_by(
    tx: &mut Tx,
    client: &Client,
    user: Authorized<User>,
    record: &Record,
    resource: Resource,
) -> ApiResult<Record> {
    let said = resource.clone();
    change(tx, client, user, record, &record.said(), resource, said)
}

/// Does the operations of a PATCH. Only what they name becomes the client's word.
pub fn update(
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    known: Option<&IfMatch>,
    body: &Value,
) -> ApiResult<Record> {
    let (user, record) = authorize(tx, client, id, known)?;
    let before = record.resource();
    let patch = patch::read(&USER, body.clone())?;
    let mut resource = patch::apply(&USER, before.clone(), patch.clone())?;
    let said = said::after_patch(&record, patch)?;
    // Without a preferred language the locale counts, also where the row's is shown as a preferred one.
    if said.get("preferredLanguage").is_none() && said.get("locale") != record.said().get("locale") {
        resource.remove("preferredLanguage");
    }
    change(tx, client, user, &record, &before, resource, said)
}

/// Archives a person. SCIM does not show them from then on.
pub fn delete(tx: &mut Tx, client: &Client, id: Uuid, known: Option<&IfMatch>) -> ApiResult<()> {
    let (user, _) = authorize(tx, client, id, known)?;
    if user.status != UserStatus::Archived {
        let archived = Change::edit(user, |user| user.status = UserStatus::Archived);
        write::one(tx, archived).map_err(in_scim)?;
    }
    store::forget(tx, client, id)?;
    tx.record(Event::new(&events::USER_DELETED, id).about(id));
    Ok(())
}

fn authorize(
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    known: Option<&IfMatch>,
) -> ApiResult<(Authorized<User>, Record)> {
    let user = authz::authorize(tx, &Ref::from(id), Permission::UsersWrite)?;
    let record = store::authorized(tx, client, id)?;
    if let Some(known) = known {
        known.check(&record)?;
    }
    Ok((user, record))
}

/// Brings a person from what was so `before` to `resource`, and keeps what was `said`.
fn change(
    tx: &mut Tx,
    client: &Client,
    user: Authorized<User>,
    record: &Record,
    before: &Resource,
    resource: Resource,
    said: Resource,
) -> ApiResult<Record> {
    username(&resource)?;
    let id = user.id;
    let mut fields = mapped::changes(record, before, &resource);
    resolve(tx, Some(record), before, &resource, &mut fields)?;
    let active = resource.get("active").and_then(Value::as_bool);
    if let Some(status) = active.and_then(|active| next_status(record.user.status, active)) {
        fields.insert("status".into(), status.as_str().into());
    }
    let key = identity::key(client, &resource)?;
    let has_new_key =
        identity::set_key(tx, client, &user, record.external_id.as_deref(), key).map_err(in_scim)?;
    let mut said = kept(said);
    // Each address that is said could become the person's own, when the one before it goes.
    let known = record.said();
    let is_new = |address: &str| {
        mapped::addresses(&known).all(|known| known != address)
            && record.user.email.as_deref() != Some(address)
    };
    if mapped::addresses(&said).any(is_new) {
        users::check::require_to_add_address(tx, id)?;
    }
    if !fields.is_empty() {
        let changes: UpdateUser = body::read_value(&mut Value::Object(fields)).map_err(in_scim)?;
        write::one(tx, Change::Update(user, changes)).map_err(in_scim)?;
        let record = store::authorized(tx, client, id)?;
        said::in_v1_names(&record, &record.said(), &mut said);
    }
    let before = record.said();
    if has_new_key || said != before || record.said.is_none() {
        store_resource(tx, id, &before, said)?;
    }
    store::authorized(tx, client, id)
}

/// The new status of a user by SCIM's `active`; none if it stays. False suspends; true makes active, from any other status.
fn next_status(status: UserStatus, active: bool) -> Option<UserStatus> {
    match (status, active) {
        (UserStatus::Active, false) => Some(UserStatus::Suspended),
        (UserStatus::Invited | UserStatus::Suspended | UserStatus::Archived, true) => {
            Some(UserStatus::Active)
        }
        _ => None,
    }
}

/// What is kept of a resource: the external id has a place of its own, by client, and the row says who is active.
fn kept(mut resource: Resource) -> Resource {
    resource.remove("externalId");
    resource.remove("active");
    resource
}

/// Keeps what was said; the ledger tells of what has no home, since the rest is told by the person's own event.
fn store_resource(tx: &mut Tx, id: Uuid, before: &Resource, resource: Resource) -> ApiResult<()> {
    let resource = kept(resource);
    let (before, after) = (mapped::homeless(before), mapped::homeless(&resource));
    store::upsert(tx, id, &Value::Object(resource))?;
    if before != after {
        let event = Event::new(&events::USER_UPDATED, id).about(id);
        tx.record(event.before(&before).after(&after));
    }
    Ok(())
}

fn username(resource: &Resource) -> ApiResult<&str> {
    text_at(resource, &["userName"]).ok_or_else(|| ApiError::field("userName", "is required"))
}

/// Puts into `fields` what needs a look at the database: the org unit by its code, and custom attributes that are defined.
fn resolve(
    tx: &mut Tx,
    record: Option<&Record>,
    before: &Resource,
    resource: &Resource,
    fields: &mut Map<String, Value>,
) -> ApiResult<()> {
    if let Some(Value::String(code)) = fields.get("org_unit_id") {
        let unit = store::org_unit(tx, code)?
            .ok_or_else(|| ApiError::field("orgUnit", "names no unit that you may see"))?;
        fields.insert("org_unit_id".into(), unit.to_string().into());
    }
    let at = |resource: &Resource, name: &str| text_at(resource, &[ENTERPRISE_USER, name]).map(str::to_owned);
    let is_about = |name: &str| at(resource, name).is_some() || at(before, name).is_some();
    if !CUSTOM.iter().any(|(name, _)| is_about(name)) {
        return Ok(());
    }
    let definitions = Definitions::load(tx)?;
    let mut attributes = Map::new();
    for (name, attribute) in CUSTOM
        .into_iter()
        .filter(|(_, attribute)| definitions.is_text(attribute))
    {
        let stored = record.and_then(|record| record.user.attributes[attribute].as_str());
        match at(resource, name) {
            Some(text) if stored != Some(text.as_str()) => {
                attributes.insert(attribute.to_owned(), text.into());
            }
            None if stored.is_some() && at(before, name).as_deref() == stored => {
                attributes.insert(attribute.to_owned(), Value::Null);
            }
            _ => {}
        }
    }
    if !attributes.is_empty() {
        fields.insert("attributes".into(), attributes.into());
    }
    Ok(())
}

/// Faults by the names that SCIM has for the fields.
fn in_scim(mut error: ApiError) -> ApiError {
    for fault in &mut error.fields {
        fault.pointer = scim_name(&fault.pointer);
    }
    error
}
