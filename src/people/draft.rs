//! Things between a request and the database: as they are, as they are to be, and why not.
//!
//! Every `write` module of this domain makes drafts of the changes that it is asked for, refuses those that are wrong,
//! and writes the others by one statement for all that are new and one for all that change. What a request leaves as
//! it is is not written: its version stays, and no event tells of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    access::{Permission, bulk::Change, lacks},
    app::Tx,
    db::Fixed,
    http::{
        ApiError, ApiResult, FieldError,
        bulk::{Outcome, Outcomes},
    },
    ledger::Event,
    people::closure::Tree,
    sql,
    text::fold,
};

/// A row of a table whose JSON is the row: every column is a member of the same name.
/// Implemented by [`stored!`](crate::stored!).
pub trait Stored: Clone + PartialEq + Serialize {
    /// Its table.
    const TABLE: &'static str;
    /// The columns that changes write, beside `version` and `updated_at`.
    const COLUMNS: &'static [&'static str];
    /// Those of them whose key form stands in a column `<column>_folded`, which is written with them.
    const FOLDED: &'static [&'static str];
    /// What the ledger calls it.
    const KIND: &'static str;
    /// The event of a new one.
    const CREATED: &'static str;
    /// The event of one that changed.
    const UPDATED: &'static str;

    /// Its id.
    fn id(&self) -> Uuid;

    /// Counts the version up.
    fn step(&mut self, now: DateTime<Utc>);
}

/// Implements [`Stored`]:
/// `stored!(OrgUnit in "org_units", events: "org_unit", columns: ["code", "name"], folded: ["code"]);`
#[macro_export]
macro_rules! stored {
    ($row:ident in $table:literal, events: $kind:literal, columns: [$($column:literal),* $(,)?]
        $(, folded: [$($folded:literal),* $(,)?])? $(,)?) => {
        impl $crate::people::draft::Stored for $row {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$($column),*];
            const FOLDED: &'static [&'static str] = &[$($($folded),*)?];
            const KIND: &'static str = $kind;
            const CREATED: &'static str = concat!($kind, ".created");
            const UPDATED: &'static str = concat!($kind, ".updated");

            fn id(&self) -> uuid::Uuid {
                self.id
            }

            fn step(&mut self, now: chrono::DateTime<chrono::Utc>) {
                self.version += 1;
                self.updated_at = now;
            }
        }
    };
}

/// A thing that is to be written, with what else its kind needs to know of the request.
#[derive(Debug)]
pub struct Draft<T, X = ()> {
    /// As it is; none for a new one.
    pub before: Option<T>,
    /// As it is to be.
    pub after: T,
    /// What else the request said.
    pub extra: X,
    /// Why it is not written.
    pub refused: Option<ApiError>,
}

impl<T: Stored, X> Draft<T, X> {
    /// A thing that is to be written.
    pub fn new(before: Option<T>, after: T, extra: X) -> Self {
        Draft {
            before,
            after,
            extra,
            refused: None,
        }
    }

    /// Refuses it. Of several errors about fields all are told, unless the caller may not write it at all: then nothing is
    /// told of what is there.
    pub fn refuse(&mut self, error: ApiError) {
        self.refused = Some(match self.refused.take() {
            Some(first) if first.is_of_fields() && error.is_of_fields() => first.and(error),
            Some(first) if !first.is_of_fields() => first,
            _ => error,
        });
    }

    /// Refuses it if there are `faults`.
    pub fn refuse_faults(&mut self, faults: Vec<FieldError>) {
        if !faults.is_empty() {
            self.refuse(ApiError::invalid(faults));
        }
    }

    /// Whether nothing spoke against it yet.
    pub fn stands(&self) -> bool {
        self.refused.is_none()
    }

    /// Whether the request gives `field` a value that was not there.
    pub fn sets<V: PartialEq>(&self, field: impl Fn(&T) -> &V) -> bool {
        self.before
            .as_ref()
            .is_none_or(|before| field(before) != field(&self.after))
    }

    /// Whether the thing was there and `field` has another value now.
    pub fn changes<V: PartialEq>(&self, field: impl Fn(&T) -> &V) -> bool {
        self.before.is_some() && self.sets(field)
    }

    /// Whether there is something to be written.
    pub fn is_due(&self) -> bool {
        self.stands() && self.before.as_ref() != Some(&self.after)
    }

