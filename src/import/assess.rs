//! Compares an import's rows with what is there: a handful of set-based statements.
//!
//! Planning does it, once. What applying looks at again is [`super::apply`]'s.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::json;
use uuid::Uuid;

use super::{
    imports::model::ImportCounts,
    mapping::KEEP,
    number, objects,
    read::unusable,
    target::{Declaration, Field, Plan, Target},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    sql,
};

/// What an assessment came to.
#[derive(Debug)]
pub struct Assessment {
    /// How many rows there are of each action.
    pub counts: ImportCounts,
    /// Stands for all that the plan would do.
    pub plan_hash: String,
}

/// Gives every row of the import its action, its changes and its issues.
pub fn assess(tx: &mut Tx, target: &dyn Target, plan: &Plan) -> ApiResult<Assessment> {
    let declaration = target.declaration();
    merge_repeated(tx, plan)?;
    objects::find(tx, plan, declaration)?;
    target.resolve(tx, plan)?;
    compare(tx, plan, declaration)?;
    add_missing(tx, plan, target)?;
    target.check(tx, plan)?;
    // A row that adds nothing has no id to give.
    sql!(
        "UPDATE import_rows SET object_id = NULL
         WHERE action IN ('refuse', 'skip') AND object_version IS NULL AND object_id IS NOT NULL
            AND import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    let mut counts = count(tx, plan, declaration)?;
    if counts.rows == 0 {
        return Err(unusable("The file has no rows below its header."));
    }
    for (kind, made) in target.side_effects(tx, plan)? {
        counts.also_created.insert(kind.to_owned(), made);
    }
    let plan_hash = hash(tx, plan)?;
    Ok(Assessment { counts, plan_hash })
}

/// An SQL expression of an issue; the columns are those that the profile feeds `field` from.
pub fn issue(
    plan: &Plan,
    field: &'static str,
    code: &'static str,
    detail: Sql,
    severity: &'static str,
) -> Sql {
    let column = columns_of(plan, field);
    sql!(
        "jsonb_build_array(jsonb_build_object('column', {column}::text, 'field', {field}::text, 'code',
            {code}::text, 'detail', {detail}, 'severity', {severity}::text))"
    )
}

/// The columns that the profile feeds `field` from: those of the key, if it names none.
pub fn columns_of(plan: &Plan, field: &str) -> Option<String> {
    let mapping = plan.mapping;
    let from = mapping
        .references
        .get(field)
        .map(|reference| &reference.value)
        .or_else(|| mapping.fields.get(field))
        .unwrap_or(&mapping.key.value);
    let columns = super::value::named_columns(from);
    (!columns.is_empty()).then(|| columns.join(", "))
}

/// The rows that are about something: neither refused nor skipped.
pub fn good(plan: &Plan) -> Sql {
    sql!(
        "(SELECT * FROM import_rows WHERE action IN ('create', 'unchanged')
                AND import_id = {plan.import})"
    )
}

/// A field that no two things may share.
#[derive(Debug)]
pub struct Taken {
    /// The field.
    pub field: &'static str,
    /// The table.
    pub table: &'static str,
    /// What a row `g` wants, as it is compared.
    pub wanted: &'static str,
    /// What the thing `t` has, as it is compared.
    pub present: &'static str,
}

/// Refuses rows whose value another row or another thing has, unless the profile has them get another one.
pub fn refuse_taken(tx: &mut Tx, plan: &Plan, taken: Taken) -> ApiResult<()> {
    number::number_taken(tx, plan, &taken)?;
    let detail =
        sql!("'\"' || (r.fields ->> {taken.field}) || '\" belongs to another one, here or in this file'");
    let fault = issue(plan, taken.field, "already_taken", detail, "error");
    sql!(
        "WITH good AS MATERIALIZED {good}, taken AS (
            SELECT line
            FROM (SELECT line, count(*) OVER (PARTITION BY {wanted}) AS copies FROM good g
                WHERE g.fields ? {taken.field}) AS named WHERE copies > 1
            UNION
            SELECT g.line FROM good g JOIN {table} t ON {present} = {wanted} WHERE t.id <> g.object_id)
         UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault} FROM taken
         WHERE r.line = taken.line AND r.import_id = {plan.import}",
        good = good(plan),
        wanted = Fixed(taken.wanted),
        table = Fixed(taken.table),
        present = Fixed(taken.present),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Of rows with one key the first stands if they all say the same; none if they do not.
