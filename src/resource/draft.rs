//! Rows between a request and the database: as they are, as they are to be, and why not.

use super::Resource;
use crate::{
    app::Tx,
    authz::{Permission, lacks},
    http::{
        ApiError, ApiResult, FieldError,
        bulk::{Outcome, Outcomes},
    },
    ledger::{Event, EventKind},
};

/// A row that is to be written.
#[derive(Debug)]
pub struct Draft<T: Resource> {
    /// As it is; none for a new one.
    pub before: Option<T>,
    /// As it is to be.
    pub after: T,
    /// What else the request said of a new one.
    pub extra: T::Extra,
    /// The kind of its event, where that is one of its own.
    pub kind: Option<&'static EventKind>,
    /// Why it is not written.
    pub refused: Option<ApiError>,
    /// Pointers to its values that another row has, or an earlier draft asks for. The caller learns of them once it is known
    /// that they may write the row.
    pub taken: Vec<String>,
}

impl<T: Resource> Draft<T> {
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

    /// Refuses it for the values that are noted as taken.
    pub(super) fn refuse_taken(&mut self) {
        for pointer in std::mem::take(&mut self.taken) {
            self.refuse(ApiError::taken(pointer));
        }
    }

    /// Whether the value at `pointer` is noted as taken.
    pub fn is_taken(&self, pointer: &str) -> bool {
        self.taken.iter().any(|taken| taken == pointer)
    }

    /// Whether nothing spoke against it yet.
    pub fn stands(&self) -> bool {
        self.refused.is_none()
    }

    /// Whether it is new.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Whether the request gives `field` a value that was not there.
    pub fn sets<V: PartialEq>(&self, field: impl Fn(&T) -> &V) -> bool {
        self.before
            .as_ref()
            .is_none_or(|before| field(before) != field(&self.after))
    }

    /// Whether the row was there and `field` has another value now.
    pub fn changes<V: PartialEq>(&self, field: impl Fn(&T) -> &V) -> bool {
        self.before.is_some() && self.sets(field)
    }

    /// Whether it is to be archived.
    pub fn archives(&self) -> bool {
        let before = self.before.as_ref();
        self.after.archived_at().is_some() && before.is_some_and(|before| before.archived_at().is_none())
    }

    /// Whether it is to be brought back.
    pub fn restores(&self) -> bool {
        let before = self.before.as_ref();
        self.after.archived_at().is_none() && before.is_some_and(|before| before.archived_at().is_some())
    }

    /// Whether there is something to be written.
    pub fn is_due(&self) -> bool {
        self.stands() && self.before.as_ref() != Some(&self.after)
    }

    /// The event that tells of it.
    pub(super) fn event(&self) -> Event {
        let kind = match self.kind {
            Some(kind) => kind,
            None if self.is_new() => &T::EVENTS.created,
            None if self.archives() => &T::EVENTS.archived,
            None if self.restores() => &T::EVENTS.restored,
            None => &T::EVENTS.updated,
        };
        let mut event = Event::new(kind, self.after.id()).after(&self.after);
        if let Some(before) = &self.before {
            event = event.before(before);
        }
        match self.after.person() {
            Some(person) => event.about(person),
            None => event,
        }
    }
}

/// Those that are to be written.
pub fn due<T: Resource>(drafts: &[Draft<T>]) -> impl Iterator<Item = &Draft<T>> {
    drafts.iter().filter(|draft| draft.is_due())
}

/// Those that nothing spoke against yet.
pub fn without_faults<T: Resource>(drafts: &mut [Draft<T>]) -> impl Iterator<Item = &mut Draft<T>> {
    drafts.iter_mut().filter(|draft| draft.stands())
}

/// Refuses the drafts where `takes_all` holds, unless the caller may write everywhere: no narrower scope contains new rows.
pub fn require_everywhere<T: Resource>(
    tx: &Tx,
    drafts: &mut [Draft<T>],
    permission: Permission,
    takes_all: impl Fn(&Draft<T>) -> bool,
) -> ApiResult<()> {
    if !tx.scope(permission)?.is_everything() {
        for draft in drafts.iter_mut().filter(|draft| takes_all(draft)) {
            draft.refuse(lacks(permission));
        }
    }
    Ok(())
}

/// What became of each.
pub(super) fn outcomes<T: Resource>(drafts: Vec<Draft<T>>) -> Outcomes<T> {
    let outcomes = drafts
        .into_iter()
        .map(|draft| match (draft.refused, draft.before) {
            (Some(error), _) => Err(error),
            (None, None) => Ok(Outcome::Created(draft.after)),
            (None, Some(_)) => Ok(Outcome::Present(draft.after)),
        });
    outcomes.collect()
}
