//! Opaque cursors: where a page ended, in which order, and of which list.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ApiError, Code};

/// The last row of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The order that it belongs to.
    #[serde(rename = "s")]
    pub sort: String,
    /// The row's value in that order.
    #[serde(rename = "k")]
    pub key: serde_json::Value,
    /// The row's id, which settles ties.
    #[serde(rename = "i")]
    pub id: Uuid,
}

impl Cursor {
    /// The text that clients hand back.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what a client handed back.
    pub fn decode(text: &str) -> Result<Self, ApiError> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok();
        decoded
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(invalid)
    }
}

/// A cursor that this list did not give.
pub fn invalid() -> ApiError {
    ApiError::new(
        Code::InvalidCursor,
        "Take `cursor` from `next_cursor` of the same list with the same `sort`, or leave it out to begin again.",
    )
    .with_field("?cursor", "is not a cursor of this list in this order")
}
