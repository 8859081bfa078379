//! What is hashed: an event as bytes that never depend on who writes them.
//!
//! A JSON array without white space of position, id, recorded_at (RFC 3339, UTC, microseconds), actor_kind, actor_id,
//! on_behalf_of, request_id, action, object_kind, version, object_id, user_id and digest (hexadecimal); what is not there is
//! `null`. An event's hash is SHA-256 over the hash before it (32 zero bytes for the first) and these bytes.
//!
//! The digest stands for the payload, so that it can be erased: SHA-256 over the event's salt and the payload's bytes,
//! `[before, after, reason]` as PostgreSQL prints `jsonb`. Verifiers hash these bytes as they are.

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::HEXLOWER;
use diesel::QueryableByName;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::ActorKind;
use crate::db::schema::events;

/// The hash before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// What the chain covers of an event, but for its position.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = events)]
pub struct Covered {
    /// Our id.
    pub id: Uuid,
    /// The user whom it is about; the nil id where it is about none.
    pub user_id: Uuid,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What kind of principal did it.
    pub actor_kind: ActorKind,
    /// Who did it.
    pub actor_id: Option<Uuid>,
    /// In whose place.
    pub on_behalf_of: Option<Uuid>,
    /// The request in which it was done.
    pub request_id: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub object_kind: String,
    /// The version of the form of its payload.
    pub version: i16,
    /// Which one.
    pub object_id: Uuid,
    /// What stands for the payload.
    pub digest: Vec<u8>,
}

impl Covered {
    /// The user whom it is about.
    pub fn user(&self) -> Option<Uuid> {
        Some(self.user_id).filter(|id| !id.is_nil())
    }

    /// The hash of the event at `position`, after the event whose hash is `previous`.
    pub fn hash(&self, previous: &[u8], position: i64) -> Vec<u8> {
        let covered = (
            position,
            self.id,
            self.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.actor_kind,
            self.actor_id,
            self.on_behalf_of,
            &self.request_id,
            &self.action,
            &self.object_kind,
            self.version,
            self.object_id,
            self.user(),
            HEXLOWER.encode(&self.digest),
        );
        // Numbers, ids and texts: there is nothing that JSON could not hold.
        Sha256::new()
            .chain_update(previous)
            .chain_update(serde_json::to_vec(&covered).unwrap_or_default())
            .finalize()
            .to_vec()
    }
}
