//! Who acts.

use serde::{Deserialize, Serialize};
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
