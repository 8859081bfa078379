//! What is hashed: an event as bytes that never depend on who writes them.
//!
//! A JSON array without white space of position, id, recorded_at (RFC 3339, UTC, microseconds), actor_kind, actor_id,
//! on_behalf_of, request_id, action, object_kind, version, object_id, user_id, before, after and reason; the members of objects
//! are sorted by their names. An event's hash is SHA-256 over the hash before it (32 zero bytes for the first) and
//! these bytes.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::model::SealedEvent;

/// The hash before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// The hash of `event`, which stands at its position after the event whose hash is `previous`.
pub fn hash(previous: &[u8], event: &SealedEvent) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(bytes(event));
    hasher.finalize().to_vec()
}

fn bytes(event: &SealedEvent) -> String {
    let fields = json!([
        event.position,
        event.id,
        event.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        event.actor_kind,
        event.actor_id,
        event.on_behalf_of,
        event.request_id,
        event.action,
        event.object_kind,
        event.version,
        event.object_id,
        event.user_id,
        event.before,
        event.after,
        event.reason,
    ]);
    let mut text = String::new();
    write(&fields, &mut text);
    text
}

/// Written here and not left to serde_json, whose order of members is a build's choice.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            let sorted: BTreeMap<_, _> = members.iter().collect();
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                separate(index, text);
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}
