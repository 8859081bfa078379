//! Who a person is to a client: its external id, and those of its people who come back after it deleted them.

use uuid::Uuid;

use super::store;
use crate::{
    app::Tx,
    authz::{self, Authorized, Permission},
    http::{ApiError, ApiResult, Ref, bulk::first},
    people::{
        external_keys::{
            HasId,
            model::ExternalKey,
            write::{self as keys, KeyChange},
        },
        users::model::User,
    },
    resource::{Change, write},
    scim::{
        call::Client,
        schema::{EXTERNAL_ID, Resource, text_at},
    },
    text,
};

const LONGEST: usize = 200;

/// The external key that a resource gives its thing.
pub fn key(client: &Client, resource: &Resource) -> ApiResult<Option<ExternalKey>> {
    let Some(id) = text_at(resource, &[EXTERNAL_ID.name]) else {
        return Ok(None);
    };
    if id.chars().count() > LONGEST {
        let detail = format!("must have at most {LONGEST} characters");
        return Err(ApiError::field(EXTERNAL_ID.name, detail));
    }
    if text::shows_nothing(id) {
        return Err(ApiError::field(EXTERNAL_ID.name, "must show something"));
    }
    Ok(Some(ExternalKey {
        source: client.source.clone(),
        key: id.to_owned(),
    }))
}

/// Has the client call a thing by that key and no other; answers whether that is new.
pub fn set_key<T: authz::Protected + HasId>(
    tx: &mut Tx,
    client: &Client,
    thing: &Authorized<T>,
    before: Option<&str>,
    key: Option<ExternalKey>,
) -> ApiResult<bool> {
    if before == key.as_ref().map(|key| key.key.as_str()) {
        return Ok(false);
    }
    let before = before.map(|before| ExternalKey {
        source: client.source.clone(),
        key: before.to_owned(),
    });
    let changes = before
        .map(KeyChange::Remove)
        .into_iter()
        .chain(key.map(KeyChange::Add));
    let changes: Vec<_> = changes.map(|change| (thing, change)).collect();
    for outcome in keys::apply(tx, &changes)? {
        first(vec![outcome])?;
    }
    Ok(true)
}

/// The deleted user who comes back as the new one: the user that this client calls by the same external
/// id, or, where neither has one, the user that this client deleted under the same name. Another deleted user of that name
/// loses it: names are used again, and people are not.
pub fn returning(
    tx: &mut Tx,
    client: &Client,
    username: &str,
    external_id: Option<&str>,
) -> ApiResult<Option<Authorized<User>>> {
    let deleted = store::deleted(tx, client, username, external_id)?;
    let is_same = |one: &&store::Deleted| match (one.external_id.as_deref(), external_id) {
        (Some(known), Some(given)) => known == given,
        (None, None) => one.is_own,
        _ => false,
    };
    let same = deleted.iter().find(is_same).map(|one| one.id);
    for other in deleted.iter().filter(|one| Some(one.id) != same) {
        release_username(tx, other)?;
    }
    let Some(same) = same else { return Ok(None) };
    // A user outside the caller's scope does not come back; the name is taken then.
    Ok(authz::authorize(tx, &Ref::from(same), Permission::UsersWrite).ok())
}

fn release_username(tx: &mut Tx, other: &store::Deleted) -> ApiResult<()> {
    let Ok(user) = authz::authorize::<User>(tx, &Ref::from(other.id), Permission::UsersWrite) else {
        return Ok(());
    };
    let name: String = other
        .username
        .chars()
        .take(LONGEST - Uuid::nil().to_string().len() - 1)
        .collect();
    let name = format!("{name}~{}", other.id);
    write::one(tx, Change::edit(user, |user| user.username = name)).map(drop)
}
