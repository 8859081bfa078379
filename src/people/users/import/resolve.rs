//! What a row of people stands for: whose manager, which org unit; and which rows the database would not take.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use super::made;
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    import::{
        assess::{Taken, good, issue, refuse_taken},
        mapping::{OnMissing, ReferenceBy, ReferenceMapping},
        naming::{self, Naming},
        read::unusable,
        reference::{on_missing, resolve_codes},
        target::Plan,
    },
    sql,
    text::fold,
};

/// Refuses rows that the database would not take, then finds org units and managers.
pub fn resolve(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    refuse_taken(
        tx,
        plan,
        Taken {
            field: "username",
            table: "users",
            wanted: "g.folded ->> 'username_folded'",
            present: "t.username_folded",
        },
    )?;
    refuse_leaving_before_hire(tx, plan)?;
    made::find_created(tx, plan)?;
    if let Some(reference) = plan.mapping.references.get("org_unit") {
        find_org_units(tx, plan, reference)?;
    }
    if let Some(reference) = plan.mapping.references.get("manager") {
        find_managers(tx, plan, reference)?;
        if reference.on_missing == OnMissing::Create {
            made::plan_managers(tx, plan, reference)?;
        }
        while drop_refused_managers(tx, plan, reference)? > 0 {}
        while drop_circles(tx, plan)? > 0 {}
    }
    Ok(())
}

fn refuse_leaving_before_hire(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let fault = issue(
        plan,
        "left_on",
        "left_before_hired",
        sql!("'they left on ' || left_on || ', before they were hired on ' || hired_on"),
        "error",
    );
    sql!(
        "WITH days AS (SELECT g.line,
                CASE WHEN g.fields ? 'hired_on' THEN (g.fields ->> 'hired_on')::date
                    ELSE u.hired_on END AS hired_on,
                CASE WHEN g.fields ? 'left_on' THEN (g.fields ->> 'left_on')::date
                    WHEN g.refs -> 'restore' ? 'left_on' THEN (g.refs #>> '{restore,left_on}')::date
                    ELSE u.left_on END AS left_on
            FROM {good} g LEFT JOIN users u ON u.id = g.object_id)
         UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault} FROM days
         WHERE left_on < hired_on AND r.line = days.line AND r.import_id = {plan.import}",
        good = good(plan),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// `fields.org_unit` is a path of codes and names; the last one counts. Codes are compared without regard to case, and
/// `refs.org_unit` has that of the unit that is there.
fn find_org_units(tx: &mut Tx, plan: &Plan, reference: &ReferenceMapping) -> ApiResult<()> {
    if let Some(under) = &reference.under {
        let known = sql!(
            "SELECT 1 FROM org_units WHERE archived_at IS NULL AND code_folded = {folded}",
            folded = fold(under),
        )
        .execute(tx.conn)?;
        if known == 0 {
            return Err(unusable(format!(
                "The profile has org units stand under {under}, and there is no such unit."
            )));
        }
    }
    if reference.by == ReferenceBy::Name {
        naming::resolve(tx, plan, reference, named_units(reference))?;
    }
    let creates = reference.on_missing == OnMissing::Create;
    let missing = on_missing(
        plan,
        reference,
        "org_unit",
        "org_unit_unknown",
        sql!("'there is no org unit ' || found.name || ', or it is archived'"),
    );
    // Thousands of rows name a few dozen units, so each is looked up once.
    let found = sql!(
        "WITH path AS MATERIALIZED (SELECT levels, coalesce((
            SELECT o.code FROM org_units o WHERE o.code_folded = keys -> -1 ->> 'code'),
            levels -> -1 ->> 'code') AS code, (
                SELECT bool_or(u.archived_at IS NOT NULL OR u.id IS NULL AND NOT {creates})
                FROM jsonb_array_elements(CASE WHEN {creates} THEN keys
                    ELSE jsonb_build_array(keys -> -1) END) AS named(level)
                LEFT JOIN org_units u ON u.code_folded = level ->> 'code') AS is_missing
            FROM (SELECT DISTINCT fields -> 'org_unit' AS levels, folded -> 'org_unit_folded' AS keys
                FROM {good} g WHERE jsonb_typeof(fields -> 'org_unit') = 'array') AS named)
         SELECT g.line, path.code, path.is_missing,
            CASE WHEN path.code IS NULL THEN levels -> -1 ->> 'name' ELSE path.code END AS name
         FROM {good} g JOIN path ON path.levels = g.fields -> 'org_unit'",
        good = good(plan),
    );
    resolve_codes(tx, plan, "org_unit", found, missing)
}

