//! People as a target of imports: their fields, their managers and their org units.

mod made;
mod overtaken;
mod resolve;
mod write;

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::{User, UserStatus};
use crate::{
    access::inclusion,
    app::Tx,
    authz::Permission,
    db::{Fixed, Sql, schema::attribute_definitions},
    http::ApiResult,
    import::{
        Target,
        mapping::ReferenceBy,
        number,
        resources::Named,
        target::{Declaration, Empty, Field, Kind, Match, Part, Plan, Reference},
    },
    sql,
    text::fold,
};

/// Writes people.
pub struct UserImport;

/// Users, as rows of other resources name them.
pub const USER: Named = Named {
    name: "user",
    table: "users",
    external_kind: Some("user"),
    code: "username",
};

static DECLARATION: Declaration = Declaration {
    resource: "users",
    table: "users",
    external_kind: "user",
    permissions: &[Permission::UsersWrite, Permission::OrgUnitsWrite],
    reads: &[Permission::UsersRead, Permission::OrgUnitsRead],
    status: "t.status",
    ends_first: false,
    new_ones_lock: false,
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
            is_required: false,
            by: &[ReferenceBy::Key, ReferenceBy::Name, ReferenceBy::Username],
            made: &["username", "email", "given_name", "family_name"],
            is_path: false,
            is_tree: false,
            is_same: "t.manager_id::text IS NOT DISTINCT FROM r.refs ->> 'manager_id'",
            shown: "(SELECT m.username FROM users m WHERE m.id = t.manager_id)",
        },
        Reference {
            name: "org_unit",
            is_required: false,
            by: &[ReferenceBy::Code, ReferenceBy::Name],
            made: &[],
            is_path: true,
            is_tree: true,
            is_same: "(SELECT o.code FROM org_units o WHERE o.id = t.org_unit_id) IS NOT DISTINCT FROM r.refs ->> 'org_unit'",
            shown: "(SELECT o.code FROM org_units o WHERE o.id = t.org_unit_id)",
        },
    ],
    missing: &["suspended", "archived"],
    gone: &["archived"],
    still_missing: "NOT EXISTS (SELECT 1 FROM user_history h WHERE h.user_id = t.id AND h.status <> t.status
        AND (h.valid_to IS NULL OR h.valid_to > (e.missing ->> 'at')::timestamptz))
        AND NOT EXISTS (SELECT 1 FROM scim_users s WHERE s.user_id = t.id AND s.deleted_at >= (e.missing ->> 'at')::timestamptz)",
};

const MOST: usize = 200;

impl Target for UserImport {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn fields(&self, tx: &mut Tx) -> ApiResult<Vec<Field>> {
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
            field(
                "status",
                Kind::one_of(UserStatus::WORDS),
                Empty::Left,
                "to_jsonb(t.status)",
            ),
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

    /// Of those who left, nobody knows the day; today is when it was known.
    fn ended(&self, then: &str, today: NaiveDate) -> Sql {
        sql!(
            "CASE WHEN t.left_on IS NULL AND {is_archived} THEN jsonb_build_object('left_on',
                jsonb_build_object('from', NULL, 'to', greatest(t.hired_on, {today}))) END",
            is_archived = then == "archived",
        )
    }

    fn side_effects(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<Vec<(&'static str, i64)>> {
        let made = [
            ("org_unit", resolve::new_org_units(tx, plan)?),
            ("user", made::count(tx, plan)?),
        ];
        Ok(made.into_iter().filter(|(_, number)| *number > 0).collect())
    }

    /// The reader of a person's mail can reset their password; and where people sign in by keys of this source, the one who has
    /// the key is that person.
    fn refuse_application(&self, tx: &mut Tx, import: Uuid) -> ApiResult<()> {
        let people = sql!(
            "SELECT object_id FROM import_rows WHERE action IN ('update', 'restore')
                AND changes ? 'email' AND import_id = {import} UNION SELECT import_rows.object_id
             FROM import_rows
             JOIN imports ON imports.id = import_rows.import_id
             JOIN import_profile_versions profile ON profile.profile_id = imports.profile_id
                AND profile.number = imports.profile_version
             JOIN identity_providers ON identity_providers.links_external_key ->> 'source'
                = profile.mapping #>> '{key,source}'
                AND identity_providers.links_external_key @> '{\"privileged\": true}'
             WHERE import_rows.action = 'update' AND import_rows.refs ? 'external_key'
                AND import_rows.import_id = {import}"
        );
        let powers = inclusion::reaching_those(people, tx.now);
        inclusion::require_granted(tx, powers, EXCEEDS)
    }

    fn prepare(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        write::prepare(tx, plan)
    }

    /// Managers come before those who report to them, so that each written user stands below users who exist, and no
    /// circle closes between two parts.
    fn ranks(&self, plan: &Plan) -> Option<Sql> {
        let maps_managers = plan.mapping.references.contains_key("manager");
        maps_managers.then(|| overtaken::ranks(plan))
    }

    fn refuse_outdated(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
        overtaken::refuse(tx, plan, part)
    }

    fn write(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
        write::write(tx, plan, part)
    }
}

const EXCEEDS: &str = "The plan changes the e-mail address, or a key to sign in by, of people who were granted something that you do \
    not hold in a scope that includes it. Leave them out of the file, or ask somebody who holds as much.";

fn field(name: &'static str, kind: Kind, empty: Empty, present: &'static str) -> Field {
    Field {
        name: name.into(),
        kind,
        empty,
        present: sql!("{present}", present = Fixed(present)),
        number_after: (name == "username").then_some(""),
    }
}

/// `username`, or with the lowest number that makes it free. Who has it with a number keeps that.
pub fn free_username(tx: &mut Tx, username: &str, before: Option<&User>) -> ApiResult<String> {
    let folded = [fold(username)];
    if let Some(before) = before {
        let present = fold(&before.username);
        let number = present.strip_prefix(folded[0].as_str());
        if number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit())) {
            return Ok(if number == Some("") {
                username.to_owned()
            } else {
                before.username.clone()
            });
        }
    }
    let found = number::numbers(&folded, "", 1, |names| {
        number::of_table(tx, "users", "t.username_folded", names)
    })?;
    let number = found.first().copied().unwrap_or(1);
    Ok(number::numbered(username, "", number))
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
    let present: Sql = sql!("t.attributes -> {name}", name = name.as_str());
    Field {
        name: format!("attributes.{name}").into(),
        kind,
        empty: Empty::Null,
        present,
        number_after: None,
    }
}
