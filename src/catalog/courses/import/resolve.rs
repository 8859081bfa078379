//! Which category a row of courses names, and which rows the database would not take.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use crate::{
    app::Tx,
    catalog::contents::{
        checks::{self, model::ContentCheckAction},
        findings::FindingCode,
    },
    db::Sql,
    http::ApiResult,
    import::{
        assess::{Taken, good, issue, refuse_taken},
        mapping::{OnMissing, ReferenceBy, ReferenceMapping},
        naming::{self, Naming},
        reference::{on_missing, resolve_codes},
        stale,
        target::{Part, Plan},
    },
    sql,
};

/// Refuses rows that the database would not take, then finds categories.
pub fn resolve(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    refuse_taken(
        tx,
        plan,
        Taken {
            field: "code",
            table: "courses",
            wanted: "g.folded ->> 'code_folded'",
            present: "t.code_folded",
        },
    )?;
    refuse_empty(tx, plan)?;
    match plan.mapping.references.get("category") {
        Some(reference) => find_categories(tx, plan, reference),
        None => Ok(()),
    }
}

/// What has no modules cannot be published.
fn refuse_empty(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let fault = issue(
        plan,
        "status",
        "course_has_no_modules",
        sql!("'a course without a link cannot be published'"),
        "error",
    );
    sql!(
        "WITH barren AS (SELECT g.line FROM {good} g LEFT JOIN courses c ON c.id = g.object_id
            WHERE g.fields ->> 'status' = 'published' AND g.fields ->> 'link' IS NULL
                AND (g.fields ? 'link' OR c.id IS NULL OR c.modules = '[]'))
         UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault} FROM barren
         WHERE r.line = barren.line AND r.import_id = {plan.import}",
        good = good(plan),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Refuses rows that would publish contents which block that, as publishing by the API does.
pub fn refuse_blocked(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let detail = sql!(
        "'the content ' || blocked.code || ' is archived, or a finding of it blocks publishing: GET /v1/contents and /v1/content-checks tell'"
    );
    let fault = issue(plan, "status", "content_blocks_publishing", detail, "error");
    sql!(
        "UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault} FROM ({blocked}) blocked
         WHERE r.line = blocked.line AND r.import_id = {plan.import}",
        blocked = blocked(tx, &sql!("r.import_id = {plan.import}"))?,
    )
    .execute(tx.conn)?;
    Ok(())
}

/// The lines of those of `rows` that would publish contents which block that, each with the code of one.
fn blocked(tx: &mut Tx, rows: &Sql) -> ApiResult<Sql> {
    let choices = checks::store::choices(tx)?;
    let blocking = FindingCode::ALL
        .iter()
        .filter(|code| choices.action(**code) == ContentCheckAction::Block);
    let blocking: Vec<String> = blocking.map(|code| code.as_str().to_owned()).collect();
    Ok(sql!(
        "SELECT r.line, min(content.code) AS code FROM import_rows r JOIN courses c ON c.id = r.object_id
         CROSS JOIN LATERAL jsonb_path_query(c.modules, '$[*].activities[*].content_version_id') AS shown(id)
         JOIN content_versions v ON v.id::text = shown.id #>> '{}'
         JOIN contents content ON content.id = v.content_id
         WHERE r.action IN ('create', 'update', 'restore') AND r.fields ->> 'status' = 'published'
            AND (NOT r.fields ? 'link' OR c.modules #> '{0,activities,0,url}' = r.fields -> 'link')
            AND (content.archived_at IS NOT NULL OR EXISTS (
                SELECT FROM jsonb_array_elements(v.findings) found WHERE found ->> 'code' = ANY({blocking})))
            AND {rows}
         GROUP BY r.line"
    ))
}

fn find_categories(tx: &mut Tx, plan: &Plan, reference: &ReferenceMapping) -> ApiResult<()> {
    if reference.by == ReferenceBy::Name {
        naming::resolve(tx, plan, reference, named_categories())?;
    }
    let detail = sql!("'there is no category ' || found.name || ', or it is archived'");
    let found = sql!(
        "SELECT g.line, coalesce(c.code, g.fields -> 'category' -> -1 ->> 'code') AS code,
            coalesce(g.fields -> 'category' -> -1 ->> 'code',
                g.fields -> 'category' -> -1 ->> 'name') AS name,
            CASE WHEN c.id IS NULL THEN g.fields -> 'category' -> -1 ->> 'code' IS NULL
                    OR NOT {is_created} ELSE c.archived_at IS NOT NULL END AS is_missing
         FROM {good} g
         LEFT JOIN categories c ON c.code_folded = g.folded -> 'category_folded' -> -1 ->> 'code'
         WHERE jsonb_typeof(g.fields -> 'category') = 'array'",
        is_created = reference.on_missing == OnMissing::Create,
        good = good(plan),
    );
    let missing = on_missing(plan, reference, "category", "category_unknown", detail);
    resolve_codes(tx, plan, "category", found, missing)
}

/// Refuses rows whose code or whose category is no longer as it was when they were planned.
pub fn refuse_outdated(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    let rows = part.rows(plan);
    let overtaken = sql!(
        "SELECT line FROM ({blocked}) blocked
         UNION ALL
         SELECT r.line FROM import_rows r
         WHERE r.action IN ('create', 'update', 'restore') AND (
            EXISTS (SELECT 1 FROM courses t WHERE t.code_folded = r.folded ->> 'code_folded'
                    AND t.id <> r.object_id)
            OR r.refs ->> 'category' IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM categories c
                WHERE c.code_folded = r.folded -> 'category_folded' -> -1 ->> 'code'
                    AND c.archived_at IS NULL)
            OR {names_another}) AND {rows}",
        blocked = blocked(tx, &rows)?,
        names_another = naming::names_another(plan, "category", "categories"),
    );
    stale::refuse(tx, plan, overtaken)?;
    Ok(())
}

/// Categories by their names; one that is archived counts only where no other one is.
fn named_categories() -> Naming {
    let found = sql!(
        "found AS (SELECT paths.path, 1::bigint AS level, c.code,
                rank() OVER (PARTITION BY paths.path ORDER BY c.archived_at IS NOT NULL) AS place
            FROM paths JOIN categories c ON c.name_folded = paths.levels -> 0 ->> 'key')
         SELECT path, level, min(code) AS code, count(*) AS total FROM found WHERE place = 1
         GROUP BY path, level"
    );
    Naming {
        reference: "category",
        table: "categories",
        code: "t.code_folded",
        ambiguous: "category_ambiguous",
        found,
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

/// How many categories the plan makes.
pub fn new_categories(tx: &mut Tx, plan: &Plan) -> ApiResult<i64> {
    let number: Number = sql!(
        "SELECT count(DISTINCT folded -> 'category_folded' -> -1 ->> 'code') AS number FROM import_rows
         WHERE action IN ('create', 'update', 'restore') AND refs ->> 'category' IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM categories c
                WHERE c.code_folded = folded -> 'category_folded' -> -1 ->> 'code')
            AND import_id = {plan.import}"
    )
    .get_result(tx.conn)?;
    Ok(number.number)
}