    /// The event that tells of it.
    pub fn event(&self) -> Event {
        let event = match &self.before {
            Some(before) => Event::new(T::UPDATED, T::KIND, self.after.id()).before(before),
            None => Event::new(T::CREATED, T::KIND, self.after.id()),
        };
        event.after(&self.after)
    }
}

/// What changes make, by the functions that make a new thing and change an old one.
pub fn drafts<T: Stored, C, U>(
    changes: Vec<Change<T, C, U>>,
    create: impl Fn(C, Uuid) -> T,
    update: impl Fn(U, T) -> T,
) -> Vec<Draft<T>> {
    let drafts = changes.into_iter().map(|change| match change {
        Change::Create(id, new) => Draft::new(None, create(*new, id), ()),
        Change::Update(change) => {
            let (before, changes) = *change;
            let before = before.into_inner();
            Draft::new(Some(before.clone()), update(changes, before), ())
        }
    });
    drafts.collect()
}

/// Refuses new things to whoever may not write everywhere: no narrower scope holds what is not there yet.
pub fn refuse_new<T: Stored, X>(
    tx: &Tx,
    drafts: &mut [Draft<T, X>],
    permission: Permission,
) -> ApiResult<()> {
    if !tx.scope(permission)?.is_everything() {
        for draft in drafts.iter_mut().filter(|draft| draft.before.is_none()) {
            draft.refuse(lacks(permission));
        }
    }
    Ok(())
}

/// Those that are to be written.
pub fn due<T: Stored, X>(drafts: &[Draft<T, X>]) -> impl Iterator<Item = &Draft<T, X>> {
    drafts.iter().filter(|draft| draft.is_due())
}

/// Those that nothing spoke against yet.
pub fn standing<T: Stored, X>(drafts: &mut [Draft<T, X>]) -> impl Iterator<Item = &mut Draft<T, X>> {
    drafts.iter_mut().filter(|draft| draft.stands())
}

/// Counts up the versions of those that change.
pub fn step<T: Stored, X>(tx: &Tx, drafts: &mut [Draft<T, X>]) {
    let changing = drafts
        .iter_mut()
        .filter(|draft| draft.is_due() && draft.before.is_some());
    changing.for_each(|draft| draft.after.step(tx.now));
}

/// Writes those that are due.
pub fn save<T: Stored, X>(tx: &mut Tx, drafts: &[Draft<T, X>]) -> ApiResult<()> {
    let (old, new): (Vec<_>, Vec<_>) = due(drafts).partition(|draft| draft.before.is_some());
    let rows = |drafts: Vec<&Draft<T, X>>| drafts.into_iter().map(|draft| draft.after.clone()).collect();
    insert::<T>(tx, rows(new))?;
    update::<T>(tx, rows(old))
}

/// One statement and one parameter, however many they are.
fn insert<T: Stored>(tx: &mut Tx, rows: Vec<T>) -> ApiResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sql!(
        "INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, {with_key_forms})",
        table = Fixed(T::TABLE),
        with_key_forms = with_key_forms(rows)?,
    )
    .execute(tx.conn)?;
    Ok(())
}

fn update<T: Stored>(tx: &mut Tx, rows: Vec<T>) -> ApiResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = sql!("UPDATE {table} SET ", table = Fixed(T::TABLE));
    for column in T::COLUMNS {
        statement.push(sql!("{column} = given.{column}, ", column = Fixed(column)));
    }
    for column in T::FOLDED {
        statement.push(sql!(
            "{column}_folded = given.{column}_folded, ",
            column = Fixed(column)
        ));
    }
    statement.push(sql!(
        "version = given.version, updated_at = given.updated_at
         FROM jsonb_populate_recordset(NULL::{table}, {with_key_forms}) AS given
         WHERE {table}.id = given.id",
        table = Fixed(T::TABLE),
        with_key_forms = with_key_forms(rows)?,
    ));
    statement.execute(tx.conn)?;
    Ok(())
}

/// The rows as JSON, with the key forms of their columns.
fn with_key_forms<T: Stored>(rows: Vec<T>) -> ApiResult<Value> {
    let mut rows = serde_json::to_value(rows).map_err(ApiError::internal)?;
    let members = rows.as_array_mut().into_iter().flatten();
    for row in members.filter_map(Value::as_object_mut) {
        for column in T::FOLDED {
            let key = row.get(*column).and_then(Value::as_str).map(fold);
            row.insert(format!("{column}_folded"), key.into());
        }
    }
    Ok(rows)
}

