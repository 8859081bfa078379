//! The SQL of an attribute's values. Custom attributes are read from a JSON object; their names are
//! bound values.

use super::{
    clause::{Place, Target},
    schema::{Bounds, Type},
};
use crate::{db::Fixed, db::sql::Sql, sql};

/// An attribute's values: `value` of the record, or for each row of `from` where `on` holds.
pub(super) struct Stored {
    pub from: Option<(Sql, Sql)>,
    pub value: Sql,
}

/// Where the values of `target` are, by its own type.
pub(super) fn stored(target: &Target) -> Stored {
    let from_json = |json| custom_value(&json, target.value_type);
    match &target.place {
        Place::Scalar(column) | Place::Bounded(Bounds { column, .. }) | Place::Searched { column, .. } => {
            Stored {
                from: None,
                value: sql!("{column}", column = Fixed(column)),
            }
        }
        Place::Exists { from, on, value } => Stored {
            from: Some((sql!("{from}", from = Fixed(from)), on.clone())),
            value: sql!("{value}", value = Fixed(value)),
        },
        Place::Custom {
            column,
            key,
            multi_valued: false,
        } => Stored {
            from: None,
            value: from_json(member(column, key)),
        },
        Place::Custom {
            column,
            key,
            multi_valued: true,
        } => Stored {
            from: Some((items(column, key), sql!("TRUE"))),
            value: from_json(sql!("item.value")),
        },
    }
}

fn member(column: &'static str, key: &str) -> Sql {
    sql!("({column} -> {key})", column = Fixed(column))
}

/// A FROM item `item(value)`: the items of a JSON array; no row for what is no array.
fn items(column: &'static str, key: &str) -> Sql {
    let member = member(column, key);
    sql!(
        "jsonb_array_elements(CASE jsonb_typeof({member}) WHEN 'array' THEN {member}
            ELSE '[]' END) AS item(value)"
    )
}

/// A regular expression for the days that there are in the years 1 to 9999, so that the cast cannot fail.
const CALENDAR_DAY: Fixed = Fixed(
    "^(?!0000)(\
    [0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))\
    |([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$",
);

/// The SQL value of a JSON value; NULL where it is of another type, so that no cast can fail.
fn custom_value(json: &Sql, value_type: Type) -> Sql {
    let number = |cast| {
        let guard = match value_type {
            // What float8 and bigint cannot hold is no number of ours.
            Type::Number => "(SELECT CASE WHEN n = 0 OR abs(n) BETWEEN 1e-300 AND 1e300 THEN n",
            _ => "(SELECT CASE WHEN n = trunc(n) AND abs(n) <= 9223372036854775807 THEN n",
        };
        let number = sql!("(CASE jsonb_typeof({json}) WHEN 'number' THEN {json} END)::numeric");
        sql!(
            "{guard}{cast} END FROM (SELECT {number} AS n) AS number)",
            guard = Fixed(guard),
            cast = Fixed(cast),
        )
    };
    match value_type {
        Type::Number => number("::float8"),
        Type::Integer => number("::bigint"),
        Type::Bool => sql!("(CASE jsonb_typeof({json}) WHEN 'boolean' THEN {json} END)::boolean"),
        Type::Date => sql!(
            "(CASE WHEN jsonb_typeof({json}) = 'string'
                    AND {json} #>> '{}' ~ '{CALENDAR_DAY}' THEN {json} #>> '{}' END)::date"
        ),
        Type::Text | Type::Folded | Type::Exact | Type::Enum | Type::Instant | Type::Id => {
            sql!("(CASE jsonb_typeof({json}) WHEN 'string' THEN {json} #>> '{}' END)")
        }
    }
}
