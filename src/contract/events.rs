//! The catalogue of events: the list of all kinds, which stand beside what records them.

use serde_json::{Map, Value, json};

use super::RESOURCES;
use crate::{
    access,
    app::{EventKind, Payload},
    catalog, credential, enrollment, import, jobs, learning, ledger, operations, people,
    resource::Listed,
    scim,
};

/// Recorded by a command, above all rooms that have kinds.
pub const DEMO_BUILT: EventKind =
    EventKind::new("demo.built", "demo", "The academy of `provost demo` was built.");

/// The kinds of events of each room, beside those of resources.
const ROOMS: &[&[EventKind]] = &[
    operations::events::KINDS,
    jobs::events::KINDS,
    ledger::events::KINDS,
    import::events::KINDS,
    access::events::KINDS,
    people::events::KINDS,
    people::events::OF_EXTERNAL_KEYS,
    scim::events::KINDS,
    catalog::events::KINDS,
    enrollment::events::KINDS,
    learning::events::KINDS,
    credential::events::KINDS,
    &[DEMO_BUILT],
];

/// Every kind of event, in the order of their names.
pub fn all() -> Vec<EventKind> {
    let of_resources = RESOURCES.iter().flat_map(Listed::event_kinds);
    let of_rooms = ROOMS.iter().flat_map(|kinds| kinds.iter().copied());
    let mut kinds: Vec<EventKind> = of_resources.chain(of_rooms).collect();
    kinds.sort_by_key(|kind| (kind.action, kind.object_kind));
    kinds
}

/// Adds the schemas of payloads to those that operations name.
pub(super) fn add_schemas(schemas: &mut Map<String, Value>) {
    for payload in all().iter().flat_map(|kind| [kind.before, kind.after]).flatten() {
        let mut named = vec![((payload.name)().into_owned(), (payload.schema)())];
        (payload.schemas)(&mut named);
        for (name, schema) in named {
            schemas.entry(name).or_insert_with(|| json!(schema));
        }
    }
}

/// The section `webhooks` of the document: one for each action, whose body is an event with the payloads of its kind.
pub(super) fn webhooks() -> Value {
    let mut webhooks = Map::new();
    for kind in all() {
        let webhook = webhooks
            .entry(kind.action)
            .or_insert_with(|| json!({ "post": webhook(&kind) }));
        let object_kinds = &mut webhook["post"]["requestBody"]["content"]["application/json"]["schema"]["allOf"]
            [1]["properties"]["object_kind"]["enum"];
        if let Some(object_kinds) = object_kinds.as_array_mut() {
            object_kinds.push(kind.object_kind.into());
        }
    }
    Value::Object(webhooks)
}

fn webhook(kind: &EventKind) -> Value {
    let payload = |payload: Option<Payload>| match payload {
        Some(payload) => json!({ "$ref": format!("#/components/schemas/{}", (payload.name)()) }),
        None => json!({ "type": "null" }),
    };
    json!({
        "operationId": kind.action.replace('.', "_"),
        "summary": kind.summary().trim_end_matches('.'),
        "tags": ["events"],
        "security": [],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": { "allOf": [
                { "$ref": "#/components/schemas/Event" },
                {
                    "type": "object",
                    "properties": {
                        "action": { "type": "string", "enum": [kind.action] },
                        "object_kind": { "type": "string", "enum": [] },
                        "version": { "type": "integer", "enum": [kind.version] },
                        "before": payload(kind.before),
                        "after": payload(kind.after),
                    },
                },
            ] } } },
        },
        "responses": { "200": { "description": "The event was received." } },
    })
}
