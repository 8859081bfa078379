//! What a row is about: what has its key, what is here without one and is taken over, or something new.

use super::{
    assess::issue,
    target::{Declaration, Match, Plan},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    sql,
};

/// Finds what each row is about, and gives it its first action.
pub fn find(tx: &mut Tx, plan: &Plan, declaration: &Declaration) -> ApiResult<()> {
    by_key(tx, plan, declaration)?;
    find_restored(tx, plan, declaration)?;
    let match_by = plan.mapping.key.match_by.as_deref();
    if let Some(by) = declaration
        .matches
        .iter()
        .find(|known| Some(known.field) == match_by)
    {
        by_field(tx, plan, declaration, by)?;
    }
    sql!(
        "UPDATE import_rows SET action = 'create', object_id = new_id
         WHERE action IS NULL AND import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    // What follows joins the rows with each other. PostgreSQL knows nothing yet of rows that were just read, and would
    // compare each with every other.
    sql!("ANALYZE import_rows (import_id, line, key, action, object_id, new_id)").execute(tx.conn)?;
    Ok(())
}

fn by_key(tx: &mut Tx, plan: &Plan, declaration: &Declaration) -> ApiResult<()> {
    sql!(
        "UPDATE import_rows r SET action = 'unchanged', object_id = t.id, object_version = t.version
         FROM external_keys e JOIN {table} t ON t.id = e.object_id
         WHERE e.kind = {declaration.external_kind} AND e.source = {source} AND e.key = r.key
            AND r.action IS NULL AND r.import_id = {plan.import}",
        table = Fixed(declaration.table),
        source = plan.source(),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Marks the rows about things that `missing` ended earlier and that have not changed since: their status is restored where the
/// row says nothing else. A thing that ended for another reason, or that got another such status since, stays as it is, and the
/// row says so.
fn find_restored(tx: &mut Tx, plan: &Plan, declaration: &Declaration) -> ApiResult<()> {
    let absent = declaration.absent_statuses(&plan.mapping.missing.then);
    let status = Fixed(declaration.status);
    let keyed = sql!(
        "external_keys e JOIN {table} t ON t.id = e.object_id
         WHERE e.kind = {declaration.external_kind} AND e.source = {source} AND e.key = r.key
            AND r.action = 'unchanged' AND r.import_id = {plan.import}",
        table = Fixed(declaration.table),
        source = plan.source(),
    );
    // The status stands with the references, the others among what is restored.
    sql!(
        "UPDATE import_rows r SET refs = r.refs
            || CASE WHEN r.fields ? 'status' THEN '{}'
                ELSE jsonb_build_object('status', e.missing #> '{was,status}') END
            || jsonb_build_object('restore', coalesce((SELECT jsonb_object_agg(was.key, was.value)
                FROM jsonb_each(e.missing -> 'was') AS was
                WHERE was.key <> 'status' AND NOT r.fields ? was.key
                    AND to_jsonb(t) -> was.key = e.missing -> 'is' -> was.key), '{}'))
         FROM {keyed} AND e.missing #>> '{is,status}' = {status}
            AND coalesce(r.fields ->> 'status',
                e.missing #>> '{was,status}') <> ALL({absent} || {status}) AND {still_missing}",
        still_missing = Fixed(declaration.still_missing),
    )
    .execute(tx.conn)?;
    let stays = issue(
        plan,
        "status",
        "stays_gone",
        sql!(
            "'is ' || {status}
                || ' here, and not only because a file left it out, so it stays so; give it another status to have it back'"
        ),
        "warning",
    );
    sql!(
        "UPDATE import_rows r SET issues = r.issues || {stays} FROM {keyed} AND NOT e.is_placeholder
            AND ({status} = ANY({gone_statuses}) OR e.missing IS NOT NULL AND {status} = ANY({missing_statuses}))
            AND NOT r.refs ? 'restore' AND NOT r.fields ? 'status'",
        gone_statuses = declaration.gone_statuses(),
        missing_statuses = declaration.missing_statuses(),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// A row that fits one thing without a key of this source takes that over. One that fits several, that shares the one
/// with another row, or whose one has another key already, is refused: nobody guesses.
fn by_field(tx: &mut Tx, plan: &Plan, declaration: &Declaration, by: &Match) -> ApiResult<()> {
    let told = |code, detail| issue(plan, by.field, code, detail, "error");
    let named = sql!("'\"' || (r.fields ->> {by.field}) || '\"'");
    let several = told(
        "match_ambiguous",
        sql!(
            "{named} || ' fits ' || found.total || ' of those who are here and ' || found.claims
                || ' rows of this file'",
        ),
    );
    let keyed = told(
        "match_has_key",
        sql!("{named} || ' is that of one who has the key ' || found.key || ' already'",),
    );
    sql!(
        "WITH wanting AS MATERIALIZED (SELECT line, handle,
                count(*) OVER (PARTITION BY handle) AS claims
            FROM (SELECT g.line, {wanted} AS handle FROM import_rows g
                WHERE g.action IS NULL AND g.import_id = {plan.import}) AS every WHERE handle <> ''),
         found AS MATERIALIZED (SELECT w.line, w.claims, count(DISTINCT t.id) AS total,
                min(e.key) AS key, (array_agg(t.id))[1] AS id, (array_agg(t.version))[1] AS version
            FROM wanting w JOIN {table} t ON {present} = w.handle
            LEFT JOIN external_keys e ON e.object_id = t.id AND e.kind = {declaration.external_kind}
                AND e.source = {source} GROUP BY w.line, w.claims),
         judged AS (SELECT found.*, total = 1 AND claims = 1 AS is_one, key IS NOT NULL AS has_key
            FROM found)
         UPDATE import_rows r SET
            action = CASE WHEN is_one AND NOT has_key THEN 'unchanged' ELSE 'refuse' END,
            object_id = CASE WHEN is_one AND NOT has_key THEN found.id END,
            object_version = CASE WHEN is_one AND NOT has_key THEN found.version END,
            refs = CASE
                WHEN is_one AND NOT has_key THEN r.refs || jsonb_build_object('external_key',
                    {prefix} || r.key) ELSE r.refs END,
            issues = CASE WHEN NOT is_one THEN r.issues || {several}
                WHEN has_key THEN r.issues || {keyed} ELSE r.issues END
         FROM judged AS found WHERE r.line = found.line AND r.import_id = {plan.import}",
        wanted = Fixed(by.wanted),
        table = Fixed(declaration.table),
        present = Fixed(by.present),
        source = plan.source(),
        prefix = format!("{}:", plan.source()),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// What changes in the row `r` for the thing `t` because it is taken over or restored, beside its fields.
pub fn matched(declaration: &Declaration) -> Sql {
    let status = Fixed(declaration.status);
    sql!(
        " || coalesce((SELECT jsonb_object_agg(was.key,
            jsonb_build_object('from', to_jsonb(t) -> was.key, 'to', was.value))
            FROM jsonb_each(r.refs -> 'restore') AS was), '{}') || CASE WHEN r.refs ? 'external_key'
                    THEN jsonb_build_object('external_key',
                        jsonb_build_object('from', NULL, 'to', r.refs -> 'external_key'))
                ELSE '{}'::jsonb END
            || CASE WHEN r.refs ? 'placeholder'
                    THEN '{\"placeholder\": {\"from\": true, \"to\": false}}'::jsonb
                ELSE '{}'::jsonb END || CASE WHEN r.refs ->> 'status' <> {status}
                        THEN jsonb_build_object('status',
                            jsonb_build_object('from', {status}, 'to', r.refs -> 'status'))
                    ELSE '{}'::jsonb END"
    )
}

/// A query of the things that are taken over and still live: they count among those that were present.
pub fn matched_and_present(plan: &Plan, declaration: &Declaration) -> Sql {
    sql!(
        "SELECT t.id FROM import_rows r JOIN {table} t ON t.id = r.object_id
         WHERE r.refs ?| '{external_key,placeholder}' AND r.action IN ('unchanged', 'update')
            AND {status} <> ALL({gone_statuses}) AND r.import_id = {plan.import}",
        status = Fixed(declaration.status),
        table = Fixed(declaration.table),
        gone_statuses = declaration.gone_statuses(),
    )
}
