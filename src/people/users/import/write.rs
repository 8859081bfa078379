//! Writes planned people: org units first of all, then the people of each part, their keys and their managers.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::json;
use uuid::Uuid;

use super::made;
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    import::{
        events,
        keyed::{self, Keyed},
        naming,
        target::{Part, Plan},
    },
    people::{closure::ORG_UNITS, events::key_added, org_units::model::OrgUnit, users::model::User},
    resource::{
        Row,
        record::{selected, shown},
        write::{insert_from, update_from},
    },
    sql,
    text::fold,
};

/// Makes org units, and managers who are known by their keys alone.
pub fn prepare(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    create_org_units(tx, plan)?;
    made::write(tx, plan)
}

/// Writes the rows of `part` and says whose facts changed.
pub fn write(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    let new = insert_from::<User>(next(tx, plan, part, "('create')"));
    Keyed::of::<User>().create(tx, plan, part, &User::EVENTS.created, new)?;
    update(tx, plan, part)?;
    end(tx, plan, part)?;
    let touched: Vec<Id> = sql!(
        "SELECT r.object_id AS id FROM import_rows r
         WHERE r.action IN ('create', 'update', 'restore', 'end') AND {rows}",
        rows = part.rows(plan),
    )
    .load(tx.conn)?;
    tx.touch_users(touched.into_iter().map(|row| row.id));
    Ok(())
}

#[derive(QueryableByName)]
pub(super) struct Id {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
}

#[derive(QueryableByName)]
struct Depth {
    #[diesel(sql_type = sql_types::Integer)]
    depth: i32,
}

/// Makes the units that the paths name and that are not there, from the top down, with their places in the tree. By
/// name, nothing is made below a unit that has the code of the one that was named and another name, or beside one that got the
/// same name since: its rows no longer fit.
fn create_org_units(tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
    let under = plan
        .mapping
        .references
        .get("org_unit")
        .and_then(|reference| reference.under.as_deref());
    let by_name = naming::is_by_name(plan, "org_unit");
    let deepest: Depth = sql!(
        "SELECT coalesce(max(jsonb_array_length(fields -> 'org_unit')), 0) AS depth FROM import_rows
         WHERE action IN ('create', 'update', 'restore') AND jsonb_typeof(refs -> 'org_unit') = 'string'
            AND import_id = {plan.import}"
    )
    .get_result(tx.conn)?;
    for level in 0..i64::from(deepest.depth) {
        let made = sql!(
            "INSERT INTO org_units (id, code, name, code_folded, name_folded, parent_id, created_at,
                updated_at)
             SELECT {ids}, new.code, new.name, new.code_folded, new.name_folded, parent.id, {tx.now},
                {tx.now}
             FROM (SELECT DISTINCT ON (code_folded) fields -> 'org_unit' -> level ->> 'code' AS code,
                    fields -> 'org_unit' -> level ->> 'name' AS name, code_folded,
                    folded -> 'org_unit_folded' -> level ->> 'name' AS name_folded,
                    coalesce(folded -> 'org_unit_folded' -> nullif(level - 1, -1) ->> 'code',
                        {under}) AS above, folded -> 'org_unit_folded' -> nullif(level - 1,
                            -1) ->> 'name' AS above_name
                FROM import_rows, (SELECT {level}::int AS level) AS present,
                    LATERAL (SELECT folded -> 'org_unit_folded' -> level ->> 'code' AS code_folded) AS keys
                WHERE action IN ('create', 'update', 'restore')
                    AND jsonb_typeof(refs -> 'org_unit') = 'string' AND import_id = {plan.import}
                ORDER BY code_folded, line) AS new
             LEFT JOIN org_units parent ON parent.code_folded = new.above
             WHERE new.code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM org_units o
                WHERE o.code_folded = new.code_folded)
                AND (NOT {by_name} OR (new.above_name IS NULL OR parent.name_folded = new.above_name)
                    AND NOT EXISTS (SELECT 1 FROM org_units o WHERE o.name_folded = new.name_folded
                        AND o.parent_id IS NOT DISTINCT FROM parent.id))
             RETURNING org_units.id, {shown} AS after",
            shown = shown::<OrgUnit>(),
            ids = tx.new_ids(),
            under = under.map(fold),
        );
        events::record(tx, &OrgUnit::EVENTS.created, None, made)?;
        place_org_units(tx)?;
    }
    Ok(())
}

