//! Writes planned courses: categories first of all, then the courses of each part and their keys, then what is published.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::json;
use uuid::Uuid;

use crate::{
    app::Tx,
    catalog::{
        categories::model::Category,
        courses::{model::Course, publish::publish_all},
    },
    db::{Fixed, Sql},
    http::ApiResult,
    import::{
        events,
        keyed::{self, Keyed},
        naming,
        target::{Part, Plan},
    },
    people::events::key_added,
    resource::{
        Row,
        record::{selected, shown},
        write::{insert_from, update_from},
    },
    sql,
};

/// Writes the rows of `part`.
pub fn write(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    let new = insert_from::<Course>(next(tx, plan, part, "('create')"));
    Keyed::of::<Course>().create(tx, plan, part, &Course::EVENTS.created, new)?;
    update(tx, plan, part)?;
    end(tx, plan, part)?;
    let published: Vec<Id> = sql!(
        "SELECT r.object_id AS id FROM import_rows r
         WHERE r.action IN ('create', 'update', 'restore') AND r.fields ->> 'status' = 'published'
            AND {rows}",
        rows = part.rows(plan),
    )
    .load(tx.conn)?;
    publish_all(tx, published.into_iter().map(|row| row.id).collect())?;
    Ok(())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// Makes the categories that rows name and that are not there. By name, none that got there since: its rows no longer fit.
pub fn create_categories(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let created = sql!(
        "INSERT INTO categories (id, code, name, code_folded, name_folded, created_at, updated_at)
         SELECT {ids}, code, name, code_folded, name_folded, {tx.now}, {tx.now}
         FROM (SELECT DISTINCT ON (code_folded) refs ->> 'category' AS code,
                fields -> 'category' -> -1 ->> 'name' AS name, code_folded,
                folded -> 'category_folded' -> -1 ->> 'name' AS name_folded
            FROM import_rows,
                LATERAL (SELECT folded -> 'category_folded' -> -1 ->> 'code' AS code_folded) AS keys
            WHERE action IN ('create', 'update', 'restore') AND refs ->> 'category' IS NOT NULL
                AND import_id = {plan.import} ORDER BY code_folded, line) AS new
         WHERE NOT EXISTS (SELECT 1 FROM categories c WHERE c.code_folded = new.code_folded
                OR {by_name} AND c.name_folded = new.name_folded)
         RETURNING categories.id, {shown} AS after",
        shown = shown::<Category>(),
        ids = tx.new_ids(),
        by_name = naming::is_by_name(plan, "category"),
    );
    events::record(tx, &Category::EVENTS.created, None, created)?;
    Ok(())
}

/// The courses of rows with `actions` as a table, as they will be before they are published.
fn next(tx: &Tx, plan: &Plan, part: Part, actions: &'static str) -> Sql {
    let defaults = json!({ "summary": "", "description": "", "tags": [], "modules": [], "status": "draft" });
    let fields = selected(&Course::declaration().columns, "p.", |column| {
        Some(match column {
            "id" => sql!("r.object_id"),
            "category_id" => sql!("CASE WHEN r.refs ? 'category' THEN k.id ELSE p.category_id END"),
            "modules" => sql!(
                "CASE WHEN NOT r.fields ? 'link' OR c.modules #> '{0,activities,0,url}' = r.fields -> 'link'
                        THEN p.modules
                    WHEN r.fields ->> 'link' IS NULL THEN '[]'
                    ELSE jsonb_build_array(jsonb_build_object('id', coalesce(c.modules #> '{0,id}', to_jsonb({module_id})), 'title', p.title,
                        'activities', jsonb_build_array(jsonb_build_object(
                            'id', coalesce(c.modules #> '{0,activities,0,id}', to_jsonb({activity_id})), 'title', p.title, 'kind', 'link',
                            'url', r.fields -> 'link')))) END",
                module_id = tx.new_ids(),
                activity_id = tx.new_ids(),
            ),
            "status" => sql!(
                "CASE WHEN p.status = 'retired' THEN 'retired' WHEN c.current_version_id IS NOT NULL
                    THEN 'published' ELSE 'draft' END"
            ),
            "retired_at" => {
                sql!("CASE WHEN p.status = 'retired' THEN coalesce(c.retired_at, {tx.now}) END")
            }
            "version" => sql!("coalesce(c.version, 0) + 1"),
            "created_at" => sql!("coalesce(c.created_at, {tx.now})"),
            "updated_at" => sql!("{tx.now}"),
            _ => return None,
        })
    });
    sql!(
        "(SELECT {fields}
         FROM import_rows r
         LEFT JOIN courses c ON c.id = r.object_id
         LEFT JOIN categories k ON k.code_folded = r.folded -> 'category_folded' -> -1 ->> 'code'
         CROSS JOIN LATERAL jsonb_populate_record(c,
            CASE WHEN c.id IS NULL THEN {defaults} ELSE '{}' END || r.fields
            || CASE WHEN r.refs ? 'status' THEN jsonb_build_object('status', r.refs -> 'status')
                ELSE '{}' END || r.folded) AS p
         WHERE r.action IN {actions} AND {rows})",
        actions = Fixed(actions),
        rows = part.rows(plan),
    )
}

fn update(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    const ACTIONS: &str = "('update', 'restore')";
    let updated = update_from::<Course>(next(tx, plan, part, ACTIONS));
    Keyed::of::<Course>().change(tx, plan, part, ACTIONS, &Course::EVENTS.updated, updated)?;
    keyed::link_keys(tx, plan, part, &key_added("course"))
}

fn end(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    let ended = sql!(
        "UPDATE courses SET status = 'retired', retired_at = {tx.now}, version = courses.version + 1,
            updated_at = {tx.now} FROM import_rows r WHERE r.object_id = courses.id AND r.action = 'end'
            AND {rows}",
        rows = part.rows(plan),
    );
    Keyed::of::<Course>().change(tx, plan, part, "('end')", &Course::EVENTS.archived, ended)?;
    keyed::note_missing(tx, plan, part, "course")
}
