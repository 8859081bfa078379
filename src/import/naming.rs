//! Things of paths that are found by their names: what each level of a path means, and which codes new ones get.
//!
//! Names are compared by the whole, in their key form: `C++`, `C#` and `C` are three. A path as it was read has a code
//! made of its names at each level; here that becomes the code of the thing that is meant, a free one for what is to be
//! made, or null.

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::{Value, json};

use super::{
    assess::good,
    mapping::{OnMissing, ReferenceBy, ReferenceMapping},
    number,
    read::unusable,
    reference::on_missing,
    target::Plan,
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    sql,
    text::fold,
};

/// Different paths that the rows of a file may name.
const MOST_PATHS: usize = 50_000;

/// How a target finds what paths name.
#[derive(Debug)]
pub struct Naming {
    /// The reference.
    pub reference: &'static str,
    /// The table of what it names.
    pub table: &'static str,
    /// A thing's code as it is compared, over `t`.
    pub code: &'static str,
    /// The code where a name fits several things.
    pub ambiguous: &'static str,
    /// A query of `path`, `level` (from 1), `code` and `total` over the CTE `paths (path, levels)`: for each level down to
    /// the first that is not found, which thing it is and how many it may be.
    pub found: Sql,
}

#[derive(QueryableByName)]
struct Path {
    #[diesel(sql_type = sql_types::Jsonb)]
    levels: Value,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::BigInt)]
    path: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    level: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    code: Option<String>,
    #[diesel(sql_type = sql_types::BigInt)]
    total: i64,
}

/// Gives the levels of the rows' paths the codes of the things that they name. Where a name fits several things, the row
/// says so and names nothing.
pub fn resolve(tx: &mut Tx, plan: &Plan, reference: &ReferenceMapping, naming: Naming) -> ApiResult<()> {
    let paths = paths(tx, plan, naming.reference)?;
    if paths.is_empty() {
        return Ok(());
    }
    let mut found: HashMap<(i64, i64), Found> = HashMap::new();
    let rows: Vec<Found> = sql!(
        "WITH RECURSIVE paths AS MATERIALIZED (
            SELECT ordinality AS path, levels
            FROM jsonb_array_elements({paths}) WITH ORDINALITY AS given(levels)), {naming.found}",
        paths = json!(paths),
    )
    .load(tx.conn)?;
    found.extend(rows.into_iter().map(|row| ((row.path, row.level), row)));
    let named: Vec<Named> = (1..)
        .zip(&paths)
        .map(|(path, levels)| Named::of(path, levels, &found))
        .collect();
    let codes = if reference.on_missing == OnMissing::Create {
        new_codes(tx, &naming, &named)?
    } else {
        HashMap::new()
    };
    let changes: Vec<Value> = paths
        .iter()
        .zip(&named)
        .map(|(from, named)| named.change(from, &codes))
        .collect();
    write(tx, plan, reference, &naming, changes)
}

/// Whether the plan finds what `reference` names by its name.
pub fn is_by_name(plan: &Plan, reference: &str) -> bool {
    let reference = plan.mapping.references.get(reference);
    reference.is_some_and(|reference| reference.by == ReferenceBy::Name)
}

/// Whether a code in the path of the row `r` now names another thing of `table` than it did for the plan, or none.
pub fn names_another(plan: &Plan, reference: &'static str, table: &'static str) -> Sql {
    if !is_by_name(plan, reference) {
        return sql!("FALSE");
    }
    sql!(
        "(r.refs ->> {reference} IS NOT NULL
            AND EXISTS (SELECT 1 FROM jsonb_array_elements(r.folded -> {folded_reference}) AS named(level)
                WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.code_folded = level ->> 'code'
                        AND t.name_folded = level ->> 'name')))",
        folded_reference = format!("{reference}_folded"),
        table = Fixed(table),
    )
}

/// The different paths, in the file's order.
fn paths(tx: &mut Tx, plan: &Plan, reference: &'static str) -> ApiResult<Vec<Value>> {
    let paths: Vec<Path> = sql!(
        "SELECT g.fields -> {reference} AS levels FROM {good} g
         WHERE jsonb_typeof(g.fields -> {reference}) = 'array' GROUP BY 1 ORDER BY min(g.line)
         LIMIT {most_paths}",
        good = good(plan),
        most_paths = MOST_PATHS as i64 + 1,
    )
    .load(tx.conn)?;
    if paths.len() > MOST_PATHS {
        return Err(unusable(format!(
            "The rows name more than {MOST_PATHS} different things as {reference}. Is it the right column?"
        )));
    }
    Ok(paths.into_iter().map(|path| path.levels).collect())
}

/// What the names of one path mean.
struct Named<'a> {
    levels: &'a [Value],
    /// The codes of those that are here, from the top.
    here: Vec<&'a str>,
    is_ambiguous: bool,
}