/// What became of each.
pub fn outcomes<T: Stored, X>(drafts: Vec<Draft<T, X>>) -> Outcomes<T> {
    let outcomes = drafts
        .into_iter()
        .map(|draft| match (draft.refused, draft.before) {
            (Some(error), _) => Err(error),
            (None, None) => Ok(Outcome::Created(draft.after)),
            (None, Some(_)) => Ok(Outcome::Present(draft.after)),
        });
    outcomes.collect()
}

/// Which of `drafts` would stand below themselves in `tree` with the parents that they newly have.
pub fn circling<'a, T: Stored + 'a, X: 'a>(
    tx: &mut Tx,
    tree: &Tree,
    parent: fn(&T) -> &Option<Uuid>,
    drafts: impl Iterator<Item = &'a Draft<T, X>>,
) -> ApiResult<HashSet<Uuid>> {
    let placed = drafts.filter(|draft| draft.sets(parent));
    let placed: Vec<_> = placed
        .map(|draft| (draft.after.id(), *parent(&draft.after)))
        .collect();
    if placed.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(tree.cycles(tx, &placed)?.into_iter().collect())
}

/// Tells those that are refused already of a circle, too, if they are in one where all others stand as they wish.
pub fn tell_refused_of_circles<T: Stored, X>(
    tx: &mut Tx,
    tree: &Tree,
    parent: fn(&T) -> &Option<Uuid>,
    drafts: &mut [Draft<T, X>],
) -> ApiResult<()> {
    if drafts.iter().all(|draft| draft.stands() || !draft.sets(parent)) {
        return Ok(());
    }
    let circling = circling(tx, tree, parent, drafts.iter())?;
    let refused = drafts.iter_mut().filter(|draft| !draft.stands());
    for draft in refused.filter(|draft| circling.contains(&draft.after.id())) {
        draft.refuse(tree.cycle());
    }
    Ok(())
}

/// A column whose values are unique, by their key forms if it has any.
#[derive(Debug)]
pub struct Unique<T> {
    /// Its name.
    pub column: &'static str,
    /// What a body calls it.
    pub pointer: &'static str,
    /// Its value in a row.
    pub value: fn(&T) -> &String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Text)]
    folded: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_taken: bool,
}

impl<T: Stored> Unique<T> {
    /// Refuses those whose value another thing has before any of them is written, or an earlier draft asks for: what one
    /// draft gives up another cannot have in the same request.
    pub fn check<X>(&self, tx: &mut Tx, drafts: &mut [Draft<T, X>]) -> ApiResult<()> {
        let mut setting: Vec<_> = drafts.iter_mut().filter(|draft| draft.sets(self.value)).collect();
        if setting.is_empty() {
            return Ok(());
        }
        let is_folded = T::FOLDED.contains(&self.column);
        let values = setting.iter().map(|draft| (self.value)(&draft.after));
        let values: Vec<String> = match is_folded {
            true => values.map(|value| fold(value)).collect(),
            false => values.cloned().collect(),
        };
        let ids: Vec<Uuid> = setting.iter().map(|draft| draft.after.id()).collect();
        let found: Vec<Found> = self.find(tx, if is_folded { "_folded" } else { "" }, values, ids)?;
        let mut seen = HashSet::new();
        for value in found {
            let Some(draft) = setting.get_mut(value.position as usize - 1) else {
                continue;
            };
            if value.is_taken || seen.contains(&value.folded) {
                draft.refuse(ApiError::taken(self.pointer));
            } else if draft.stands() {
                seen.insert(value.folded);
            }
        }
        Ok(())
    }

    fn find(
        &self,
        tx: &mut Tx,
        suffix: &'static str,
        values: Vec<String>,
        ids: Vec<Uuid>,
    ) -> ApiResult<Vec<Found>> {
        let found = sql!(
            "SELECT given.position, given.value AS folded,
                EXISTS (SELECT 1 FROM {table} present WHERE present.{column}{suffix} = given.value
                        AND present.id <> given.id) AS is_taken
             FROM unnest({values}, {ids}) WITH ORDINALITY AS given(value, id, position)
             ORDER BY given.position",
            table = Fixed(T::TABLE),
            column = Fixed(self.column),
            suffix = Fixed(suffix),
        )
        .load(tx.conn)?;
        Ok(found)
    }
}
