//! Adding and changing people, one or a thousand by the same few statements.
//!
//! Called by the routes, bulk requests and commands. What follows from the rows is kept by
//! [`crate::people::facts`] before the transaction commits.

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    check,
    model::{CreateUser, UpdateUser, User},
};
use crate::{
    access::{self, Authorized, Permission, bulk::one, lacks},
    app::{Tx, Wake},
    http::{ApiResult, bulk::Outcomes},
    people::{
        draft::{self, due},
        external_keys::{self, model::ExternalKey},
        facts, groups,
    },
};

/// What is to become of a person.
pub type Change = access::bulk::Change<User, CreateUser, UpdateUser>;

/// A person between the request and the database.
pub(super) type Draft = draft::Draft<User, Given>;

/// What the request says of a person beside their row.
#[derive(Debug)]
pub(super) struct Given {
    /// The attributes that the request named.
    pub attributes: Map<String, Value>,
    /// The keys that a new person is to have.
    pub external_keys: Vec<ExternalKey>,
}

fn draft(tx: &Tx, change: Change) -> Draft {
    match change {
        Change::Create(id, new) => {
            let given = Given {
                attributes: new.attributes.clone(),
                external_keys: new.external_keys.clone(),
            };
            Draft::new(None, new.into_user(id, tx.now), given)
        }
        Change::Update(update) => {
            let (before, changes) = *update;
            let before = before.into_inner();
            let given = Given {
                attributes: changes.attributes.clone().unwrap_or_default(),
                external_keys: Vec::new(),
            };
            Draft::new(Some(before.clone()), changes.apply_to(before, tx.now), given)
        }
    }
}

/// Adds a person.
pub fn create(tx: &mut Tx, new: CreateUser) -> ApiResult<User> {
    one(apply(tx, vec![Change::create(new)])?)
}

/// Changes a person.
pub fn update(tx: &mut Tx, user: Authorized<User>, changes: UpdateUser) -> ApiResult<User> {
    one(apply(tx, vec![Change::update(user, changes)])?)
}

/// Writes people: each by itself is written or refused. What does not change is left alone.
pub fn apply(tx: &mut Tx, changes: Vec<Change>) -> ApiResult<Outcomes<User>> {
    tx.require(Permission::UsersWrite)?;
    let mut drafts: Vec<Draft> = changes.into_iter().map(|change| draft(tx, change)).collect();
    check::all(tx, &mut drafts)?;
    draft::step(tx, &mut drafts);
    save_within_scope(tx, &mut drafts)?;
    due(&drafts).for_each(|draft| announce(tx, draft));
    Ok(draft::outcomes(drafts))
}

/// Saves, and takes back whatever turns out to be outside the caller's scope once the reporting line is known.
fn save_within_scope(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    if tx.scope(Permission::UsersWrite)?.is_everything() {
        return save(tx, drafts);
    }
    loop {
        tx.conn.batch_execute("SAVEPOINT people")?;
        save(tx, drafts)?;
        let ids: Vec<Uuid> = due(drafts).map(|draft| draft.after.id).collect();
        facts::keep_lines(tx, &ids)?;
        let outside = access::outside::<User>(tx, &ids, Permission::UsersWrite)?;
        let managers = due(drafts).flat_map(managers);
        let affected: Vec<Uuid> = tx
            .changed_users()
            .into_iter()
            .chain(ids)
            .chain(managers)
            .collect();
        let reached = groups::dynamic::newly_reached(tx, &affected)?;
        if outside.is_empty() && reached.is_empty() {
            tx.conn.batch_execute("RELEASE SAVEPOINT people")?;
            return Ok(());
        }
        tx.conn.batch_execute("ROLLBACK TO SAVEPOINT people")?;
        if !reached.is_empty() {
            refuse_reached(drafts, &reached)?;
        }
        for draft in drafts
            .iter_mut()
            .filter(|draft| outside.contains(&draft.after.id))
        {
            draft.refuse(lacks(Permission::UsersWrite));
        }
    }
}

/// Those above a person, before and after.
fn managers(draft: &Draft) -> impl Iterator<Item = Uuid> + use<> {
    let before = draft.before.as_ref().and_then(|user| user.manager_id);
    before.into_iter().chain(draft.after.manager_id)
}

/// Refuses those whom the caller would come to reach, and those by whom they would reach their managers. Where it is
/// others, such as those who stand below them, nobody is written.
fn refuse_reached(drafts: &mut [Draft], reached: &HashSet<Uuid>) -> ApiResult<()> {
    let refusal = groups::dynamic::comes_within_reach();
    let mut found = false;
    for draft in draft::standing(drafts) {
        let bears_on_managers = draft.before.is_none()
            || draft.changes(|user| &user.manager_id)
            || draft.changes(|user| &user.status);
        if reached.contains(&draft.after.id)
            || (bears_on_managers && managers(draft).any(|id| reached.contains(&id)))
        {
            draft.refuse(refusal.clone());
            found = true;
        }
    }
    if found { Ok(()) } else { Err(refusal) }
}

fn save(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
    draft::save(tx, drafts)?;
    let keys: Vec<_> = due(drafts)
        .flat_map(|draft| {
            let keys = draft.extra.external_keys.iter();
            keys.map(|key| (draft.after.id, key.clone()))
        })
        .collect();
    external_keys::store::insert(tx, "user", &keys)
}

fn announce(tx: &mut Tx, draft: &Draft) {
    let user = &draft.after;
    tx.record(draft.event().about(user.id));
    for key in &draft.extra.external_keys {
        external_keys::record(tx, "external_key.added", "user", user.id, |event| {
            event.after(key)
        });
    }
    tx.touch_users([user.id]);
    if draft.changes(|user| &user.status) {
        tx.wake(Wake::Caller(user.id));
    }
}
