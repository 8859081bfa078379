//! Giving things external keys and taking them away, one or a thousand by the same few statements.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{HasId, kind, model::ExternalKey, record, store};
use crate::{
    access::inclusion,
    app::Tx,
    authz::{Authorized, Protected},
    http::{ApiError, ApiResult, Code, bulk::Outcome, bulk::Outcomes},
    people::events::{key_added, key_removed},
    sql,
};

/// What is to become of a key of a thing.
#[derive(Debug, Clone)]
pub enum KeyChange {
    /// The thing has it from now on.
    Add(ExternalKey),
    /// The thing has it no longer.
    Remove(ExternalKey),
}

impl KeyChange {
    fn key(&self) -> &ExternalKey {
        match self {
            KeyChange::Add(key) | KeyChange::Remove(key) => key,
        }
    }
}

/// Which thing each key names.
type Owners = HashMap<ExternalKey, Uuid>;

/// Makes the changes in their order, so that a key that one thing loses can be given to another: each by itself is made
/// or refused. Adding what is there changes nothing.
pub fn apply<T: Protected + HasId>(
    tx: &mut Tx,
    changes: &[(&Authorized<T>, KeyChange)],
) -> ApiResult<Outcomes<ExternalKey>> {
    let keys = changes.iter().map(|(_, change)| change.key().clone());
    let before: Owners = store::find(tx, kind::<T>()?, &keys.collect::<Vec<_>>())?
        .into_iter()
        .collect();
    let mut owners = before.clone();
    let beyond = beyond(tx, changes)?;
    let mut outcomes = Vec::new();
    for (thing, change) in changes {
        let outcome = match change {
            KeyChange::Add(key) if beyond.contains(&(thing.id(), key)) => Err(signs_in()),
            change => make(&mut owners, thing.id(), change),
        };
        announce::<T>(tx, thing.id(), change, &outcome)?;
        outcomes.push(outcome);
    }
    store::delete(tx, kind::<T>()?, &missing(&before, &owners))?;
    store::insert(tx, kind::<T>()?, &missing(&owners, &before))?;
    Ok(outcomes)
}

/// Takes from a thing whatever SCIM clients call it, so that they may call another thing that.
pub fn remove_those_of_clients<T: Protected>(tx: &mut Tx, things: &[Uuid]) -> ApiResult<()> {
    let kind = kind::<T>()?;
    if things.is_empty() {
        return Ok(());
    }
    for (thing, key) in store::delete_of_clients(tx, kind, things)? {
        record(tx, &key_removed(kind), thing, |event| event.before(&key));
    }
    Ok(())
}

/// The keys that the caller may not give: where a provider finds users by keys of this source, the holder of the key can sign
/// in, so giving one needs the same permissions as setting a password.
fn beyond<'a, T: Protected + HasId>(
    tx: &mut Tx,
    changes: &'a [(&Authorized<T>, KeyChange)],
) -> ApiResult<HashSet<(Uuid, &'a ExternalKey)>> {
    if kind::<T>()? != "user" {
        return Ok(HashSet::new());
    }
    let added = changes.iter().filter_map(|(thing, change)| match change {
        KeyChange::Add(key) => Some((thing.id(), key)),
        KeyChange::Remove(_) => None,
    });
    let mut added: HashSet<_> = added.collect();
    let sources = store::sources_of_sign_ins(tx)?;
    added.retain(|(_, key)| sources.contains(&key.source));
    if added.is_empty() {
        return Ok(added);
    }
    let people: Vec<Uuid> = added.iter().map(|(person, _)| *person).collect();
    let powers = inclusion::reaching_those(sql!("SELECT unnest({people})"), tx.now);
    let beyond = inclusion::holders_beyond_caller(tx, powers)?;
    added.retain(|(person, _)| beyond.contains(person));
    Ok(added)
}

fn signs_in() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "People sign in by keys of this source, and this person was granted more than you hold; leave it, or ask somebody who holds as much.",
    )
}

fn make(owners: &mut Owners, thing: Uuid, change: &KeyChange) -> ApiResult<Outcome<ExternalKey>> {
    let owner = owners.get(change.key()).copied();
    match change {
        KeyChange::Add(_) if owner.is_some_and(|owner| owner != thing) => Err(ApiError::taken("/key")),
        KeyChange::Add(key) => Ok(match owners.insert(key.clone(), thing) {
            Some(_) => Outcome::Present(key.clone()),
            None => Outcome::Created(key.clone()),
        }),
        KeyChange::Remove(_) if owner != Some(thing) => Err(ApiError::not_found("external key")),
        KeyChange::Remove(key) => {
            owners.remove(key);
            Ok(Outcome::Removed)
        }
    }
}

fn announce<T: Protected>(
    tx: &mut Tx,
    thing: Uuid,
    change: &KeyChange,
    outcome: &ApiResult<Outcome<ExternalKey>>,
) -> ApiResult<()> {
    match (outcome, change) {
        (Ok(Outcome::Created(key)), _) => {
            record(tx, &key_added(kind::<T>()?), thing, |event| event.after(key))
        }
        (Ok(Outcome::Removed), KeyChange::Remove(key)) => {
            record(tx, &key_removed(kind::<T>()?), thing, |event| event.before(key));
        }
        _ => {}
    }
    Ok(())
}

/// What `some` says and `others` do not.
fn missing(some: &Owners, others: &Owners) -> Vec<(Uuid, ExternalKey)> {
    let missing = some.iter().filter(|(key, owner)| others.get(key) != Some(owner));
    missing.map(|(key, owner)| (*owner, key.clone())).collect()
}
