//! The first free number after a name that another one has.

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::{Value, json};

use super::{
    assess::{Taken, good, issue},
    date::Dates,
    mapping::OnTaken,
    target::{Field, Plan},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    sql,
    years::YEARS,
};

/// For each of `names`, in the form in which names are compared, the lowest number that makes it free; equal names get different
/// numbers, in their order. The number 1 is the name itself. `taken` answers which of the given names are in use; it is asked a
/// few times, for many names at once.
pub fn numbers(
    names: &[String],
    separator: &str,
    lowest: u32,
    mut taken: impl FnMut(Vec<String>) -> ApiResult<HashSet<String>>,
) -> ApiResult<Vec<u32>> {
    let mut numbers = vec![0; names.len()];
    let mut next: HashMap<&str, u32> = HashMap::new();
    let mut given: HashSet<String> = HashSet::new();
    let mut pending: Vec<usize> = (0..names.len()).collect();
    let mut reach = 4;
    while !pending.is_empty() {
        let mut wanted: HashMap<&str, u32> = HashMap::new();
        for index in &pending {
            *wanted.entry(&names[*index]).or_default() += 1;
        }
        let limit = |name: &str, next: &HashMap<&str, u32>, wanted: &HashMap<&str, u32>| {
            next.get(name).copied().unwrap_or(lowest) + wanted.get(name).copied().unwrap_or_default() + reach
        };
        let mut candidates = Vec::new();
        for name in wanted.keys() {
            let from = next.get(name).copied().unwrap_or(lowest);
            candidates
                .extend((from..limit(name, &next, &wanted)).map(|number| numbered(name, separator, number)));
        }
        let found = taken(candidates)?;
        let limits: HashMap<&str, u32> = wanted
            .keys()
            .map(|name| (*name, limit(name, &next, &wanted)))
            .collect();
        pending.retain(|index| {
            let name = names[*index].as_str();
            let last = limits.get(name).copied().unwrap_or_default();
            let from = next.entry(name).or_insert(lowest);
            while *from < last {
                let number = *from;
                *from += 1;
                let candidate = numbered(name, separator, number);
                if !found.contains(&candidate) && given.insert(candidate) {
                    numbers[*index] = number;
                    return false;
                }
            }
            true
        });
        reach *= 4;
    }
    Ok(numbers)
}

/// `name` with its number.
pub fn numbered(name: &str, separator: &str, number: u32) -> String {
    match number {
        1 => name.to_owned(),
        _ => format!("{name}{separator}{number}"),
    }
}

/// Which of `names` a thing of `table` has.
pub fn of_table(
    tx: &mut Tx,
    table: &'static str,
    present: &'static str,
    names: Vec<String>,
) -> ApiResult<HashSet<String>> {
    let found: Vec<Name> = sql!(
        "SELECT {present} AS name FROM {table} t WHERE {present} = ANY({names})",
        present = Fixed(present),
        table = Fixed(table),
    )
    .load(tx.conn)?;
    Ok(found.into_iter().map(|found| found.name).collect())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

/// The field of `taken` and what stands before its numbers, if the profile numbers it.
fn field<'a>(plan: &'a Plan, taken: &Taken) -> Option<(&'a Field, &'static str)> {
    let mapping = plan.mapping.fields.get(taken.field)?;
    if mapping.on_taken != Some(OnTaken::Number) {
        return None;
    }
    let field = plan.fields.iter().find(|field| field.name == taken.field)?;
    Some((field, field.number_after?))
}