fn merge_repeated(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let same = issue(
        plan,
        "key",
        "repeated_row",
        sql!("'says the same as line ' || k.first"),
        "warning",
    );
    let other = issue(
        plan,
        "key",
        "repeated_key",
        sql!(
            "'the key ' || k.key || ' is on ' || k.copies
                || ' lines that say different things; the first is line ' || k.first"
        ),
        "error",
    );
    // Only what is repeated goes into the join: however the planner orders it, it stays small.
    sql!(
        "WITH keyed AS MATERIALIZED (SELECT * FROM (
            SELECT line, key, min(line) OVER same_key AS first, count(*) OVER same_key AS copies,
                min(md5(fields::text)) OVER same_key = max(md5(fields::text)) OVER same_key
                AND NOT bool_or(action IS NOT NULL) OVER same_key AS is_same
            FROM import_rows WHERE key IS NOT NULL AND import_id = {plan.import}
            WINDOW same_key AS (PARTITION BY key)) AS every
            WHERE copies > 1 AND NOT (is_same AND line = first))
         UPDATE import_rows r SET
            action = CASE WHEN k.is_same THEN 'skip' ELSE 'refuse' END,
            issues = r.issues || CASE WHEN k.is_same THEN {same} ELSE {other} END
         FROM keyed k WHERE k.line = r.line AND r.import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Over the row `r` and the thing `t` that is here: what changes, field by field.
pub fn changes(plan: &Plan, declaration: &Declaration) -> Sql {
    let mut changes = sql!("'{}'::jsonb");
    for field in plan.fields {
        changes.push(difference(field));
    }
    for reference in declaration
        .references
        .iter()
        .filter(|reference| plan.mapping.references.contains_key(reference.name))
    {
        changes.push(sql!(
            " || CASE WHEN NOT r.refs ? {reference.name} OR ({is_same}) THEN '{}'::jsonb
                ELSE jsonb_build_object({reference.name}::text,
                    jsonb_build_object('from', {shown}, 'to', r.refs -> {reference.name})) END",
            is_same = Fixed(reference.is_same),
            shown = Fixed(reference.shown),
        ));
    }
    changes.push(objects::matched(declaration));
    changes
}

/// Finds what would change.
fn compare(tx: &mut Tx, plan: &Plan, declaration: &Declaration) -> ApiResult<()> {
    sql!(
        "WITH compared AS (SELECT r.line, {changes} AS changes FROM import_rows r
            JOIN {table} t ON t.id = r.object_id
            WHERE r.action = 'unchanged' AND r.import_id = {plan.import}) UPDATE import_rows r
         SET action = CASE WHEN r.refs ? 'restore' THEN 'restore' ELSE 'update' END, changes = c.changes
         FROM compared c WHERE c.line = r.line AND c.changes <> '{}' AND r.import_id = {plan.import}",
        changes = changes(plan, declaration),
        table = Fixed(declaration.table),
    )
    .execute(tx.conn)?;
    Ok(())
}

fn difference(field: &Field) -> Sql {
    let name = &*field.name;
    let present = sql!("coalesce({field.present}, 'null')");
    sql!(
        " || CASE WHEN NOT r.fields ? {name} OR {present} = r.fields -> {name} THEN '{}'::jsonb
            ELSE jsonb_build_object({name}::text,
                jsonb_build_object('from', {present}, 'to', r.fields -> {name})) END"
    )
}

