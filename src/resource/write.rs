//! The one way in which resources are written, one or a thousand by the same few statements: check, save, confirm the scope,
//! record the event.

use std::collections::HashSet;

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Column, Create, Draft, Resource, Update, draft,
    draft::{due, without_faults},
    record::names,
    unique,
};
use crate::{
    app::Tx,
    authz::{self, Authorized, lacks},
    db::{Sql, sql::Fixed},
    http::{
        ApiError, ApiResult, Code,
        bulk::{Outcome, Outcomes},
    },
    ledger::EventKind,
    sql,
    text::fold,
};

/// What is to become of a row.
#[derive(Debug)]
pub enum Change<T: Resource> {
    /// It is added, with this id.
    Create(Uuid, Box<Create<T>>),
    /// It gets these fields.
    Set(Authorized<T>, Box<T::Fields>),
    /// It becomes this, and an event of its own kind tells of it, such as `rule.paused`.
    Become(Authorized<T>, Box<T>, &'static EventKind),
    /// Members of it change.
    Update(Authorized<T>, Update<T>),
    /// It is archived.
    Archive(Authorized<T>),
    /// It is brought back.
    Restore(Authorized<T>),
}

impl<T: Resource> Change<T> {
    /// A row is added.
    pub fn create(new: Create<T>) -> Self {
        Change::Create(Uuid::now_v7(), Box::new(new))
    }

    /// A row gets the fields that `edit` makes of those it has.
    pub fn edit(row: Authorized<T>, edit: impl FnOnce(&mut T::Fields)) -> Self {
        let mut fields = T::Fields::clone(&row);
        edit(&mut fields);
        Change::Set(row, Box::new(fields))
    }

