//! The events of this domain, beside those of its resources.

use super::{external_keys::model::ExternalKey, users::identities::model::LinkedIdentity};
use crate::ledger::EventKind;

pub const USER_INVITED: EventKind = EventKind::new("user.invited", "user", "The user was invited.");
pub const PASSWORD_TOKEN_SENT: EventKind = EventKind::new(
    "user.password_token_sent",
    "user",
    "The user was sent a token to choose a password.",
);
pub const IDENTITY_LINKED: EventKind = EventKind::new(
    "identity.linked",
    "user",
    "An account at an identity provider was linked to the user.",
)
.after::<LinkedIdentity>();
pub const IDENTITY_UNLINKED: EventKind = EventKind::new(
    "identity.unlinked",
    "user",
    "An account at an identity provider was unlinked from the user.",
)
.before::<LinkedIdentity>();
pub const MEMBER_ADDED: EventKind = EventKind::new(
    "group.member_added",
    "group",
    "The user `user_id` became a member of the group.",
);
pub const MEMBER_REMOVED: EventKind = EventKind::new(
    "group.member_removed",
    "group",
    "The user `user_id` is no longer a member of the group.",
);

/// An external key was added to an object of this kind.
pub const fn key_added(object_kind: &'static str) -> EventKind {
    EventKind::new(
        "external_key.added",
        object_kind,
        "An external key was added to the object.",
    )
    .after::<ExternalKey>()
}

/// An external key was removed from an object of this kind.
pub const fn key_removed(object_kind: &'static str) -> EventKind {
    EventKind::new(
        "external_key.removed",
        object_kind,
        "An external key was removed from the object.",
    )
    .before::<ExternalKey>()
}

/// All of them.
pub const KINDS: &[EventKind] = &[
    USER_INVITED,
    PASSWORD_TOKEN_SENT,
    IDENTITY_LINKED,
    IDENTITY_UNLINKED,
    MEMBER_ADDED,
    MEMBER_REMOVED,
    key_added("user"),
    key_added("org_unit"),
    key_added("group"),
    key_added("course"),
    key_removed("user"),
    key_removed("org_unit"),
    key_removed("group"),
    key_removed("course"),
];