/// Adds a row for each object that has a key of this source and is missing from the file.
fn add_missing(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<()> {
    let declaration = target.declaration();
    let then = plan.mapping.missing.then.as_str();
    if then == KEEP {
        return Ok(());
    }
    sql!(
        "INSERT INTO import_rows (import_id, line, key, fields, action, object_id, object_version,
            changes)
         SELECT {plan.import}, (SELECT coalesce(max(line), 0) FROM import_rows
            WHERE import_id = {plan.import}) + row_number() OVER (ORDER BY e.key), e.key, '{}', 'end',
            t.id, t.version, jsonb_build_object('status',
                jsonb_build_object('from', {status}, 'to', {then}::text)) || coalesce({ended},
                    '{}')
            {present} AND NOT EXISTS (SELECT 1 FROM import_rows r
                WHERE r.key = e.key AND r.import_id = {plan.import})
            AND NOT EXISTS (SELECT 1 FROM import_rows r
                WHERE r.object_id = t.id AND r.import_id = {plan.import})",
        status = Fixed(declaration.status),
        ended = target.ended(then, tx.today()),
        present = present(plan, declaration),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Those with a key of this source who are not gone already, as `e` and `t`. An object that is only known because others name
/// them cannot be missing.
fn present(plan: &Plan, declaration: &Declaration) -> Sql {
    sql!(
        "FROM external_keys e JOIN {table} t ON t.id = e.object_id
         WHERE e.kind = {declaration.external_kind} AND e.source = {source} AND NOT e.is_placeholder
            AND {status} <> ALL({absent_statuses})",
        status = Fixed(declaration.status),
        table = Fixed(declaration.table),
        source = plan.source(),
        absent_statuses = declaration.absent_statuses(&plan.mapping.missing.then),
    )
}

#[derive(QueryableByName)]
struct Totals {
    #[diesel(sql_type = sql_types::Jsonb)]
    totals: serde_json::Value,
}

fn count(tx: &mut Tx, plan: &Plan, declaration: &Declaration) -> ApiResult<ImportCounts> {
    let totals = sql!(
        "SELECT {tally} || jsonb_build_object('present',
            (SELECT count(*) FROM (SELECT t.id {present} UNION {matched_and_present}) AS here),
            'also_created', '{}'::jsonb) AS totals FROM import_rows WHERE import_id = {plan.import}",
        tally = tally(declaration),
        present = present(plan, declaration),
        matched_and_present = objects::matched_and_present(plan, declaration),
    );
    counts(tx, totals)
}

/// What applying the import has come to: how many rows of each action are written; the rest as planned. Before the first row
/// nothing is made beside them either.
pub fn recount(tx: &mut Tx, import: Uuid, declaration: &Declaration) -> ApiResult<ImportCounts> {
    let totals = sql!(
        "SELECT imports.counts || done.totals
            || CASE WHEN applied_turn IS NULL THEN '{\"also_created\": {}}' ELSE '{}'::jsonb END AS totals
         FROM imports CROSS JOIN LATERAL (SELECT {tally} - 'rows' AS totals FROM import_rows
            WHERE import_id = imports.id AND (turn <= applied_turn
                OR action NOT IN ('create', 'update', 'restore', 'end'))) AS done
         WHERE imports.id = {import}",
        tally = tally(declaration),
    );
    counts(tx, totals)
}

fn counts(tx: &mut Tx, totals: Sql) -> ApiResult<ImportCounts> {
    let totals: Totals = totals.get_result(tx.conn)?;
    serde_json::from_value(totals.totals).map_err(crate::http::ApiError::internal)
}

/// Over `import_rows`: how many there are of each action.
fn tally(declaration: &Declaration) -> Sql {
    let gone = declaration.gone_statuses();
    sql!(
        "jsonb_build_object(
            'rows', count(*) FILTER (WHERE new_id IS NOT NULL),
            'create', count(*) FILTER (WHERE action = 'create'),
            'update', count(*) FILTER (WHERE action = 'update'),
            'restore', count(*) FILTER (WHERE action = 'restore'),
            'unchanged', count(*) FILTER (WHERE action = 'unchanged'),
            'end', count(*) FILTER (WHERE action = 'end'),
            'refuse', count(*) FILTER (WHERE action = 'refuse'),
            'skip', count(*) FILTER (WHERE action = 'skip'),
            'warnings', count(*) FILTER (WHERE issues @> '[{\"severity\": \"warning\"}]'),
            'removals', count(*) FILTER (WHERE action = 'end' OR action = 'update'
                AND changes #>> '{status,to}' = ANY({gone})
                AND changes #>> '{status,from}' <> ALL({gone})))"
    )
}

#[derive(QueryableByName)]
struct Hash {
    #[diesel(sql_type = sql_types::Text)]
    hash: String,
}

/// New ids are left out: the same file over the same state has the same hash. So are the versions of what the plan leaves as
/// it is.
fn hash(tx: &mut Tx, plan: &Plan) -> ApiResult<String> {
    let mapping = json!(plan.mapping);
    let hash: Hash = sql!(
        "SELECT encode(sha256(convert_to({mapping}::text
                || string_agg(encode(sha256(convert_to(jsonb_build_array(
                    line, key, action, CASE WHEN object_version IS NOT NULL THEN object_id END,
                    CASE WHEN action IN ('update', 'restore', 'end') THEN object_version END, fields,
                    (SELECT jsonb_object_agg(name, value) FROM jsonb_each(refs) AS ref(name, value)
                        WHERE name NOT LIKE '%\\_id'), changes, issues)::text, 'UTF8')), 'hex'),
                    '' ORDER BY line), 'UTF8')), 'hex') AS hash
         FROM import_rows WHERE import_id = {plan.import}"
    )
    .get_result(tx.conn)?;
    Ok(hash.hash)
}
