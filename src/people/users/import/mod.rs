//! People as a target of imports: their fields, their managers and their org units.

mod made;
mod resolve;
mod write;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::UserStatus;
use crate::{
    access::{Permission, inclusion},
    app::Tx,
    db::{Sql, bind, schema::attribute_definitions},
    http::ApiResult,
    import::{
        Target,
        mapping::ReferenceBy,
        target::{Declaration, Empty, Field, Kind, Match, Plan, Reference},
    },
    sql,
};

/// Writes people.
pub struct UserImport;

static DECLARATION: Declaration = Declaration {
    resource: "users",
    table: "users",
    external_kind: "user",
    permissions: &[Permission::UsersWrite, Permission::OrgUnitsWrite],
    reads: &[Permission::UsersRead, Permission::OrgUnitsRead],
    matches: &[
        Match {
            field: "username",
            wanted: "g.folded ->> 'username_folded'",
            present: "t.username_folded",
        },
        Match {
            field: "email",
            wanted: "g.folded ->> 'email_folded'",
            present: "t.email_folded",
        },
    ],
    references: &[
        Reference {
            name: "manager",
            by: &[ReferenceBy::Key, ReferenceBy::Name, ReferenceBy::Username],
            made: &["username", "email", "given_name", "family_name"],
            is_path: false,
            is_same: "t.manager_id::text IS NOT DISTINCT FROM r.refs ->> 'manager_id'",
            shown: "(SELECT m.username FROM users m WHERE m.id = t.manager_id)",
        },
        Reference {
            name: "org_unit",
            by: &[ReferenceBy::Code, ReferenceBy::Name],
            made: &[],
            is_path: true,
            is_same: "(SELECT o.code FROM org_units o WHERE o.id = t.org_unit_id) IS NOT DISTINCT FROM r.refs ->> 'org_unit'",
            shown: "(SELECT o.code FROM org_units o WHERE o.id = t.org_unit_id)",
        },
    ],
    missing: &["suspended", "archived"],
    gone: &["archived"],
};

const MOST: usize = 200;

impl Target for UserImport {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn fields(&self, tx: &mut Tx) -> ApiResult<Vec<Field>> {
        let statuses = UserStatus::WORDS.iter().map(|word| (*word).to_owned()).collect();
        let mut fields = vec![
            field(
                "username",
                Kind::Word(MOST),
                Empty::Refused,
                "to_jsonb(t.username)",
            ),
            field("email", Kind::Email, Empty::Null, "to_jsonb(t.email)"),
            field(
                "given_name",
                Kind::Name(MOST),
                Empty::Refused,
                "to_jsonb(t.given_name)",
            ),
            field(
                "family_name",
                Kind::Name(MOST),
                Empty::Blank,
                "to_jsonb(t.family_name)",
            ),
            field("status", Kind::OneOf(statuses), Empty::Left, "to_jsonb(t.status)"),
            field("locale", Kind::Language, Empty::Left, "to_jsonb(t.locale)"),
            field("time_zone", Kind::TimeZone, Empty::Null, "to_jsonb(t.time_zone)"),
            field("title", Kind::Text(MOST), Empty::Null, "to_jsonb(t.title)"),
            field("job_code", Kind::Text(MOST), Empty::Null, "to_jsonb(t.job_code)"),
            field(
                "department",
                Kind::Text(MOST),
                Empty::Null,
                "to_jsonb(t.department)",
            ),
            field("location", Kind::Text(MOST), Empty::Null, "to_jsonb(t.location)"),
            field(
                "cost_centre",
                Kind::Text(MOST),
                Empty::Null,
                "to_jsonb(t.cost_centre)",
            ),
            field(
                "employment_type",
                Kind::Text(MOST),
                Empty::Null,
                "to_jsonb(t.employment_type)",
            ),
            field("hired_on", Kind::Date, Empty::Null, "to_jsonb(t.hired_on)"),
            field("left_on", Kind::Date, Empty::Null, "to_jsonb(t.left_on)"),
        ];
        fields.extend(attributes(tx)?);
        Ok(fields)
    }

    fn resolve(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        resolve::resolve(tx, plan)
    }

    fn side_effects(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<Vec<(&'static str, i64)>> {
        let made = [
            ("org_unit", resolve::new_org_units(tx, plan)?),
            ("user", made::count(tx, plan)?),
        ];
        Ok(made.into_iter().filter(|(_, number)| *number > 0).collect())
    }

    /// Whoever gets a person's mail can reset their password; and where people sign in by keys of this source, whoever has
    /// the key is that person.
    fn powers(&self, import: Uuid, now: DateTime<Utc>) -> Option<Sql> {
        let people = sql![
            "SELECT object_id FROM import_rows WHERE action = 'update' AND changes ? 'email' AND import_id = ",
            bind(import),
            " UNION SELECT import_rows.object_id FROM import_rows
                JOIN imports ON imports.id = import_rows.import_id
                JOIN import_profile_versions profile ON profile.profile_id = imports.profile_id
                    AND profile.number = imports.profile_version
                JOIN identity_providers ON identity_providers.links_external_key ->> 'source'
                    = profile.mapping #>> '{key,source}' AND identity_providers.links_external_key @> '{\"privileged\": true}'
              WHERE import_rows.action = 'update' AND import_rows.refs ? 'external_key' AND import_rows.import_id = ",
            bind(import)
        ];
        Some(inclusion::reaching_those(people, now))
    }

    fn write(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        write::write(tx, plan)
    }
}

fn field(name: &'static str, kind: Kind, empty: Empty, present: &'static str) -> Field {
    Field {
        name: name.into(),
        kind,
        empty,
        present: sql![present],
    }
}

type Definition = (String, String, Option<Vec<String>>);

/// A field `attributes.{name}` for each custom attribute.
fn attributes(tx: &mut Tx) -> ApiResult<Vec<Field>> {
    let defined: Vec<Definition> = attribute_definitions::table
        .filter(attribute_definitions::archived_at.is_null())
        .order(attribute_definitions::name)
        .select((
            attribute_definitions::name,
            attribute_definitions::kind,
            attribute_definitions::allowed_values,
        ))
        .load(tx.conn)?;
    Ok(defined.into_iter().map(attribute).collect())
}

fn attribute((name, kind, allowed): Definition) -> Field {
    let kind = match (kind.as_str(), allowed) {
        ("number", _) => Kind::Number(f64::MIN),
        ("boolean", _) => Kind::Boolean,
        ("date", _) => Kind::Date,
        (_, Some(words)) => Kind::OneOf(words),
        _ => Kind::Lines(2_000),
    };
    let present: Sql = sql!["t.attributes -> ", bind(name.as_str())];
    Field {
        name: format!("attributes.{name}").into(),
        kind,
        empty: Empty::Null,
        present,
    }
}