    fn into_draft(self, tx: &Tx) -> ApiResult<Draft<T>> {
        let now = tx.now;
        let mut kind = None;
        let (before, mut after, extra, refused) = match self {
            Change::Create(id, new) => (None, T::new(id, new.fields, now), new.extra, None),
            Change::Set(row, fields) => {
                let before = row.into_inner();
                let mut after = before.clone();
                after.set_fields(*fields);
                (Some(before), after, T::Extra::default(), None)
            }
            Change::Become(row, after, own) => {
                kind = Some(own);
                (Some(row.into_inner()), *after, T::Extra::default(), None)
            }
            Change::Update(row, changes) => {
                let before = row.into_inner();
                let mut after = before.clone();
                let refused = match changes.apply_to(&before) {
                    Ok((fields, faults)) => {
                        after.set_fields(fields);
                        (!faults.is_empty()).then(|| ApiError::invalid(faults))
                    }
                    Err(error) if error.is_of_fields() => Some(error),
                    Err(error) => return Err(error),
                };
                (Some(before), after, T::Extra::default(), refused)
            }
            Change::Archive(row) => {
                let before = row.into_inner();
                let mut after = before.clone();
                if before.archived_at().is_none() {
                    after.set_archived_at(Some(now));
                }
                (Some(before), after, T::Extra::default(), None)
            }
            Change::Restore(row) => {
                let before = row.into_inner();
                let mut after = before.clone();
                after.set_archived_at(None);
                let is_archived = before.archived_at().is_some();
                (
                    Some(before),
                    after,
                    T::Extra::default(),
                    (!is_archived).then(not_archived::<T>),
                )
            }
        };
        after.complete(tx.today());
        Ok(Draft {
            before,
            after,
            extra,
            kind,
            refused,
            taken: Vec::new(),
        })
    }
}

fn not_archived<T: Resource>() -> ApiError {
    let archived = T::EVENTS.archived.action;
    let archived = archived.rsplit('.').next().unwrap_or_default();
    ApiError::new(Code::Conflict, format!("It is not {archived}."))
}

/// Writes one row.
pub fn one<T: Resource>(tx: &mut Tx, change: Change<T>) -> ApiResult<T> {
    let mut outcomes = write(tx, vec![change])?.into_iter();
    let outcome = outcomes
        .next()
        .unwrap_or_else(|| Err(ApiError::internal("a change has no outcome")));
    outcome?
        .into_thing()
        .ok_or_else(|| ApiError::internal("a change took its row away"))
}

/// Writes rows: each by itself is written or refused. What does not change is left alone: its version stays, and no event
/// tells of it.
pub fn write<T: Resource>(tx: &mut Tx, changes: Vec<Change<T>>) -> ApiResult<Outcomes<T>> {
    let mut drafts = checked_drafts(tx, changes)?;
    let changing = drafts
        .iter_mut()
        .filter(|draft| draft.is_due() && !draft.is_new());
    changing.for_each(|draft| draft.after.step(tx.now));
    match tx.scope(T::WRITE)?.is_everything() {
        true => save_free(tx, &mut drafts)?,
        false => save_within_scope(tx, &mut drafts)?,
    }
    due(&drafts).for_each(|draft| tx.record(draft.event()));
    T::announce(tx, &drafts)?;
    Ok(draft::outcomes(drafts))
}

/// What [`write`] would say of each of these changes, without writing them. Only for callers who may write everything: whether a
/// change is within a narrower scope shows when it is written.
pub fn check<T: Resource>(tx: &mut Tx, changes: Vec<Change<T>>) -> ApiResult<Outcomes<()>> {
    let mut drafts = checked_drafts(tx, changes)?;
    let claims = unique::claims(tx, &drafts)?;
    T::settle(tx, &mut drafts)?;
    unique::note_taken(&claims, &mut drafts);
    drafts.iter_mut().for_each(Draft::refuse_taken);
    let outcomes = drafts
        .into_iter()
        .map(|draft| draft.refused.map_or(Ok(Outcome::Present(())), Err));
    Ok(outcomes.collect())
}

fn checked_drafts<T: Resource>(tx: &mut Tx, changes: Vec<Change<T>>) -> ApiResult<Vec<Draft<T>>> {
    tx.require(T::WRITE)?;
    T::lock(tx)?;
    let drafts = changes.into_iter().map(|change| change.into_draft(tx));
    let mut drafts: Vec<Draft<T>> = drafts.collect::<ApiResult<_>>()?;
    T::check(tx, &mut drafts)?;
    Ok(drafts)
}

/// Saves for a caller who may write everything, and refuses values that are taken: beside the other faults of a row, too.
fn save_free<T: Resource>(tx: &mut Tx, drafts: &mut [Draft<T>]) -> ApiResult<()> {
    let claims = unique::claims(tx, drafts)?;
    loop {
        T::settle(tx, drafts)?;
        unique::note_taken(&claims, drafts);
        let standing = standing(drafts);
        let has_faults = |draft: &&mut Draft<T>| draft.refused.as_ref().is_none_or(ApiError::is_of_fields);
        drafts.iter_mut().filter(has_faults).for_each(Draft::refuse_taken);
        if self::standing(drafts) == standing {
            return save(tx, drafts);
        }
    }
}

/// Saves for a caller with a narrower scope, and takes back what turns out to be outside it. Which values are taken is told of
/// rows within the scope alone, or callers could ask for the usernames and codes of others: until then a row stands with
/// [another value](free_value) in that place.
fn save_within_scope<T: Resource>(tx: &mut Tx, drafts: &mut [Draft<T>]) -> ApiResult<()> {
    let claims = unique::claims(tx, drafts)?;
    loop {
        T::settle(tx, drafts)?;
        unique::note_taken(&claims, drafts);
        let standing = standing(drafts);
        tx.conn.batch_execute("SAVEPOINT resource")?;
        save(tx, drafts)?;
        let ids: Vec<Uuid> = due(drafts).map(|draft| draft.after.id()).collect();
        for id in authz::outside::<T>(tx, &ids, T::WRITE)? {
            let outside = drafts.iter_mut().filter(|draft| draft.after.id() == id);
            outside.for_each(|draft| draft.refuse(lacks(T::WRITE)));
        }
        T::confirm(tx, drafts)?;
        // A row that is refused takes nothing from the others, so what is taken is seen again without it.
        if self::standing(drafts) == standing {
            without_faults(drafts).for_each(Draft::refuse_taken);
        }
        if self::standing(drafts) == standing {
            tx.conn.batch_execute("RELEASE SAVEPOINT resource")?;
            return Ok(());
        }
        tx.conn.batch_execute("ROLLBACK TO SAVEPOINT resource")?;
    }
}

fn standing<T: Resource>(drafts: &[Draft<T>]) -> usize {
    drafts.iter().filter(|draft| draft.stands()).count()
}

fn save<T: Resource>(tx: &mut Tx, drafts: &[Draft<T>]) -> ApiResult<()> {
    let (old, new): (Vec<_>, Vec<_>) = due(drafts).partition(|draft| !draft.is_new());
    if !new.is_empty() {
        insert_from::<T>(table(new)?).execute(tx.conn)?;
    }
    if !old.is_empty() {
        update_from::<T>(table(old)?).execute(tx.conn)?;
    }
    T::follow(tx, drafts)
}

/// Refuses new drafts outside the caller's scope before they are saved: for resources whose checks would otherwise tell what
/// there is outside of it.
pub fn require_scope<T: Resource>(tx: &mut Tx, drafts: &mut [Draft<T>]) -> ApiResult<()> {
    #[derive(QueryableByName)]
    struct Outside {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let scope = tx.scope(T::WRITE)?;
    if scope.is_everything() || !drafts.iter().any(Draft::is_new) {
        return Ok(());
    }
    let outside: Vec<Outside> = sql!(
        "SELECT {id} AS id FROM {new} AS {table} WHERE NOT coalesce({covered}, FALSE)",
        id = Fixed(T::ID),
        new = table(drafts.iter().filter(|draft| draft.is_new()))?,
        table = Fixed(T::TABLE),
        covered = T::covered(&scope),
    )
    .load(tx.conn)?;
    let outside: HashSet<Uuid> = outside.into_iter().map(|row| row.id).collect();
    for draft in drafts
        .iter_mut()
        .filter(|draft| outside.contains(&draft.after.id()))
    {
        draft.refuse(lacks(T::WRITE));
    }
    Ok(())
}

/// A statement that adds the rows of `source`, a table expression that has all columns of `T`. They are named: a release that
/// runs beside a newer one knows nothing of the columns which that added.
pub fn insert_from<T: Resource>(source: Sql) -> Sql {
    let columns = names(&T::declaration().columns, "");
    let table = Fixed(T::TABLE);
    sql!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {source} AS given")
}

/// A statement that gives the rows of a table what those of the same ids in `source` have.
pub fn update_from<T: Resource>(source: Sql) -> Sql {
    let mut columns = T::declaration().columns.clone();
    columns.retain(|column| !matches!(column.name, "id" | "created_at"));
    let (columns, given) = (names(&columns, ""), names(&columns, "given."));
    let table = Fixed(T::TABLE);
    sql!("UPDATE {table} SET ({columns}) = ROW ({given}) FROM {source} AS given WHERE {table}.id = given.id")
}

/// The rows of drafts as a table, with all columns of `T`: one parameter, however many they are.
pub fn table<'a, T: Resource>(drafts: impl IntoIterator<Item = &'a Draft<T>>) -> ApiResult<Sql> {
    let rows = drafts.into_iter().map(as_json);
    let rows = Value::Array(rows.collect::<ApiResult<_>>()?);
    let table = Fixed(T::TABLE);
    Ok(sql!("jsonb_populate_recordset(NULL::{table}, {rows})"))
}

/// A row as JSON, with the key forms of its columns, and without values that are taken.
fn as_json<T: Resource>(draft: &Draft<T>) -> ApiResult<Value> {
    let mut row = serde_json::to_value(&draft.after).map_err(ApiError::internal)?;
    if let Some(members) = row.as_object_mut() {
        for unique in T::UNIQUE
            .iter()
            .filter(|unique| draft.is_taken(&unique.pointer()))
        {
            members.insert(unique.column.to_owned(), free_value(draft.after.id()).into());
        }
        for Column { name, .. } in T::declaration().columns.iter().filter(|column| column.is_folded) {
            let key = members.get(*name).and_then(Value::as_str).map(fold);
            members.insert(format!("{name}_folded"), key.into());
        }
    }
    Ok(row)
}

/// A value that no other row has, in the form of every unique column. It is never committed.
fn free_value(id: Uuid) -> String {
    format!("x{}", id.simple())
}
