//! The catalogue of events is whole, and `docs/events.md` lists it. That events are as the catalogue says is checked of
//! every event of every test, when its `TestApp` goes (`support/events.rs`).

use std::{collections::BTreeMap, env, fs};

use provost::{
    app::{EventKind, Payload},
    contract::{self, events},
};
use serde_json::Value;

const INTRODUCTION: &str = include_str!("events_introduction.md");

fn name(payload: Option<Payload>) -> String {
    payload.map_or_else(String::new, |payload| format!("`{}`", (payload.name)()))
}

/// The kinds of each action, which differ in nothing but what they are about.
fn by_action() -> BTreeMap<&'static str, Vec<EventKind>> {
    let mut by_action: BTreeMap<&str, Vec<EventKind>> = BTreeMap::new();
    for kind in events::all() {
        by_action.entry(kind.action).or_default().push(kind);
    }
    by_action
}

fn page() -> String {
    let mut text = format!(
        "{INTRODUCTION}\n| action | object | version | `before` | `after` | recorded when |\n|---|---|---|---|---|---|\n"
    );
    for (action, kinds) in by_action() {
        let objects: Vec<&str> = kinds.iter().map(|kind| kind.object_kind).collect();
        let kind = &kinds[0];
        text.push_str(&format!(
            "| `{action}` | {} | {} | {} | {} | {} |\n",
            objects.join(", "),
            kind.version,
            name(kind.before),
            name(kind.after),
            kind.summary(),
        ));
    }
    text
}

/// `PROVOST_WRITE_DOCS=1 cargo test --test integration contract::events` writes it again.
#[test]
fn the_table_of_events_is_current() {
    if env::var_os("PROVOST_WRITE_DOCS").is_some() {
        fs::write("docs/events.md", page()).unwrap();
    }
    let written = fs::read_to_string("docs/events.md").unwrap_or_default();
    assert!(
        written == page(),
        "docs/events.md is stale: see the test's comment"
    );
}

#[test]
fn kinds_of_one_action_differ_in_their_object_alone() {
    for (action, kinds) in by_action() {
        let says = |kind: &EventKind| (kind.version, kind.summary(), name(kind.before), name(kind.after));
        let mut objects: Vec<&str> = kinds.iter().map(|kind| kind.object_kind).collect();
        objects.dedup();
        assert_eq!(objects.len(), kinds.len(), "{action} is declared twice");
        assert!(kinds.iter().all(|kind| says(kind) == says(&kinds[0])), "{action}");
        assert!(kinds[0].summary().ends_with('.'), "{action}");
    }
}

#[test]
fn the_document_has_a_webhook_for_each_action_with_its_payloads() {
    let document: Value = serde_json::from_str(contract::text()).unwrap();
    let webhooks = document["webhooks"].as_object().unwrap();
    assert!(webhooks.keys().eq(by_action().keys()));
    for (action, webhook) in webhooks {
        let schema = &webhook["post"]["requestBody"]["content"]["application/json"]["schema"];
        for side in ["before", "after"] {
            let payload = &schema["allOf"][1]["properties"][side];
            if let Some(reference) = payload["$ref"].as_str() {
                let found = document.pointer(reference.trim_start_matches('#'));
                assert!(found.is_some(), "{action}: {reference}");
            }
        }
    }
}
