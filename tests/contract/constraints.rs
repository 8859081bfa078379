//! A constraint's name says which field of a body it is about: `<table>_<field>_key` and `<table>_<field>_fkey`. Walks the
//! database's catalog, so that a new table is covered by itself.

use std::collections::BTreeSet;

use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{Array, Bool, Text},
};
use provost::sql;
use serde_json::Value;

use super::operations;
use crate::support::TestApp;

/// Tables whose rows requests bring in bodies that are not called `Create…`.
const BODIES: &[(&str, &str)] = &[
    ("external_keys", "ExternalKey"),
    ("identities", "LinkIdentity"),
    ("service_account_secrets", "CreateSecret"),
];

/// What must be unique and is about no field of a body, each with the reason why no body can break it.
const ABOUT_NO_FIELD: &[(&str, &str)] = &[
    (
        "completions_one_correction",
        "the user is locked, and a completion that was corrected is refused",
    ),
    (
        "content_versions_one_number",
        "the content is locked, and Provost counts its versions",
    ),
    (
        "enrollments_one_live",
        "the user is locked, and `already_enrolled` comes first",
    ),
    (
        "groups_one_kind",
        "ids are Provost's own; foreign keys name the kind with the id",
    ),
    (
        "requirements_one_cycle",
        "the user is locked, and Provost counts the cycles",
    ),
    (
        "requirements_one_open",
        "the user is locked, and an open requirement gets another reason",
    ),
    ("service_account_secrets_one_scim", "secrets are random"),
];

#[derive(QueryableByName)]
struct Constraint {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
}

impl Constraint {
    /// What the name says.
    fn field(&self) -> Option<&str> {
        let ending = if self.is_unique { "_key" } else { "_fkey" };
        let rest = self.name.strip_prefix(&self.table_name)?.strip_prefix('_')?;
        rest.strip_suffix(ending)
    }
}

/// Everything unique but ids, and every foreign key.
fn constraints(app: &TestApp) -> Vec<Constraint> {
    let statement = sql!(
        "SELECT index.relname::text AS name, of.relname::text AS table_name, TRUE AS is_unique,
            (SELECT array_agg(attname::text) FROM pg_attribute
                WHERE attrelid = of.oid AND attnum = ANY (i.indkey)) AS columns
        FROM pg_index i JOIN pg_class index ON index.oid = i.indexrelid JOIN pg_class of ON of.oid = i.indrelid
        WHERE i.indisunique AND index.relname NOT LIKE '%\\_pkey'
            AND of.relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT c.conname::text, of.relname::text, FALSE,
            (SELECT array_agg(attname::text) FROM pg_attribute
                WHERE attrelid = of.oid AND attnum = ANY (c.conkey))
        FROM pg_constraint c JOIN pg_class of ON of.oid = c.conrelid
        WHERE c.contype = 'f' AND of.relnamespace = current_schema()::regnamespace
        ORDER BY 1"
    );
    let mut conn = app.app.db.connection().unwrap();
    statement.load(&mut *conn).unwrap()
}

/// The members of the body that adds a row of the table; none for tables that Provost alone writes.
fn body_of<'a>(document: &'a Value, table: &str) -> Option<&'a Value> {
    let known = BODIES.iter().find(|(known, _)| *known == table);
    let name = match known {
        Some((_, name)) => (*name).to_owned(),
        None => format!("Create{}", singular(table)),
    };
    let schema = document["components"]["schemas"].get(&name);
    assert!(known.is_none() || schema.is_some(), "{name} is no schema");
    schema.map(|schema| &schema["properties"])
}

/// `OrgUnit` of `org_units`.
fn singular(table: &str) -> String {
    let one = match table.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => table.trim_end_matches('s').to_owned(),
    };
    let words = one.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

#[actix_web::test]
async fn constraints_are_named_for_the_fields_that_they_are_about() {
    let app = TestApp::start().await;
    let document = operations::document();
    let (mut faults, mut tables, mut excused) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for constraint in constraints(&app) {
        let Some(members) = body_of(document, &constraint.table_name) else {
            continue;
        };
        let is_member = |column: &&String| members.get(column.trim_end_matches("_folded")).is_some();
        let is_of_body = constraint.columns.iter().any(|column| is_member(&column));
        let is_excused = |known: &&(&str, &str)| known.0 == constraint.name;
        if let Some((name, _)) = ABOUT_NO_FIELD.iter().find(is_excused) {
            excused.insert(*name);
        } else if constraint.is_unique || is_of_body {
            let field = constraint.field().unwrap_or_default();
            let mut columns = constraint.columns.iter();
            let is_true = columns.any(|column| field.ends_with(column.trim_end_matches("_folded")));
            if members.get(field).is_none() || !is_true {
                faults.push(format!("{} on {:?}", constraint.name, constraint.columns));
            }
        }
        tables.insert(constraint.table_name);
    }
    assert!(faults.is_empty(), "about no field of a body: {faults:#?}");
    assert_eq!(excused.len(), ABOUT_NO_FIELD.len(), "{excused:?}");
    assert!(tables.len() > 15, "{tables:?}");
}
