//! What SCIM clients said of a user, kept apart from what the user is by now.
//!
//! A PATCH is read twice. Its effect is what it makes of the resource that clients see. What the client said is what it
//! makes of what was said before: a value that only an import or `/v1` gave is not the client's word.

use serde_json::{Value, json};

use super::{mapped::HOMES, record::Record};
use crate::{
    http::ApiResult,
    scim::{
        patch::{self, Operation, UNSAID},
        schema::{Resource, USER},
    },
};

/// What was said of the user after a PATCH of these `operations` and `others`.
pub fn after_patch(record: &Record, (operations, others): (Vec<Operation>, Resource)) -> ApiResult<Resource> {
    let before = record.said();
    let names_emails = operations
        .iter()
        .any(|operation| operation.path.is_about("emails"));
    let mut start = before.clone();
    if names_emails {
        set(&mut start, "emails", marked_emails(record));
    }
    let mut said = patch::apply(&USER, start, (operations, others))?;
    if names_emails {
        let emails = said.remove("emails").map(unmarked);
        set(&mut said, "emails", emails);
    }
    Ok(said)
}

/// The addresses that clients see. The one that came another way carries what clients said in its place.
fn marked_emails(record: &Record) -> Option<Value> {
    let said = record.said();
    let said: &[Value] = said
        .get("emails")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice);
    let mut shown = record.resource().remove("emails")?;
    for (at, email) in shown.as_array_mut()?.iter_mut().enumerate() {
        if said.get(at).map(|said| &said["value"]) != Some(&email["value"]) {
            let mark = json!({ "shown": email.clone(), "said": said.get(at) });
            email[UNSAID] = mark;
        }
    }
    Some(shown)
}

/// Addresses as clients said them: of one that still carries its mark the client gave no value.
fn unmarked(emails: Value) -> Value {
    let Value::Array(emails) = emails else {
        return emails;
    };
    let said = emails.into_iter().filter_map(|mut email| {
        let Some(mark) = email.as_object_mut().and_then(|parts| parts.remove(UNSAID)) else {
            return Some(email);
        };
        if email == mark["shown"] {
            return Some(mark["said"].clone()).filter(|said| !said.is_null());
        }
        let parts = email.as_object_mut()?;
        match mark["said"].get("value") {
            Some(value) => parts.insert("value".into(), value.clone()),
            None => parts.remove("value"),
        };
        Some(email)
    });
    said.collect()
}

fn set(resource: &mut Resource, name: &str, value: Option<Value>) {
    match value.filter(|value| *value != json!([])) {
        Some(value) => resource.insert(name.into(), value),
        None => resource.remove(name),
    };
}

/// Writes what a client newly said in the words that the row has for it, such as a unit's code in the row's case, so
/// that it is known again later.
pub fn in_v1_names(record: &Record, before: &Resource, said: &mut Resource) {
    for home in HOMES.iter().filter(|home| home.is_plain) {
        let text = (home.read)(said);
        if text.is_some() && text != (home.read)(before) {
            (home.write)(said, (home.stored)(record));
        }
    }
}
