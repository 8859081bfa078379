//! Fields that name other resources by their ids: told before the database refuses them, for all drafts at once.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Draft, Resource};
use crate::{
    app::Tx,
    authz,
    db::{Condition, Sql, sql::Fixed},
    http::{ApiError, ApiResult},
    sql,
};

/// A field of `T` that holds the id of an `N`, or null.
#[derive(Debug)]
pub struct Reference<T, N> {
    field: &'static str,
    value: fn(&T) -> Option<Uuid>,
    takes_archived: bool,
    /// Reads those of the ids that the caller may name.
    load: fn(&mut Tx, &[Uuid]) -> ApiResult<Vec<N>>,
}

impl<T: Resource, N: Resource> Reference<T, N> {
    /// The member `field` of the body (`target/id` is a member of a member), whose value in a row is `value`.
    pub const fn new(field: &'static str, value: fn(&T) -> Option<Uuid>) -> Self {
        Reference {
            field,
            value,
            takes_archived: false,
            load: nameable::<T, N>,
        }
    }

    /// May name archived things, too.
    pub const fn or_archived(self) -> Self {
        Reference {
            takes_archived: true,
            ..self
        }
    }

    /// Whether the draft names something that it did not name before.
    fn is_set_by(&self, draft: &Draft<T>) -> bool {
        let value = self.value;
        draft
            .before
            .as_ref()
            .is_none_or(|before| value(before) != value(&draft.after))
    }

    /// Refuses drafts that newly name what is not there, what the caller may not see, or what is archived.
    pub fn check(&self, tx: &mut Tx, drafts: &mut [Draft<T>]) -> ApiResult<()> {
        let setting = drafts.iter().filter(|draft| self.is_set_by(draft));
        let named: HashSet<Uuid> = setting.filter_map(|draft| (self.value)(&draft.after)).collect();
        if named.is_empty() {
            return Ok(());
        }
        let found = (self.load)(tx, &Vec::from_iter(named))?;
        let archived: HashMap<Uuid, bool> = found
            .iter()
            .map(|row| (row.id(), row.archived_at().is_some()))
            .collect();
        for draft in drafts.iter_mut().filter(|draft| self.is_set_by(draft)) {
            let Some(id) = (self.value)(&draft.after) else {
                continue;
            };
            let fault = match archived.get(&id) {
                Some(false) => continue,
                Some(true) if self.takes_archived => continue,
                Some(true) => format!("names an archived {}", N::NAME),
                None => format!("names no {} that you may see", N::NAME),
            };
            draft.refuse(ApiError::field(format!("/{}", self.field), fault));
        }
        Ok(())
    }
}

/// Those of `ids` that a request which writes `T` may name.
pub fn nameable<T: Resource, N: Resource>(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<Vec<N>> {
    let nameable = authz::nameable::<N>(tx, T::WRITE);
    let condition = sql!("{id} = ANY({ids}) AND {nameable}", id = Fixed(N::ID));
    let always = Condition::new(Sql::always());
    let rows = N::select_all(tx, Condition::new(condition), always, false)?;
    Ok(rows.into_iter().map(|(_, row, _)| row).collect())
}