/// The keys of the names down to a thing that is not here: the same ones are the same thing.
type Node<'a> = Vec<&'a str>;

impl<'a> Named<'a> {
    fn of(path: i64, levels: &'a Value, found: &'a HashMap<(i64, i64), Found>) -> Self {
        let levels = levels.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut here = Vec::new();
        let mut is_ambiguous = false;
        for level in 1..=levels.len() as i64 {
            match found.get(&(path, level)) {
                Some(Found {
                    total: 1,
                    code: Some(code),
                    ..
                }) => here.push(code.as_str()),
                found => {
                    is_ambiguous = found.is_some_and(|found| found.total > 1);
                    break;
                }
            }
        }
        Named {
            levels,
            here,
            is_ambiguous,
        }
    }

    /// The levels that are not here, with the code that their names make.
    fn missing(&self) -> impl Iterator<Item = (Node<'a>, &'a str)> {
        let from = if self.is_ambiguous {
            self.levels.len()
        } else {
            self.here.len()
        };
        let text = |level: &'a Value, member: &str| level[member].as_str().unwrap_or_default();
        let levels = self.levels;
        (from..levels.len()).map(move |last| {
            let keys = levels[..=last].iter().map(|level| text(level, "key")).collect();
            (keys, text(&levels[last], "code"))
        })
    }

    /// The path `from` becomes `to`, with the codes of what it means and, `folded`, their key forms; null if that is several
    /// things.
    fn change(&self, from: &Value, codes: &HashMap<Node, String>) -> Value {
        if self.is_ambiguous {
            return json!({ "from": from, "to": null, "folded": null });
        }
        let here = self.here.iter().map(|code| Some((*code).to_owned()));
        let missing = self.missing().map(|(node, _)| codes.get(&node).cloned());
        let (to, folded): (Vec<Value>, Vec<Value>) = self
            .levels
            .iter()
            .zip(here.chain(missing))
            .map(|(level, code)| {
                let key = code.as_deref().map(fold);
                let named = json!({ "code": code, "name": level["name"] });
                (named, json!({ "code": key, "name": level["key"] }))
            })
            .unzip();
        json!({ "from": from, "to": to, "folded": folded })
    }
}

/// A free code for each thing that is to be made.
fn new_codes<'a>(tx: &mut Tx, naming: &Naming, named: &[Named<'a>]) -> ApiResult<HashMap<Node<'a>, String>> {
    let mut seen = HashSet::new();
    let (nodes, bases): (Vec<Node>, Vec<String>) = named
        .iter()
        .flat_map(Named::missing)
        .filter(|(node, _)| seen.insert(node.clone()))
        .map(|(node, base)| (node, base.to_owned()))
        .unzip();
    let numbers = number::numbers(&bases, SEPARATOR, 1, |codes| {
        number::of_table(tx, naming.table, naming.code, codes)
    })?;
    let codes = bases.iter().zip(numbers);
    let codes = codes.map(|(base, number)| number::numbered(base, SEPARATOR, number));
    Ok(nodes.into_iter().zip(codes).collect())
}

const SEPARATOR: &str = "-";

fn write(
    tx: &mut Tx,
    plan: &Plan,
    reference: &ReferenceMapping,
    naming: &Naming,
    changes: Vec<Value>,
) -> ApiResult<()> {
    let detail = sql!(
        "'\"' || (change -> 'from' -> -1 ->> 'name')
            || '\" is the name of several, or stands below one of several'"
    );
    let (ambiguous, action) = on_missing(plan, reference, naming.reference, naming.ambiguous, detail);
    sql!(
        "WITH changes AS MATERIALIZED (SELECT change, change -> 'from' AS levels,
                change -> 'to' AS named, change -> 'folded' AS folded,
                change -> 'to' = 'null' AS is_ambiguous FROM jsonb_array_elements({changes}) AS change)
         UPDATE import_rows r SET
            fields = CASE WHEN is_ambiguous THEN r.fields - {naming.reference}::text
                ELSE r.fields || jsonb_build_object({naming.reference}::text, changes.named) END,
            folded = CASE WHEN is_ambiguous THEN r.folded - {folded_reference}::text
                ELSE r.folded || jsonb_build_object({folded_reference}::text, changes.folded) END,
            issues = CASE WHEN is_ambiguous THEN r.issues || {ambiguous} ELSE r.issues END,
            action = CASE WHEN is_ambiguous THEN {action} ELSE r.action END
         FROM changes WHERE r.action IN ('create', 'unchanged')
            AND changes.levels = r.fields -> {naming.reference} AND r.import_id = {plan.import}",
        changes = Value::Array(changes),
        folded_reference = format!("{}_folded", naming.reference),
        action = Fixed(action),
    )
    .execute(tx.conn)?;
    Ok(())
}
