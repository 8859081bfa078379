//! Which attributes of SCIM have a home in a person's row, and how they are told there. The others are kept as they were
//! said.

use serde_json::{Map, Value, json};

use super::record::Record;
use crate::scim::schema::{
    ENTERPRISE_USER, PROVOST_USER, Resource,
    attribute::{clear_primary, is_primary},
    set_text, text_at,
};

/// An attribute with a home. All of them travel as text; empty is none.
pub struct MappedAttribute {
    /// What SCIM calls it.
    pub name: &'static str,
    /// What `/v1/users` calls it.
    pub field: &'static str,
    /// What a resource says.
    pub read: fn(&Resource) -> Option<String>,
    /// Has a resource say it.
    pub write: fn(&mut Resource, Option<String>),
    /// What the row says.
    pub stored: fn(&Record) -> Option<String>,
    /// What the row says where the resource no longer does; `None` if it then stays as it is.
    pub emptied: Option<Value>,
    /// Whether it is one text in one place.
    pub is_plain: bool,
}

const GIVEN_NAME: &[&str] = &["name", "givenName"];
const FAMILY_NAME: &[&str] = &["name", "familyName"];
const DEPARTMENT: &[&str] = &[ENTERPRISE_USER, "department"];
const COST_CENTER: &[&str] = &[ENTERPRISE_USER, "costCenter"];
const MANAGER: &[&str] = &[ENTERPRISE_USER, "manager", "value"];
const ORG_UNIT: &[&str] = &[PROVOST_USER, "orgUnit"];

macro_rules! home {
    ($name:literal at $path:expr, $field:literal, $stored:expr, $emptied:expr) => {
        MappedAttribute {
            name: $name,
            field: $field,
            read: |resource| text_at(resource, $path).map(str::to_owned),
            write: |resource, text| set_text(resource, $path, text),
            stored: $stored,
            emptied: $emptied,
            is_plain: true,
        }
    };
}

/// What `PUT` leaves out of these is emptied by null.
const NULL: Option<Value> = Some(Value::Null);

/// The attributes with a home.
pub static HOMES: &[MappedAttribute] = &[
    home!("userName" at &["userName"], "username", |record| Some(record.user.username.clone()), None),
    home!("name.givenName" at GIVEN_NAME, "given_name", |record| Some(record.user.given_name.clone()), None),
    home!("name.familyName" at FAMILY_NAME, "family_name", |record| Some(record.user.family_name.clone()),
        Some(Value::String(String::new()))),
    home!("title" at &["title"], "title", |record| record.user.title.clone(), NULL),
    home!("userType" at &["userType"], "employment_type", |record| record.user.employment_type.clone(), NULL),
    home!("department" at DEPARTMENT, "department", |record| record.user.department.clone(), NULL),
    home!("costCenter" at COST_CENTER, "cost_centre", |record| record.user.cost_centre.clone(), NULL),
    home!("timezone" at &["timezone"], "time_zone", |record| record.user.time_zone.clone(), NULL),
    home!("manager" at MANAGER, "manager_id", |record| Some(record.user.manager_id?.to_string()), NULL),
    home!("orgUnit" at ORG_UNIT, "org_unit_id", |record| record.org_unit.clone(), NULL),
    MappedAttribute {
        name: "emails",
        field: "email",
        read: |resource| {
            let emails = resource.get("emails")?.as_array()?;
            let email = emails.get(main_email(emails)?)?["value"].as_str()?;
            Some(email.trim().to_owned())
        },
        write: write_email,
        stored: |record| record.user.email.clone(),
        emptied: NULL,
        is_plain: false,
    },
    MappedAttribute {
        name: "preferredLanguage",
        field: "locale",
        read: |resource| {
            // The first of `pt-BR, pt;q=0.8`.
            let language =
                text_at(resource, &["preferredLanguage"]).or_else(|| text_at(resource, &["locale"]))?;
            let first = language.split([',', ';']).next()?.trim().replace('_', "-");
            Some(first).filter(|language| !language.is_empty())
        },
        write: |resource, text| set_text(resource, &["preferredLanguage"], text),
        stored: |record| Some(record.user.locale.clone()),
        emptied: None,
        is_plain: false,
    },
];

/// Attributes of the enterprise extension that are custom attributes here, where one of that name is defined.
pub const CUSTOM: [(&str, &str); 3] = [
    ("employeeNumber", "employee_number"),
    ("organization", "organization"),
    ("division", "division"),
];

/// The address that counts: the primary one for work, one for work, the primary one, or the first.
fn main_email(emails: &[Value]) -> Option<usize> {
    let has_value = |at: &usize| {
        emails[*at]["value"]
            .as_str()
            .is_some_and(|value| !value.trim().is_empty())
    };
    best_email(emails, has_value)
}