#[derive(QueryableByName)]
struct Claim {
    #[diesel(sql_type = sql_types::BigInt)]
    line: i64,
    /// As the row has it.
    #[diesel(sql_type = sql_types::Text)]
    value: String,
    /// As it is compared.
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

/// Gives the rows whose value another row or another thing has a number after it, if the profile says so, and tells of it.
pub fn number_taken(tx: &mut Tx, plan: &Plan, taken: &Taken) -> ApiResult<()> {
    let Some((field, separator)) = field(plan, taken) else {
        return Ok(());
    };
    reuse_numbers(tx, plan, taken, separator)?;
    let claims: Vec<Claim> = claims(plan, taken).load(tx.conn)?;
    if claims.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = claims.iter().map(|claim| claim.name.clone()).collect();
    let numbers = numbers(&names, separator, 2, |names| {
        let mut found = of_table(tx, taken.table, taken.present, names.clone())?;
        found.extend(of_file(tx, plan, taken, names)?);
        Ok(found)
    })?;
    let no_dates = Dates {
        formats: &[],
        years: &YEARS,
    };
    let given: Vec<Value> = claims
        .iter()
        .zip(numbers)
        .map(|(claim, number)| (claim, number, numbered(&claim.value, separator, number)))
        // One that no longer fits is refused as taken.
        .filter(|(_, _, value)| field.kind.read(value, no_dates).is_ok())
        .map(|(claim, number, value)| {
            let name = numbered(&claim.name, separator, number);
            json!({ "line": claim.line, "value": value, "name": name })
        })
        .collect();
    write(tx, plan, taken.field, given)
}

/// Somebody who has the wanted value with a number keeps it, though the value alone be free now.
fn reuse_numbers(tx: &mut Tx, plan: &Plan, taken: &Taken, separator: &'static str) -> ApiResult<()> {
    sql!(
        "UPDATE import_rows r
         SET fields = r.fields || jsonb_build_object({taken.field}::text, kept.present),
            folded = r.folded || jsonb_build_object({folded_field}::text, kept.has)
         FROM (SELECT g.line, t.{field} AS present, {wanted} AS wanted, {present} AS has FROM {good} g
            JOIN {table} t ON t.id = g.object_id) AS kept
         WHERE starts_with(kept.has, kept.wanted || {separator})
            AND substr(kept.has, length(kept.wanted) + {separator_length}::int + 1) ~ '^[1-9][0-9]*$'
            AND r.line = kept.line AND r.import_id = {plan.import}",
        folded_field = format!("{}_folded", taken.field),
        field = Fixed(taken.field),
        wanted = Fixed(taken.wanted),
        present = Fixed(taken.present),
        good = good(plan),
        table = Fixed(taken.table),
        separator_length = separator.len() as i64,
    )
    .execute(tx.conn)?;
    Ok(())
}

/// The rows that cannot have what they want: another thing has it, or an earlier row. The present holder comes first.
fn claims(plan: &Plan, taken: &Taken) -> Sql {
    sql!(
        "WITH wanting AS MATERIALIZED (SELECT g.line, g.object_id, g.fields ->> {taken.field} AS value,
                {wanted} AS name FROM {good} g WHERE g.fields ? {taken.field}),
         ranked AS (SELECT w.line, w.value, w.name, t.id IS NOT NULL
                AND t.id <> w.object_id AS is_taken,
                row_number() OVER (PARTITION BY w.name
                        ORDER BY t.id IS NOT DISTINCT FROM w.object_id DESC, w.line) AS place
            FROM wanting w LEFT JOIN {table} t ON {present} = w.name)
         SELECT line, value, name FROM ranked WHERE is_taken OR place > 1 ORDER BY line",
        wanted = Fixed(taken.wanted),
        good = good(plan),
        table = Fixed(taken.table),
        present = Fixed(taken.present),
    )
}

/// Which of `names` a row of the file wants.
fn of_file(tx: &mut Tx, plan: &Plan, taken: &Taken, names: Vec<String>) -> ApiResult<HashSet<String>> {
    let found: Vec<Name> = sql!(
        "SELECT {wanted} AS name FROM {good} g WHERE {wanted} = ANY({names})",
        wanted = Fixed(taken.wanted),
        good = good(plan),
    )
    .load(tx.conn)?;
    Ok(found.into_iter().map(|found| found.name).collect())
}

fn write(tx: &mut Tx, plan: &Plan, field: &'static str, given: Vec<Value>) -> ApiResult<()> {
    let told = issue(
        plan,
        field,
        "numbered",
        sql!(
            "'\"' || (r.fields ->> {field})
                || '\" belongs to another one, here or in this file; it gets \"' || given.value || '\"'"
        ),
        "warning",
    );
    sql!(
        "UPDATE import_rows r
         SET issues = r.issues || {told}, fields = r.fields || jsonb_build_object({field}::text,
            given.value), folded = r.folded || jsonb_build_object({folded_field}::text, given.name)
         FROM jsonb_to_recordset({given}) AS given(line bigint, value text, name text)
         WHERE r.line = given.line AND r.import_id = {plan.import}",
        folded_field = format!("{field}_folded"),
        given = Value::Array(given),
    )
    .execute(tx.conn)?;
    Ok(())
}
