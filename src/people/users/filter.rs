//! What filters may say about people: lists, dynamic groups, rule audiences and reports all use this.

use diesel::{QueryDsl, RunQueryDsl};

use super::model::User;
use crate::{
    app::Tx,
    authz::{Permission, Scope},
    db::{Sql, schema::attribute_definitions},
    filter::{
        Attribute, Column, CustomAttribute, CustomKind, Filter, FilterError, FilterErrors, Kind, Schema,
    },
    http::{ApiError, ApiResult, FieldError, filter::parse},
    resource::Row,
};

macro_rules! attributes {
    ($($name:literal $kind:expr, $column:expr, $doc:literal;)*) => {
        &[$(Attribute { name: $name, kind: $kind, column: $column, doc: $doc }),*]
    };
}

/// What filters may name beside the columns. Those of groups come last: dynamic groups may use all but them.
pub const ATTRIBUTES: &[Attribute] = attributes! {
    "org_unit" Kind::Folded, Column::Exists {
        from: "org_unit_closure c JOIN org_units o ON o.id = c.ancestor_id",
        on: "c.descendant_id = users.org_unit_id",
        value: "o.code",
    }, "The code of their unit, or of any unit above it.";
    "org_unit_ids" Kind::Id, Column::Exists {
        from: "org_unit_closure c",
        on: "c.descendant_id = users.org_unit_id",
        value: "c.ancestor_id",
    }, "The ids of their unit and of all units above it.";
    "line_manager_id" Kind::Id, Column::Exists {
        from: "reporting_lines l",
        on: "l.descendant_id = users.id AND l.depth > 0",
        value: "l.ancestor_id",
    }, "Anybody above them in the reporting line.";
    "report_id" Kind::Id, Column::Exists {
        from: "users report",
        on: "report.manager_id = users.id AND report.status <> 'archived'",
        value: "report.id",
    }, "Anybody who reports to them directly: `report_id pr` finds managers.";
    "groups" Kind::Folded, Column::Exists {
        from: "group_members m JOIN groups g ON g.id = m.group_id",
        on: "m.user_id = users.id AND g.archived_at IS NULL",
        value: "g.code",
    }, "The codes of their groups.";
    "group_ids" Kind::Id, Column::Exists {
        from: "group_members m JOIN groups g ON g.id = m.group_id",
        on: "m.user_id = users.id AND g.archived_at IS NULL",
        value: "g.id",
    }, "The ids of their groups.";
};

fn all() -> Schema {
    Schema::new(&User::declaration().attributes)
}

fn without_groups() -> Schema {
    match User::declaration().attributes.split_last_chunk::<2>() {
        Some((others, _)) => Schema::new(others),
        None => all(),
    }
}

/// The attributes of people, custom ones included, that a filter may name. Archived ones too, so that filters which
/// name them go on working. For what does not depend on the caller: rules and dynamic groups; else see [`schema_for_caller`].
pub fn schema(tx: &mut Tx) -> ApiResult<Schema> {
    Ok(all().with_custom("users.attributes", custom(tx)?))
}

/// The same, limited to groups and reports that the caller may see. The units and managers above a user belong to that user, so
/// they are not limited.
pub fn schema_for_caller(tx: &mut Tx) -> ApiResult<Schema> {
    let groups = tx.seen(Permission::GroupsRead).groups("g.id");
    let people = tx.seen(Permission::UsersRead).users("report.id");
    let schema = schema(tx)?.limited("report_id", people);
    Ok(schema
        .limited("groups", groups.clone())
        .limited("group_ids", groups))
}

fn custom(tx: &mut Tx) -> ApiResult<Vec<CustomAttribute>> {
    let defined: Vec<(String, String, String)> = attribute_definitions::table
        .order(attribute_definitions::name)
        .select((
            attribute_definitions::name,
            attribute_definitions::kind,
            attribute_definitions::label,
        ))
        .load(tx.conn)?;
    let custom = defined.into_iter().map(|(name, kind, label)| CustomAttribute {
        name,
        kind: match kind.as_str() {
            "number" => CustomKind::Number,
            "boolean" => CustomKind::Bool,
            "date" => CustomKind::Date,
            _ => CustomKind::String,
        },
        multi_valued: false,
        doc: label,
    });
    Ok(custom.collect())
}

/// The users that `text` describes, within `reach` and visible to the caller, as a condition over `users`; all
/// of them without one. Reports are also of people who take courses in the caller's charge: facts of those are not for them.
pub fn condition(tx: &mut Tx, text: Option<&str>, reach: &Scope) -> ApiResult<Sql> {
    let Some(text) = text else {
        return Ok(Sql::always());
    };
    let filter = parse(text, &schema_for_caller(tx)?)?;
    let seen = [reach, &tx.seen(Permission::UsersRead)].map(|scope| scope.users("users.id"));
    Ok(Sql::all([Sql::any(seen), filter.to_sql(&tx.filter_clock())]))
}

/// Reads a filter over people out of the body field at `pointer`.
pub fn parse_at(schema: &Schema, pointer: &str, text: &str) -> ApiResult<Filter> {
    Filter::parse(text, schema).map_err(|faults| invalid_at(pointer, &faults))
}

/// What is wrong with a filter in the body field at `pointer`.
pub fn invalid_at(pointer: &str, faults: &FilterErrors) -> ApiError {
    let faults_at = |fault: &FilterError| FieldError::new(pointer, fault.to_string());
    ApiError::invalid(faults.0.iter().map(faults_at).collect())
}

/// What dynamic groups may say: they depend on people only, never on other groups.
#[derive(Debug)]
pub struct GroupFilters {
    all: Schema,
    without_groups: Schema,
}

impl GroupFilters {
    /// With the attributes that are defined now.
    pub fn load(tx: &mut Tx) -> ApiResult<Self> {
        let custom = custom(tx)?;
        Ok(GroupFilters {
            all: all().with_custom("users.attributes", custom.clone()),
            without_groups: without_groups().with_custom("users.attributes", custom),
        })
    }

    /// Refuses what the filter in the body field at `pointer` may not say.
    pub fn check(&self, pointer: &str, text: &str) -> ApiResult<()> {
        parse_at(&self.all, pointer, text)?;
        let faults_at = |fault: &FilterError| {
            let detail = format!(
                "at character {}: a dynamic group may not depend on groups",
                fault.at
            );
            FieldError::new(pointer, detail)
        };
        Filter::parse(text, &self.without_groups)
            .map(drop)
            .map_err(|faults| ApiError::invalid(faults.0.iter().map(faults_at).collect()))
    }
}
