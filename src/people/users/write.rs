//! Adding and changing people, one or a thousand by the same few statements.
//!
//! Called by the routes, bulk requests and commands. What follows from the rows is kept by
//! [`crate::people::facts`] before the transaction commits.

use diesel::connection::SimpleConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    check,
    model::{CreateUser, UpdateUser, User},
    store,
};
use crate::{
    access::{self, Authorized, Permission, caller::lacks},
    app::{Tx, Wake},
    http::{ApiError, ApiResult, FieldError},
    ledger::Event,
    people::{
        external_keys::{self, model::ExternalKey},
        facts,
    },
};

/// What is to become of a person.
#[derive(Debug)]
pub enum Change {
    /// They are added.
    Create(Box<CreateUser>),
    /// They are changed.
    Update(Box<(Authorized<User>, UpdateUser)>),
}

/// A person who was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// As they are now.
    pub user: User,
    /// Whether they were added.
    pub is_new: bool,
}

/// A person between the request and the database.
pub(super) struct Draft {
    pub before: Option<User>,
    pub after: User,
    /// The attributes that the request named.
    pub attributes: Map<String, Value>,
    pub external_keys: Vec<ExternalKey>,
    pub faults: Vec<FieldError>,
    pub refused: Option<ApiError>,
}

impl Draft {
    fn new(tx: &Tx, change: Change) -> Self {
        match change {
            Change::Create(new) => Draft {
                before: None,
                attributes: new.attributes.clone(),
                external_keys: new.external_keys.clone(),
                after: new.into_user(Uuid::now_v7(), tx.now),
                faults: Vec::new(),
                refused: None,
            },
            Change::Update(update) => {
                let (before, changes) = *update;
                let before = before.into_inner();
                Draft {
                    attributes: changes.attributes.clone().unwrap_or_default(),
                    external_keys: Vec::new(),
                    after: changes.apply_to(before.clone(), tx.now),
                    before: Some(before),
                    faults: Vec::new(),
                    refused: None,
                }
            }
        }
    }

    /// Whether the request gives `field` a value that was not there.
    pub fn sets<T: PartialEq>(&self, field: impl Fn(&User) -> &T) -> bool {
        self.before
            .as_ref()
            .is_none_or(|before| field(before) != field(&self.after))
    }

    /// Whether there is something to be written.
    fn is_due(&self) -> bool {
        self.refused.is_none() && self.before.as_ref() != Some(&self.after)
    }
}

/// Adds a person.
pub fn create(tx: &mut Tx, new: CreateUser) -> ApiResult<User> {
    one(apply(tx, vec![Change::Create(Box::new(new))])?)
}

/// Changes a person.
pub fn update(tx: &mut Tx, user: Authorized<User>, changes: UpdateUser) -> ApiResult<User> {
    one(apply(tx, vec![Change::Update(Box::new((user, changes)))])?)
}

fn one(written: Vec<ApiResult<Written>>) -> ApiResult<User> {
    let written = written
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::internal("nobody was written"))?;
    Ok(written?.user)
}

/// Writes people: each by itself is written or refused. What does not change is left alone.
pub fn apply(tx: &mut Tx, changes: Vec<Change>) -> ApiResult<Vec<ApiResult<Written>>> {
    tx.require(Permission::UsersWrite)?;
    let mut drafts: Vec<Draft> = changes.into_iter().map(|change| Draft::new(tx, change)).collect();
    check::all(tx, &mut drafts)?;
    for draft in drafts.iter_mut().filter(|draft| draft.is_due()) {
        if let Some(before) = &draft.before {
            draft.after.version = before.version + 1;
            draft.after.updated_at = tx.now;
        }
    }
    save_within_scope(tx, &mut drafts)?;
    drafts
        .iter()
        .filter(|draft| draft.is_due())
        .for_each(|draft| announce(tx, draft));
    let written = drafts.into_iter().map(|draft| match draft.refused {
        Some(error) => Err(error),
        None => Ok(Written {
            is_new: draft.before.is_none(),
            user: draft.after,
        }),
    });
    Ok(written.collect())
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
        if outside.is_empty() {
            tx.conn.batch_execute("RELEASE SAVEPOINT people")?;
            return Ok(());
        }
        tx.conn.batch_execute("ROLLBACK TO SAVEPOINT people")?;
        for draft in drafts
            .iter_mut()
            .filter(|draft| outside.contains(&draft.after.id))
        {
            draft.refused = Some(lacks(Permission::UsersWrite));
        }
    }
}

fn due(drafts: &[Draft]) -> impl Iterator<Item = &Draft> {
    drafts.iter().filter(|draft| draft.is_due())
}

fn save(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
    let (old, new): (Vec<&Draft>, Vec<&Draft>) = due(drafts).partition(|draft| draft.before.is_some());
    let people = |drafts: Vec<&Draft>| {
        drafts
            .into_iter()
            .map(|draft| draft.after.clone())
            .collect::<Vec<_>>()
    };
    let keys: Vec<_> = new
        .iter()
        .flat_map(|draft| {
            draft
                .external_keys
                .iter()
                .map(|key| (draft.after.id, key.clone()))
        })
        .collect();
    if !new.is_empty() {
        store::insert(tx, &people(new))?;
    }
    if !old.is_empty() {
        store::update(tx, &people(old))?;
    }
    external_keys::store::insert(tx, "user", &keys)
}

fn announce(tx: &mut Tx, draft: &Draft) {
    let user = &draft.after;
    let event = match &draft.before {
        Some(before) => Event::new("user.updated", "user", user.id).before(before),
        None => Event::new("user.created", "user", user.id),
    };
    tx.record(event.about(user.id).after(user));
    for key in &draft.external_keys {
        external_keys::record(tx, "external_key.added", "user", user.id, |event| {
            event.after(key)
        });
    }
    tx.touch_users([user.id]);
    if draft.before.is_some() && draft.sets(|user| &user.status) {
        tx.wake(Wake::Caller(user.id));
    }
}
