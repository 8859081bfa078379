//! The events of this domain, beside those of its resources.

use super::{
    service_accounts::model::Secret, sessions::model::SessionFact, sso::providers::model::IdentityProvider,
};
use crate::ledger::EventKind;

pub const SESSION_STARTED: EventKind =
    EventKind::new("session.started", "session", "A user signed in.").after::<SessionFact>();
pub const SESSION_ENDED: EventKind = EventKind::new(
    "session.ended",
    "session",
    "A session was ended before it expired.",
)
.changes::<SessionFact>();
pub const PASSWORD_SET: EventKind =
    EventKind::new("user.password_set", "user", "The password of the user was set.");
pub const ACTED_FOR: EventKind = EventKind::new(
    "user.acted_for",
    "user",
    "A token was issued to act on behalf of the user.",
);
pub const SECRET_CREATED: EventKind = EventKind::new(
    "service_account.secret_created",
    "service_account",
    "A secret of the service account was created.",
)
.after::<Secret>();
pub const SECRET_REVOKED: EventKind = EventKind::new(
    "service_account.secret_revoked",
    "service_account",
    "A secret of the service account was revoked.",
)
.changes::<Secret>();
pub const SIGNING_KEY_CREATED: EventKind = EventKind::new(
    "signing_key.created",
    "signing_key",
    "A key that signs access tokens was created.",
);
pub const SIGNING_KEY_RETIRED: EventKind = EventKind::new(
    "signing_key.retired",
    "signing_key",
    "A key was retired, and its private half deleted.",
);
pub const PROVIDER_CREATED: EventKind = EventKind::new(
    "identity_provider.created",
    "identity_provider",
    "The identity provider was created.",
)
.after::<IdentityProvider>();
pub const PROVIDER_UPDATED: EventKind = EventKind::new(
    "identity_provider.updated",
    "identity_provider",
    "The identity provider was updated.",
)
.changes::<IdentityProvider>();

/// All of them.
pub const KINDS: &[EventKind] = &[
    SESSION_STARTED,
    SESSION_ENDED,
    PASSWORD_SET,
    ACTED_FOR,
    SECRET_CREATED,
    SECRET_REVOKED,
    SIGNING_KEY_CREATED,
    SIGNING_KEY_RETIRED,
    PROVIDER_CREATED,
    PROVIDER_UPDATED,
];