/// Gives the units that were just made their places in the tree.
fn place_org_units(tx: &mut Tx) -> ApiResult<()> {
    let made: Vec<Id> = sql!(
        "SELECT o.id FROM org_units o
         WHERE NOT EXISTS (SELECT 1 FROM org_unit_closure c WHERE c.descendant_id = o.id)"
    )
    .load(tx.conn)?;
    let made: Vec<Uuid> = made.into_iter().map(|row| row.id).collect();
    ORG_UNITS.refresh(tx, &made)?;
    Ok(())
}

/// The people of rows with `actions` as a table, as they will be: what the row says over what is there.
fn next(tx: &Tx, plan: &Plan, part: Part, actions: &'static str) -> Sql {
    let defaults = json!({
        "family_name": "", "family_name_folded": "", "status": "active", "locale": "en", "attributes": {},
    });
    let fields = selected(&User::declaration().columns, "p.", |column| {
        Some(match column {
            "id" => sql!("r.object_id"),
            "activated_on" => sql!(
                "coalesce(p.activated_on, CASE WHEN p.status = 'active' THEN {today} END)",
                today = tx.today(),
            ),
            "org_unit_id" => sql!("CASE WHEN r.refs ? 'org_unit' THEN o.id ELSE p.org_unit_id END"),
            "attributes" => sql!(
                "jsonb_strip_nulls(p.attributes || coalesce((SELECT jsonb_object_agg(substr(a.key, 12), a.value)
                    FROM jsonb_each(r.fields) a WHERE starts_with(a.key, 'attributes.')), '{}'))"
            ),
            "version" => sql!("coalesce(u.version, 0) + 1"),
            "created_at" => sql!("coalesce(u.created_at, {tx.now})"),
            "updated_at" => sql!("{tx.now}"),
            _ => return None,
        })
    });
    sql!(
        "(SELECT {fields}
         FROM import_rows r
         LEFT JOIN users u ON u.id = r.object_id
         LEFT JOIN org_units o ON o.code_folded = r.folded -> 'org_unit_folded' -> -1 ->> 'code'
         CROSS JOIN LATERAL jsonb_populate_record(u, CASE WHEN u.id IS NULL THEN {defaults} ELSE '{}' END
            || r.fields || r.refs || coalesce(r.refs -> 'restore', '{}') || r.folded) AS p
         WHERE r.action IN {actions} AND {rows})",
        actions = Fixed(actions),
        rows = part.rows(plan),
    )
}

fn update(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    const ACTIONS: &str = "('update', 'restore')";
    let updated = update_from::<User>(next(tx, plan, part, ACTIONS));
    Keyed::of::<User>().change(tx, plan, part, ACTIONS, &User::EVENTS.updated, updated)?;
    keyed::link_keys(tx, plan, part, &key_added("user"))
}

/// Those who are missing from the file.
fn end(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    let ended = sql!(
        "UPDATE users SET status = r.changes #>> '{status,to}',
            left_on = CASE WHEN r.changes ? 'left_on' THEN (r.changes #>> '{left_on,to}')::date
                ELSE users.left_on END, version = users.version + 1, updated_at = {tx.now}
         FROM import_rows r WHERE r.object_id = users.id AND r.action = 'end' AND {rows}",
        rows = part.rows(plan),
    );
    Keyed::of::<User>().change(tx, plan, part, "('end')", &User::EVENTS.updated, ended)?;
    keyed::note_missing(tx, plan, part, "user")
}
