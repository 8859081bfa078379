//! The types of `/v1/users/{user_id}/sessions`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{db::schema::sessions, http::Versioned, text_enum};

text_enum! {
    /// Why a session ended before its time.
    SessionEndReason {
        /// The person signed out, or ended it from another session.
        SignedOut = "signed_out",
        /// Somebody else ended it.
        Revoked = "revoked",
        /// The person's password was set.
        PasswordSet = "password_set",
        /// A refresh token was used twice, so another party may have it.
        Replayed = "replayed",
        /// The provider by which it began says that the person signed out there, or may sign in no more.
        ProviderSignedOut = "provider_signed_out",
    }
}

/// A session: a user's sign-in and the tokens that followed from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// Our id; access tokens carry it as `sid`.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When they last signed in or refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When the session expires.
    pub expires_at: DateTime<Utc>,
    /// What the program that signed in called itself.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")]
    pub user_agent: Option<String>,
    /// The network address that the sign-in came from.
    #[schema(example = "203.0.113.7")]
    pub address: Option<String>,
    /// When the session was ended; null if nobody ended it, also after it expired.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why the session ended.
    pub end_reason: Option<SessionEndReason>,
    /// The OpenID provider by which they signed in; null for a password.
    pub identity_provider_id: Option<Uuid>,
}

/// A session as events tell of it: without address and program, since the ledger is for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionFact {
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When the session expires.
    pub expires_at: DateTime<Utc>,
    /// The OpenID provider by which the user signed in; null for a password.
    pub identity_provider_id: Option<Uuid>,
    /// When the session was ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was ended.
    pub end_reason: Option<SessionEndReason>,
}

impl Session {
    /// What events tell of it.
    pub fn fact(&self) -> SessionFact {
        SessionFact {
            created_at: self.created_at,
            expires_at: self.expires_at,
            identity_provider_id: self.identity_provider_id,
            ended_at: self.ended_at,
            end_reason: self.end_reason,
        }
    }
}

/// What a client decides on is whether it was ended; its use does not count.
impl Versioned for Session {
    fn version(&self) -> i64 {
        1 + i64::from(self.ended_at.is_some())
    }
}

/// Where a sign-in came from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The program.
    pub user_agent: Option<String>,
    /// The network address.
    pub address: Option<String>,
    /// The session at the provider by which the person signed in; none for a password.
    pub provider: Option<ProviderSession>,
}

/// What a session at an OpenID provider is known by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderSession {
    /// The provider.
    pub provider_id: Uuid,
    /// Who its person is there.
    pub subject: String,
    /// What the provider calls the session (`sid`), if it says so.
    pub sid: Option<String>,
    /// The ID token, by which the provider knows the session to end it.
    pub id_token: Option<String>,
}
