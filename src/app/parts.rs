//! What rooms above keep in memory for the process (caches, counters, threads, lists): `App` holds it by its type and knows
//! none of it.

use std::any::Any;

use chrono::{DateTime, Utc};

use super::Wake;

/// Something that a room above keeps for the process.
pub trait Part: Any + Send + Sync {
    /// Acts on a notification, be it from this process or another.
    fn on_wake(&self, _wake: &Wake) {}

    /// Notifications may have been missed: what was learnt before is to be looked up again.
    fn on_missed_wakes(&self) {}

    /// Its name and what is wrong with it, if `/readyz` is to tell.
    fn readiness(&self, _now: DateTime<Utc>) -> Option<(&'static str, Option<String>)> {
        None
    }
}

/// The parts of an app, one of each type.
#[derive(Default)]
pub struct Parts(Vec<Box<dyn Part>>);

impl Parts {
    /// The same with `part`.
    pub fn with(mut self, part: impl Part) -> Self {
        self.0.push(Box::new(part));
        self
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &dyn Part> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The part of that type.
    #[expect(
        clippy::expect_used,
        reason = "the parts are one list in `cli/start.rs`; no test gets by without one that is asked for"
    )]
    pub(super) fn of<T: Part>(&self) -> &T {
        let mut found = self.all().filter_map(|part| (part as &dyn Any).downcast_ref());
        found.next().expect("every part that is asked for was added")
    }
}
