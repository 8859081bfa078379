//! What an event says.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

crate::text_enum! {
    /// What kind of principal acts.
    ActorKind {
        /// A person.
        User = "user",
        /// A program with credentials of its own.
        ServiceAccount = "service_account",
        /// Provost itself, or its operator at the command line.
        System = "system",
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// What kind of principal.
    pub kind: ActorKind,
    /// Which; none for the system.
    pub id: Option<Uuid>,
    /// The person in whose place it was done.
    pub on_behalf_of: Option<Uuid>,
}

impl Actor {
    /// Provost itself.
    pub const SYSTEM: Actor = Actor {
        kind: ActorKind::System,
        id: None,
        on_behalf_of: None,
    };
}

/// A change to one thing, without what every event of its transaction shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What was done, such as `user.updated`.
    pub action: &'static str,
    /// What it was done to, such as `user`.
    pub object_kind: &'static str,
    /// Which one.
    pub object_id: Uuid,
    /// The person whom it is about, if it is about one.
    pub user_id: Option<Uuid>,
    /// The thing before; none if it is new.
    pub before: Option<Value>,
    /// The thing after; none if it is gone.
    pub after: Option<Value>,
    /// Why, in the words of whoever did it.
    pub reason: Option<String>,
}

impl Event {
    /// An event about a thing; say what it was and is with [`Event::before`] and [`Event::after`].
    pub fn new(action: &'static str, object_kind: &'static str, object_id: Uuid) -> Self {
        Event {
            action,
            object_kind,
            object_id,
            user_id: None,
            before: None,
            after: None,
            reason: None,
        }
    }

    /// The person whom it is about.
    pub fn about(mut self, user_id: Uuid) -> Self {
        self.user_id = Some(user_id);
        self
    }

    /// The thing as it was.
    pub fn before(mut self, thing: &impl Serialize) -> Self {
        self.before = serde_json::to_value(thing).ok();
        self
    }

    /// The thing as it is now.
    pub fn after(mut self, thing: &impl Serialize) -> Self {
        self.after = serde_json::to_value(thing).ok();
        self
    }

    /// Why it was done.
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}
