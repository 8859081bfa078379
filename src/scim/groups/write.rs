//! Adding, changing and deleting groups as SCIM has it. All of it comes down to [`groups::write`] and
//! [`groups::members`].

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    member_changes::MemberChanges,
    record::{Record, check},
    store,
};
use crate::{
    app::Tx,
    authz::{self, Authorized, Permission},
    http::{ApiError, ApiResult, IfMatch, Ref, body},
    people::groups::model::{CreateGroup, Group, UpdateGroup},
    resource::{Change, write},
    scim::{
        call::Client,
        patch::{self, Operation, Path},
        schema::{GROUP, Resource, text_at},
        users::identity,
    },
};

/// Adds a group. Its code is its name, with something behind it where another has that.
pub fn create(tx: &mut Tx, client: &Client, body: &Value) -> ApiResult<Record> {
    tx.require(Permission::GroupsWrite)?;
    let resource = GROUP.read(body.clone())?;
    let name = name(tx, &resource, None)?;
    let mut fields = Map::new();
    fields.insert("code".into(), code(tx, &name)?.into());
    fields.insert("name".into(), name.into());
    let new: CreateGroup = body::read_value(&mut Value::Object(fields)).map_err(in_scim)?;
    let group = write::one(tx, Change::create(new)).map_err(in_scim)?;
    let group = authz::authorize(tx, &Ref::from(group.id), Permission::GroupsWrite)?;
    let key = identity::key(client, &resource)?;
    identity::set_key(tx, client, &group, None, key).map_err(in_scim)?;
    MemberChanges::of(resource.get("members"))?.apply(tx, &group)?;
    store::authorized(tx, client, group.id)
}

/// Puts a whole resource in the place of a group.
pub fn replace(
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    known: Option<&IfMatch>,
    body: &Value,
) -> ApiResult<Record> {
    let (group, record) = authorize(tx, client, id, known)?;
    let resource = GROUP.read(body.clone())?;
    let changes = MemberChanges::of(resource.get("members"))?;
    change(tx, client, group, &record, &resource, changes)
}

/// Does the operations of a PATCH.
pub fn update(
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    known: Option<&IfMatch>,
    body: &Value,
) -> ApiResult<Record> {
    let (group, record) = authorize(tx, client, id, known)?;
    let (operations, others) = patch::read(&GROUP, body.clone())?;
    let mut changes = MemberChanges::default();
    let mut rest = Vec::new();
    for operation in operations {
        match operation {
            Operation {
                verb,
                path: Path::Attribute(target),
                value,
            } if target.attribute.name == "members" => changes.note(tx, id, verb, &target, value)?,
            operation => rest.push(operation),
        }
    }
    let resource = patch::apply(&GROUP, record.resource(), (rest, others))?;
    change(tx, client, group, &record, &resource, changes)
}

/// Archives a group: all its memberships end, and no client calls it anything any more.
pub fn delete(tx: &mut Tx, client: &Client, id: Uuid, known: Option<&IfMatch>) -> ApiResult<()> {
    let (group, _) = authorize(tx, client, id, known)?;
    write::one(tx, Change::Archive(group)).map(drop)
}

fn authorize(
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    known: Option<&IfMatch>,
) -> ApiResult<(Authorized<Group>, Record)> {
    let group = authz::authorize(tx, &Ref::from(id), Permission::GroupsWrite)?;
    let record = store::authorized(tx, client, id)?;
    if let Some(known) = known {
        check(known, &group, || {
            Ok(store::members(tx, &[id])?.remove(&id).unwrap_or_default())
        })?;
    }
    Ok((group, record))
}

fn change(
    tx: &mut Tx,
    client: &Client,
    group: Authorized<Group>,
    record: &Record,
    resource: &Resource,
    changes: MemberChanges,
) -> ApiResult<Record> {
    let id = group.id;
    let name = name(tx, resource, Some(&group))?;
    let key = identity::key(client, resource)?;
    identity::set_key(tx, client, &group, record.external_id.as_deref(), key).map_err(in_scim)?;
    changes.apply(tx, &group)?;
    if name != group.name {
        let fields = Map::from_iter([("name".to_owned(), Value::String(name))]);
        let changes: UpdateGroup = body::read_value(&mut Value::Object(fields)).map_err(in_scim)?;
        write::one(tx, Change::Update(group, changes)).map_err(in_scim)?;
    }
    store::authorized(tx, client, id)
}

/// The name that a resource gives; refused if another group has it.
fn name(tx: &mut Tx, resource: &Resource, group: Option<&Group>) -> ApiResult<String> {
    let name = text_at(resource, &["displayName"])
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ApiError::field("displayName", "is required"))?;
    let is_new = group.is_none_or(|group| group.name != name);
    if is_new && store::is_taken(tx, name, group.map(|group| group.id))? {
        return Err(ApiError::taken("displayName"));
    }
    Ok(name.to_owned())
}

const LONGEST_CODE: usize = 100;

/// A code that no group has, out of a name. It stays when the name changes, since filters name groups by code.
fn code(tx: &mut Tx, name: &str) -> ApiResult<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let code: String = words.join(" ").chars().take(LONGEST_CODE).collect();
    let code = code.trim_end().to_owned();
    if !store::is_code_taken(tx, &code)? {
        return Ok(code);
    }
    let own = Uuid::now_v7().to_string();
    let short: String = code.chars().take(LONGEST_CODE - own.len() - 1).collect();
    Ok(format!("{short}-{own}"))
}

/// Faults by the names that SCIM has for the fields.
fn in_scim(mut error: ApiError) -> ApiError {
    for fault in &mut error.fields {
        fault.pointer = match fault.pointer.as_str() {
            "/key" => "externalId".into(),
            "/name" | "/code" => "displayName".into(),
            other => other.to_owned(),
        };
    }
    error
}
