//! The types of `/v1/users/{user_id}/identities`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{db::schema::identities, http::Versioned};

/// Who a person is at an OpenID provider: who signs in there as this subject is this person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = identities)]
pub struct Identity {
    /// Our id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// The provider.
    #[diesel(column_name = provider_id)]
    pub identity_provider_id: Uuid,
    /// Who they are there (`sub`).
    #[schema(example = "248289761001")]
    pub subject: String,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
    /// When they last signed in by it.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// An identity as events tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkedIdentity {
    /// The provider.
    pub identity_provider_id: Uuid,
    /// Who the user is there (`sub`).
    #[schema(example = "248289761001")]
    pub subject: String,
}

impl From<&Identity> for LinkedIdentity {
    fn from(identity: &Identity) -> Self {
        LinkedIdentity {
            identity_provider_id: identity.identity_provider_id,
            subject: identity.subject.clone(),
        }
    }
}

/// An identity never changes; its use does not count.
impl Versioned for Identity {
    fn version(&self) -> i64 {
        1
    }
}

/// An identity to be linked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct LinkIdentity {
    /// The provider.
    pub identity_provider_id: Uuid,
    /// Who the person is there (`sub`), letter by letter.
    #[schema(min_length = 1, max_length = 255, example = "248289761001")]
    pub subject: String,
}
