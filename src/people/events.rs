//! The events of this domain, beside those of its resources.

use super::{external_keys::model::ExternalKey, users::identities::model::LinkedIdentity};
use crate::{event_kinds, ledger::EventKind};

event_kinds! {
    /// The user was invited.
    USER_INVITED = "user.invited" of "user";
    /// The user was sent a token to choose a password.
    PASSWORD_TOKEN_SENT = "user.password_token_sent" of "user";
    /// An account at an identity provider was linked to the user.
    IDENTITY_LINKED = "identity.linked" of "user", after: LinkedIdentity;
    /// An account at an identity provider was unlinked from the user.
    IDENTITY_UNLINKED = "identity.unlinked" of "user", before: LinkedIdentity;
    /// The user `user_id` became a member of the group.
    MEMBER_ADDED = "group.member_added" of "group";
    /// The user `user_id` is no longer a member of the group.
    MEMBER_REMOVED = "group.member_removed" of "group";
}

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

/// The kinds of events of external keys: whatever has such keys.
pub const OF_EXTERNAL_KEYS: &[EventKind] = &[
    key_added("user"),
    key_added("org_unit"),
    key_added("group"),
    key_added("course"),
    key_added("absence"),
    key_added("rule_override"),
    key_added("extension"),
    key_added("waiver"),
    key_added("course_equivalence"),
    key_added("rule_issue"),
    key_removed("user"),
    key_removed("org_unit"),
    key_removed("group"),
    key_removed("course"),
];
