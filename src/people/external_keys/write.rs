//! Giving things external keys and taking them away, one or a thousand by the same few statements.

use std::collections::HashMap;

use uuid::Uuid;

use super::{HasId, kind, model::ExternalKey, record, store};
use crate::{
    access::{Authorized, Protected},
    app::Tx,
    http::{ApiError, ApiResult, FieldError, bulk::Outcome, bulk::Outcomes},
};

/// What is to become of a key of a thing.
#[derive(Debug, Clone)]
pub enum KeyChange {
    /// The thing has it from now on.
    Add(ExternalKey),
    /// The thing has it no longer.
    Remove(ExternalKey),
    /// Nothing, on account of these faults: what was asked for is only looked at.
    Refuse(Box<KeyChange>, Vec<FieldError>),
}

impl KeyChange {
    fn key(&self) -> &ExternalKey {
        match self {
            KeyChange::Add(key) | KeyChange::Remove(key) => key,
            KeyChange::Refuse(wish, _) => wish.key(),
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
    let mut outcomes = Vec::new();
    for (thing, change) in changes {
        let outcome = make(&mut owners, thing.id(), change);
        announce::<T>(tx, thing.id(), change, &outcome)?;
        outcomes.push(outcome);
    }
    store::delete(tx, kind::<T>()?, &missing(&before, &owners))?;
    store::insert(tx, kind::<T>()?, &missing(&owners, &before))?;
    Ok(outcomes)
}

fn make(owners: &mut Owners, thing: Uuid, change: &KeyChange) -> ApiResult<Outcome<ExternalKey>> {
    let checked = check(owners, thing, change);
    match change {
        KeyChange::Add(key) => {
            checked?;
            Ok(match owners.insert(key.clone(), thing) {
                Some(_) => Outcome::Present(key.clone()),
                None => Outcome::Created(key.clone()),
            })
        }
        KeyChange::Remove(key) => {
            checked?;
            owners.remove(key);
            Ok(Outcome::Removed)
        }
        KeyChange::Refuse(wish, faults) => {
            let faults = ApiError::invalid(faults.clone());
            Err(match check(owners, thing, wish) {
                Err(error) if error.is_of_fields() => faults.and(error),
                _ => faults,
            })
        }
    }
}

fn check(owners: &Owners, thing: Uuid, change: &KeyChange) -> ApiResult<()> {
    match (change, owners.get(change.key())) {
        (KeyChange::Add(_), Some(owner)) if *owner != thing => {
            let mut taken = ApiError::taken("/key");
            let fields = taken.fields.into_iter().map(|field| field.beside(["/source"]));
            taken.fields = fields.collect();
            Err(taken)
        }
        (KeyChange::Remove(_), owner) if owner != Some(&thing) => Err(ApiError::not_found("external key")),
        _ => Ok(()),
    }
}

fn announce<T: Protected>(
    tx: &mut Tx,
    thing: Uuid,
    change: &KeyChange,
    outcome: &ApiResult<Outcome<ExternalKey>>,
) -> ApiResult<()> {
    match (outcome, change) {
        (Ok(Outcome::Created(key)), _) => record(tx, "external_key.added", kind::<T>()?, thing, |event| {
            event.after(key)
        }),
        (Ok(Outcome::Removed), KeyChange::Remove(key)) => {
            record(tx, "external_key.removed", kind::<T>()?, thing, |event| {
                event.before(key)
            });
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
