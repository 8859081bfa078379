//! From a provider's claims to the fields of a person, in the words of imports.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    access::sso::{Person, providers::model::ProviderRow},
    app::Tx,
    db::schema::org_units,
    http::{ApiResult, FieldError},
    import::{
        Target, check,
        record::{self, Record},
        target::{Empty, Field, Kind},
        value::named_columns,
    },
    people::users::import::UserImport,
    sql,
    text::fold,
};

/// The field that names a person's org unit by its code.
const ORG_UNIT: &str = "org_unit";
/// What comes before the name of a custom attribute.
const ATTRIBUTE: &str = "attributes.";

/// What a provider may fill: what imports may, but whether people may sign in, which is not the provider's to say.
fn fields(tx: &mut Tx) -> ApiResult<Vec<Field>> {
    let mut fields = UserImport.fields(tx)?;
    fields.retain(|field| field.name != "status");
    fields.push(Field {
        name: ORG_UNIT.into(),
        kind: Kind::Text(100),
        empty: Empty::Left,
        present: sql!("NULL"),
        number_after: None,
    });
    Ok(fields)
}

/// What is wrong with a provider's mapping.
pub fn faults(tx: &mut Tx, provider: &ProviderRow) -> ApiResult<Vec<FieldError>> {
    let fields = fields(tx)?;
    Ok(check::field_faults(
        &provider.fields(),
        &fields,
        provider.creates_people,
        "/mapping",
    ))
}

/// The fields of a person as `CreateUser` and `UpdateUser` have them. An e-mail address that the provider says is not
/// verified is nobody's word: mail leads to passwords.
pub fn read(tx: &mut Tx, provider: &ProviderRow, person: &Person) -> ApiResult<Record> {
    let fields = fields(tx)?;
    let mut mapping = provider.fields();
    if person.claims.get("email_verified").is_some_and(is_false) {
        mapping.remove("email");
    }
    let claims = Value::Object(person.claims.clone());
    // What is not said is not changed: access tokens say little of people.
    mapping.retain(|_, value| {
        let named = named_columns(value);
        let is_said = |claim: &String| text(&claims, claim).is_some();
        match value.template {
            Some(_) => named.iter().all(is_said),
            None => named.is_empty() || named.iter().any(is_said),
        }
    });
    let mut read = record::read(&mapping, &fields, |claim| text(&claims, claim));
    // A zone that only the provider knows keeps nobody out: the person inherits one.
    read.issues
        .retain(|issue| issue.field.as_deref() != Some("time_zone"));
    let mut attributes = Map::new();
    let mut plain = Map::new();
    for (name, value) in read.fields {
        match name.strip_prefix(ATTRIBUTE) {
            Some(attribute) => attributes.insert(attribute.to_owned(), value),
            None => plain.insert(name, value),
        };
    }
    if !attributes.is_empty() {
        plain.insert("attributes".into(), attributes.into());
    }
    if let Some(code) = plain.remove(ORG_UNIT) {
        match org_unit(tx, code.as_str().unwrap_or_default())? {
            Some(unit) => {
                plain.insert("org_unit_id".into(), unit.to_string().into());
            }
            None => log::warn!("identity provider {}: there is no org unit {code}", provider.code),
        }
    }
    read.fields = plain;
    Ok(read)
}

/// False, as some providers write it.
fn is_false(value: &Value) -> bool {
    *value == Value::Bool(false) || value.as_str() == Some("false")
}

/// True, as some providers write it.
pub fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true) || value.as_str() == Some("true")
}

fn org_unit(tx: &mut Tx, code: &str) -> ApiResult<Option<Uuid>> {
    let unit = org_units::table
        .filter(org_units::code_folded.eq(fold(code)))
        .filter(org_units::archived_at.is_null())
        .select(org_units::id)
        .first(tx.conn)
        .optional()?;
    Ok(unit)
}

/// A claim: `address.country` goes down.
pub fn value<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    value(claims.get(first)?, rest)
}

/// A claim as text; a list has commas between its items. U+0000, which no text may hold here, is left out.
pub fn text(claims: &Value, name: &str) -> Option<String> {
    value(claims, name).and_then(shown)
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.replace('\0', "")),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_so) => Some(is_so.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(shown).collect::<Vec<_>>().join(",")),
        Value::Null | Value::Object(_) => None,
    }
}