/// The place that ranks first among those that `counts` lets count.
fn best_email(emails: &[Value], counts: impl Fn(&usize) -> bool) -> Option<usize> {
    let rank = |at: &usize| (is_for_work(&emails[*at]), is_primary(&emails[*at]));
    // Of equals the first.
    (0..emails.len()).filter(counts).rev().max_by_key(rank)
}

fn is_for_work(email: &Value) -> bool {
    email["type"]
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
}

/// Shows the user's address as the one for work, in the place of another one for work. Who has no address shows none.
fn write_email(resource: &mut Resource, email: Option<String>) {
    let Some(email) = email else {
        resource.remove("emails");
        return;
    };
    let emails = resource.entry("emails").or_insert_with(|| json!([]));
    let Value::Array(emails) = emails else { return };
    match best_email(emails, |_| true) {
        Some(at) if is_for_work(&emails[at]) || emails[at]["type"].is_null() => {
            emails[at]["value"] = email.into();
        }
        _ => {
            emails.iter_mut().for_each(clear_primary);
            emails.push(json!({"value": email, "type": "work", "primary": true}));
        }
    }
}

/// All addresses of a resource.
pub fn addresses(resource: &Resource) -> impl Iterator<Item = &str> {
    let emails = resource.get("emails").and_then(Value::as_array);
    emails
        .into_iter()
        .flatten()
        .filter_map(|email| email["value"].as_str())
}

/// What a resource would have changed in the row of `record`: the fields of `/v1/users` that differ. What `before` says
/// and the resource does not is emptied where the row still has it; what came another way stays, but for a given name that
/// was made up of other names, which follows them.
pub fn changes(record: &Record, before: &Resource, resource: &Resource) -> Map<String, Value> {
    let mut changes = Map::new();
    for home in HOMES {
        let stored = (home.stored)(record).filter(|text| !text.is_empty());
        match (home.read)(resource) {
            Some(text) if Some(&text) != stored.as_ref() => {
                changes.insert(home.field.into(), text.into());
            }
            Some(_) => {}
            None if home.field == "given_name" => {
                let name = any_name(resource).filter(|name| stored.as_deref() != Some(*name));
                if let Some(name) = name.filter(|_| is_made_up(stored.as_deref(), before)) {
                    changes.insert(home.field.into(), name.into());
                }
            }
            None => {
                let was_said = stored.is_some() && (home.read)(before) == stored;
                if let Some(empty) = home.emptied.as_ref().filter(|_| was_said) {
                    changes.insert(home.field.into(), empty.clone());
                }
            }
        }
    }
    changes
}

/// What a resource says of a new person, by the fields of `/v1/users`.
pub fn fields(resource: &Resource) -> Map<String, Value> {
    let said = HOMES
        .iter()
        .filter_map(|home| Some((home.field, (home.read)(resource)?)));
    let mut fields: Map<String, Value> = said
        .map(|(field, text)| (field.to_owned(), text.into()))
        .collect();
    fields.entry("family_name").or_insert_with(|| "".into());
    fields
        .entry("given_name")
        .or_insert_with(|| any_name(resource).unwrap_or_default().into());
    fields
}

/// A name for users without a given name.
fn any_name(resource: &Resource) -> Option<&str> {
    let family_name = text_at(resource, FAMILY_NAME);
    let paths: [&[&str]; 3] = [&["name", "formatted"], &["displayName"], &["userName"]];
    paths
        .iter()
        .find_map(|path| text_at(resource, path))
        .or(family_name)
}

/// Whether a given name is one that was put in the place of the one that a resource does not say.
pub fn is_made_up(given_name: Option<&str>, resource: &Resource) -> bool {
    text_at(resource, GIVEN_NAME).is_none() && given_name.is_some() && given_name == any_name(resource)
}

/// What of a resource has no home: what only SCIM keeps.
pub fn homeless(resource: &Resource) -> Resource {
    let mut rest = resource.clone();
    for home in HOMES.iter().filter(|home| home.field != "email") {
        (home.write)(&mut rest, None);
    }
    if let Some(Value::Array(emails)) = rest.get_mut("emails") {
        main_email(emails).map(|at| emails.remove(at));
        if emails.is_empty() {
            rest.remove("emails");
        }
    }
    rest.remove("active");
    rest
}

/// A fault at a field of `/v1/users` by the name that SCIM has for it.
pub fn scim_name(pointer: &str) -> String {
    let field = pointer.trim_start_matches('/');
    if field.starts_with("external_keys") || field == "key" {
        return "externalId".into();
    }
    if let Some(attribute) = field.strip_prefix("attributes/") {
        let known = CUSTOM.iter().find(|(_, custom)| *custom == attribute);
        return known.map_or(attribute, |(name, _)| name).to_owned();
    }
    let home = HOMES.iter().find(|home| home.field == field);
    home.map_or(field, |home| home.name).to_owned()
}
