//! Values that no two rows share: found before the database refuses them, for all drafts at once.

use std::collections::HashSet;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{Draft, Resource};
use crate::{app::Tx, db::sql::Fixed, http::ApiResult, sql, text::fold};

/// A column whose values are unique, by their key forms if it has any.
#[derive(Debug)]
pub struct Unique<T> {
    /// Its name, and that of the body's member.
    pub(super) column: &'static str,
    value: fn(&T) -> &String,
}

/// A value of a draft that no other row may have.
#[derive(Debug)]
pub struct Claim {
    /// The draft's place among the drafts.
    pub draft: usize,
    /// The pointer to the value in the body.
    pub pointer: String,
    /// The value by which it is compared with those of the same member of the body.
    pub value: String,
    /// Whether a row has the value before any draft is written.
    pub is_taken: bool,
}

impl Claim {
    /// The member of the body, and the value.
    fn subject(&self) -> (&str, &str) {
        let member = self.pointer.split('/').nth(1).unwrap_or_default();
        (member, &self.value)
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Text)]
    value: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_taken: bool,
}

impl<T: Resource> Unique<T> {
    /// The column `column`, whose value in a row is `value`.
    pub const fn new(column: &'static str, value: fn(&T) -> &String) -> Self {
        Unique { column, value }
    }

    /// The pointer to the member of the body.
    pub(super) fn pointer(&self) -> String {
        format!("/{}", self.column)
    }

    /// The values that drafts newly give this column.
    fn claims(&self, tx: &mut Tx, drafts: &[Draft<T>]) -> ApiResult<Vec<Claim>> {
        let setting = drafts
            .iter()
            .enumerate()
            .filter(|(_, draft)| draft.sets(self.value));
        let (places, rows): (Vec<usize>, Vec<&T>) =
            setting.map(|(place, draft)| (place, &draft.after)).unzip();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let columns = &T::declaration().columns;
        let is_folded = columns
            .iter()
            .any(|column| column.name == self.column && column.is_folded);
        let values = rows.iter().map(|row| (self.value)(row));
        let values: Vec<String> = match is_folded {
            true => values.map(|value| fold(value)).collect(),
            false => values.cloned().collect(),
        };
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id()).collect();
        let found: Vec<Found> = sql!(
            "SELECT given.position, given.value, EXISTS (SELECT 1 FROM {table} present
                 WHERE present.{column}{suffix} = given.value AND present.id <> given.id) AS is_taken
             FROM unnest({values}, {ids}) WITH ORDINALITY AS given(value, id, position)",
            table = Fixed(T::TABLE),
            column = Fixed(self.column),
            suffix = Fixed(if is_folded { "_folded" } else { "" }),
        )
        .load(tx.conn)?;
        let claims = found.into_iter().filter_map(|found| {
            Some(Claim {
                draft: *places.get(usize::try_from(found.position).ok()?.checked_sub(1)?)?,
                pointer: self.pointer(),
                value: found.value,
                is_taken: found.is_taken,
            })
        });
        Ok(claims.collect())
    }
}

/// All values of drafts that no two rows may share, in the order of the drafts.
pub fn claims<T: Resource>(tx: &mut Tx, drafts: &[Draft<T>]) -> ApiResult<Vec<Claim>> {
    let mut claims = T::claims(tx, drafts)?;
    for unique in T::UNIQUE {
        claims.extend(unique.claims(tx, drafts)?);
    }
    claims.sort_by_key(|claim| claim.draft);
    Ok(claims)
}

/// Notes for each draft which of its values are taken: by a row, even if another draft changes that row, or by an earlier draft
/// that will be written.
pub fn note_taken<T: Resource>(claims: &[Claim], drafts: &mut [Draft<T>]) {
    drafts.iter_mut().for_each(|draft| draft.taken.clear());
    let mut seen = HashSet::new();
    for own in claims.chunk_by(|one, other| one.draft == other.draft) {
        let Some(draft) = own.first().and_then(|claim| drafts.get_mut(claim.draft)) else {
            continue;
        };
        let mut new = HashSet::new();
        for claim in own {
            let subject = claim.subject();
            if claim.is_taken || seen.contains(&subject) || !new.insert(subject) {
                draft.taken.push(claim.pointer.clone());
            }
        }
        if draft.stands() && draft.taken.is_empty() {
            seen.extend(new);
        }
    }
}
