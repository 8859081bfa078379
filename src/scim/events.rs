//! The events of SCIM beside those of the users and groups that it writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::ledger::EventKind;

/// Attributes of a SCIM user that have no place in a user: kept as the client sent them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct ScimAttributes(pub BTreeMap<String, Value>);

pub const USER_UPDATED: EventKind = EventKind::new(
    "scim_user.updated",
    "user",
    "Attributes that only SCIM keeps of the user changed.",
)
.changes::<ScimAttributes>();
pub const USER_DELETED: EventKind = EventKind::new(
    "scim_user.deleted",
    "user",
    "A SCIM client deleted the user, who is archived and hidden from this client.",
);

/// All of them.
pub const KINDS: &[EventKind] = &[USER_UPDATED, USER_DELETED];
