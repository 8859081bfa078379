//! The events of SCIM beside those of the users and groups that it writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::event_kinds;

/// Attributes of a SCIM user that have no place in a user: kept as the client sent them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct ScimAttributes(pub BTreeMap<String, Value>);

event_kinds! {
    /// Attributes that only SCIM keeps of the user changed.
    USER_UPDATED = "scim_user.updated" of "user", changes: ScimAttributes;
    /// A SCIM client deleted the user, who is archived and hidden from this client.
    USER_DELETED = "scim_user.deleted" of "user";
}
