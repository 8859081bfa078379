//! The events of this domain, beside those of its resources.

use super::{
    service_accounts::model::Secret, sessions::model::SessionFact, sso::providers::model::IdentityProvider,
};
use crate::event_kinds;

event_kinds! {
    /// A user signed in.
    SESSION_STARTED = "session.started" of "session", after: SessionFact;
    /// A session was ended before it expired.
    SESSION_ENDED = "session.ended" of "session", changes: SessionFact;
    /// The password of the user was set.
    PASSWORD_SET = "user.password_set" of "user";
    /// A token was issued to act on behalf of the user.
    ACTED_FOR = "user.acted_for" of "user";
    /// A secret of the service account was created.
    SECRET_CREATED = "service_account.secret_created" of "service_account", after: Secret;
    /// A secret of the service account was revoked.
    SECRET_REVOKED = "service_account.secret_revoked" of "service_account", changes: Secret;
    /// A key that signs access tokens was created.
    SIGNING_KEY_CREATED = "signing_key.created" of "signing_key";
    /// A key was retired, and its private half deleted.
    SIGNING_KEY_RETIRED = "signing_key.retired" of "signing_key";
    /// The identity provider was created.
    PROVIDER_CREATED = "identity_provider.created" of "identity_provider", after: IdentityProvider;
    /// The identity provider was updated.
    PROVIDER_UPDATED = "identity_provider.updated" of "identity_provider", changes: IdentityProvider;
}