/// The unit of a level's name that is nearest below the one of the level before it, or nearest to the top. One that is
/// archived counts only where no other one is.
fn named_units(reference: &ReferenceMapping) -> Naming {
    let under = reference.under.as_deref();
    let found = sql!(
        "anchor AS (SELECT id FROM org_units WHERE code_folded = {under}),
            found(path, level, unit_id, code, total) AS (
                SELECT path, 0::bigint, (SELECT id FROM anchor), NULL::text, 1::bigint FROM paths
                UNION ALL
                SELECT found.path, found.level + 1, nearest.id, nearest.code, nearest.total
                FROM found JOIN paths ON paths.path = found.path
                CROSS JOIN LATERAL (
                    SELECT (array_agg(id))[1] AS id, (array_agg(code))[1] AS code, count(*) AS total
                    FROM (
                        SELECT o.id, o.code, rank() OVER (ORDER BY o.archived_at IS NOT NULL,
                            above.depth) AS place
                        FROM org_units o CROSS JOIN LATERAL (
                            SELECT max(c.depth) AS depth FROM org_unit_closure c
                            WHERE c.descendant_id = o.id
                                AND (found.unit_id IS NULL OR c.ancestor_id = found.unit_id)) AS above
                        WHERE o.name_folded = paths.levels -> found.level::int ->> 'key'
                            AND above.depth IS NOT NULL
                            AND o.id IS DISTINCT FROM found.unit_id) AS placed
                    WHERE place = 1) AS nearest
                WHERE found.level < jsonb_array_length(paths.levels) AND found.total = 1
                    AND (found.unit_id IS NOT NULL OR found.level = 0))
         SELECT path, level, code, total FROM found WHERE level > 0",
        under = under.map(fold),
    );
    Naming {
        reference: "org_unit",
        table: "org_units",
        code: "t.code_folded",
        ambiguous: "org_unit_ambiguous",
        found,
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

/// How many org units the plan makes.
pub fn new_org_units(tx: &mut Tx, plan: &Plan) -> ApiResult<i64> {
    let number: Number = sql!(
        "SELECT count(DISTINCT level ->> 'code') AS number
         FROM import_rows r, jsonb_array_elements(r.folded -> 'org_unit_folded') AS path(level)
         WHERE r.action IN ('create', 'update', 'restore')
            AND jsonb_typeof(r.refs -> 'org_unit') = 'string'
            AND NOT EXISTS (SELECT 1 FROM org_units o WHERE o.code_folded = level ->> 'code')
            AND r.import_id = {plan.import}"
    )
    .get_result(tx.conn)?;
    Ok(number.number)
}

/// The key form of a name with its full stops and its spaces evened out.
fn without_punctuation(name: &'static str) -> Sql {
    sql!(
        "btrim(regexp_replace(replace({name}, '.', ' '), '\\s+', ' ', 'g'))",
        name = Fixed(name)
    )
}

/// Everybody as they will be: by what they are found, and whether they are still there.
fn people(plan: &Plan, reference: &ReferenceMapping) -> Sql {
    let source = made::source(plan, reference);
    let (handle, keys) = match reference.by {
        ReferenceBy::Key => (
            sql!(
                "coalesce(CASE WHEN {is_same_source} THEN g.key END, e.key)",
                is_same_source = source == plan.source(),
            ),
            sql!(
                "LEFT JOIN external_keys e ON e.kind = 'user' AND e.object_id = u.id
                    AND e.source = {source}"
            ),
        ),
        ReferenceBy::Username => (
            sql!("coalesce(g.folded ->> 'username_folded', u.username_folded)"),
            Sql::default(),
        ),
        ReferenceBy::Name | ReferenceBy::Code | ReferenceBy::Id => (
            without_punctuation(
                "coalesce(g.folded ->> 'given_name_folded', u.given_name_folded, '') || ' '
                    || coalesce(g.folded ->> 'family_name_folded', u.family_name_folded, '')",
            ),
            Sql::default(),
        ),
    };
    sql!(
        "SELECT coalesce(g.object_id, u.id) AS id,
            coalesce(g.fields ->> 'username', u.username) AS username, {handle} AS handle,
            coalesce(g.fields ->> 'status', g.refs ->> 'status', u.status,
                'active') <> 'archived' AS is_here
         FROM users u FULL JOIN {good} g ON g.object_id = u.id {keys}",
        good = good(plan),
    )
}

/// Of several who are found, the one who has not left is meant; if that does not settle it, nobody is.
fn find_managers(tx: &mut Tx, plan: &Plan, reference: &ReferenceMapping) -> ApiResult<()> {
    let handle = match reference.by {
        ReferenceBy::Key => sql!("g.fields ->> 'manager'"),
        ReferenceBy::Username => sql!("g.folded ->> 'manager_folded'"),
        ReferenceBy::Name | ReferenceBy::Code | ReferenceBy::Id => {
            without_punctuation("g.folded ->> 'manager_folded'")
        }
    };
    let named = sql!("'\"' || (r.fields ->> 'manager') || '\"'");
    let unknown = sql!("{named} || ' is nobody here'");
    let ambiguous = sql!("{named} || ' may be any of ' || wanted.total || ' people'");
    let (unknown, action) = match reference.on_missing {
        OnMissing::Create => (sql!("'[]'::jsonb"), "r.action"),
        _ => on_missing(plan, reference, "manager", "manager_unknown", unknown),
    };
    let (ambiguous, _) = on_missing(plan, reference, "manager", "manager_ambiguous", ambiguous);
    sql!(
        "WITH people AS MATERIALIZED ({people}), found AS (
            SELECT handle, count(DISTINCT id) AS total,
                count(DISTINCT id) FILTER (WHERE is_here) AS here,
                (array_agg(id ORDER BY is_here DESC))[1] AS id,
                (array_agg(username ORDER BY is_here DESC))[1] AS username
            FROM people WHERE handle <> '' GROUP BY handle),
         wanted AS (
            SELECT g.line, found.*, found.total IS NOT NULL AND (here = 1 OR total = 1) AS is_one
            FROM {good} g LEFT JOIN found ON found.handle = {handle}
            WHERE g.fields ->> 'manager' IS NOT NULL)
         UPDATE import_rows r SET
            refs = CASE
                WHEN is_one THEN r.refs || jsonb_build_object('manager_id', wanted.id, 'manager',
                    wanted.username)
                ELSE r.refs END,
            issues = CASE WHEN is_one THEN r.issues
                WHEN wanted.total IS NULL THEN r.issues || {unknown}
                ELSE r.issues || {ambiguous} END,
            action = CASE WHEN is_one THEN r.action ELSE {action} END
         FROM wanted WHERE r.line = wanted.line AND r.import_id = {plan.import}",
        people = people(plan, reference),
        good = good(plan),
        action = Fixed(action),
    )
    .execute(tx.conn)?;
    sql!(
        "UPDATE import_rows SET refs = refs || '{\"manager_id\": null, \"manager\": null}'
         WHERE fields -> 'manager' = 'null' AND action IN ('create', 'unchanged')
            AND import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// A new person whose row was refused meanwhile can be nobody's manager.
fn drop_refused_managers(tx: &mut Tx, plan: &Plan, reference: &ReferenceMapping) -> ApiResult<usize> {
    let (fault, action) = on_missing(
        plan,
        reference,
        "manager",
        "manager_refused",
        sql!("'the row of \"' || (r.fields ->> 'manager') || '\" is refused'"),
    );
    let dropped = sql!(
        "UPDATE import_rows r
         SET refs = r.refs - 'manager_id' - 'manager', issues = r.issues || {fault}, action = {action}
         FROM import_rows m WHERE m.action = 'refuse' AND m.new_id = (r.refs ->> 'manager_id')::uuid
            AND m.import_id = {plan.import} AND r.action IN ('create', 'unchanged')
            AND r.import_id = {plan.import}",
        action = Fixed(action),
    )
    .execute(tx.conn)?;
    Ok(dropped)
}

/// Of a circle nobody's manager is taken from the file. What was there before is no circle, so this ends.
fn drop_circles(tx: &mut Tx, plan: &Plan) -> ApiResult<usize> {
    let fault = issue(
        plan,
        "manager",
        "manager_cycle",
        sql!(
            "'\"' || (r.fields ->> 'manager')
                || '\" stands below them already; their manager is left as it was'"
        ),
        "warning",
    );
    let dropped = sql!(
        "WITH RECURSIVE edge AS MATERIALIZED (
            SELECT coalesce(g.object_id, u.id) AS id,
                CASE WHEN g.refs ? 'manager_id' THEN (g.refs ->> 'manager_id')::uuid
                    ELSE u.manager_id END AS above
            FROM users u FULL JOIN {good} g ON g.object_id = u.id),
            line(id, above) AS (
                SELECT id, above FROM edge WHERE above IS NOT NULL
                UNION
                SELECT line.id, edge.above FROM line JOIN edge ON edge.id = line.above
                WHERE line.id <> line.above AND edge.above IS NOT NULL)
         UPDATE import_rows r SET refs = r.refs - 'manager_id' - 'manager', issues = r.issues || {fault}
         WHERE r.refs ->> 'manager_id' IS NOT NULL
            AND r.object_id IN (SELECT id FROM line WHERE id = above)
            AND r.import_id = {plan.import}",
        good = good(plan),
    )
    .execute(tx.conn)?;
    Ok(dropped)
}
