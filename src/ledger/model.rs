//! Sealed events, and the types of `/v1/ledger`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable, dsl::sql, expression::SqlLiteral, sql_types::Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ActorKind;
use crate::{db::schema::sealed_events, protected};

/// A change to one thing, sealed into the ledger. The reports show it to clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = sealed_events)]
#[schema(as = EventFields)]
pub struct SealedEvent {
    /// Our id.
    pub id: Uuid,
    /// Where it stands in the ledger: 1, 2, 3 … without gaps.
    pub position: i64,
    /// SHA-256 over the hash before and this event, in hexadecimal.
    #[diesel(select_expression = sql("encode(sealed_events.hash, 'hex')"), select_expression_type = SqlLiteral<Text>)]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What kind of principal did it.
    pub actor_kind: ActorKind,
    /// Who did it; none for Provost itself.
    pub actor_id: Option<Uuid>,
    /// In whose place: for the system's work, who caused it.
    pub on_behalf_of: Option<Uuid>,
    /// The request in which it was done.
    pub request_id: String,
    /// What was done.
    #[schema(example = "user.updated")]
    pub action: String,
    /// What it was done to.
    #[schema(example = "user")]
    pub object_kind: String,
    /// The version of the form of `before` and `after`, which the document tells for each action.
    #[schema(example = 1)]
    pub version: i16,
    /// Which one.
    pub object_id: Uuid,
    /// The person whom it is about.
    pub user_id: Option<Uuid>,
    /// The thing before.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// The thing after.
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
    /// Why, in the actor's own words.
    pub reason: Option<String>,
}

impl SealedEvent {
    /// The principal who caused it.
    pub fn cause(&self) -> Option<Uuid> {
        self.actor_id.or(self.on_behalf_of)
    }
}

protected!(SealedEvent in sealed_events, name: "event", external: None, read: EventsRead,
covered: |scope| scope.users("sealed_events.user_id"));

/// The end of the chain. Keep it to tell later whether the past was rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerHead {
    /// The last position.
    pub position: i64,
    /// Its hash, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerFault {
    /// The first position that is not as it was sealed.
    pub position: i64,
    /// What is wrong there.
    pub detail: String,
}

/// What a walk along the chain found: the result of a `ledger.verification`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerVerification {
    /// Whether the chain is as it was sealed.
    pub intact: bool,
    /// Events that were checked.
    pub checked: i64,
    /// The first fault.
    pub fault: Option<LedgerFault>,
    /// The end of the chain that the walk went to.
    pub head: LedgerHead,
}
