//! What happens between the plan of an import of people and its rows' turn to be written: in which order they are, and
//! which of them no longer fit.

use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    import::{
        mapping::ReferenceMapping,
        naming,
        reference::on_missing,
        stale,
        target::{Part, Plan},
    },
    people::closure::REPORTING_LINES,
    sql,
};

/// Refuses rows whose username, org unit or place in the reporting line is no longer free.
pub fn refuse(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
    let overtaken = sql!(
        "SELECT r.line FROM import_rows r
         WHERE r.action IN ('create', 'update', 'restore') AND (
            EXISTS (SELECT 1 FROM users t WHERE t.username_folded = r.folded ->> 'username_folded'
                    AND t.id <> r.object_id)
            OR r.refs ->> 'org_unit' IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM org_units o
                WHERE o.code_folded = r.folded -> 'org_unit_folded' -> -1 ->> 'code'
                    AND o.archived_at IS NULL)
            OR {names_another}) AND {rows}",
        names_another = naming::names_another(plan, "org_unit", "org_units"),
        rows = part.rows(plan),
    );
    stale::refuse(tx, plan, overtaken)?;
    if let Some(reference) = plan.mapping.references.get("manager") {
        // After the rows' own locks, as everybody does who moves a person.
        REPORTING_LINES.lock(tx)?;
        while drop_managers(tx, plan, part, reference)? > 0 {}
        while stale::refuse(tx, plan, circles(plan, part))? > 0 {}
    }
    Ok(())
}

/// Refuses rows whose manager's own row was refused meanwhile.
fn drop_managers(tx: &mut Tx, plan: &Plan, part: Part, reference: &ReferenceMapping) -> ApiResult<usize> {
    let (fault, action) = on_missing(
        plan,
        reference,
        "manager",
        "manager_refused",
        sql!("'the row of \"' || (r.fields ->> 'manager') || '\" is refused'"),
    );
    let dropped = sql!(
        "UPDATE import_rows r
         SET refs = r.refs - 'manager_id' - 'manager', changes = r.changes - 'manager',
            issues = r.issues || {fault}, action = {action}
         WHERE r.action IN ('create', 'update', 'restore') AND r.refs ->> 'manager_id' IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM users m WHERE m.id = (r.refs ->> 'manager_id')::uuid)
            AND NOT EXISTS (SELECT 1 FROM import_rows m
                WHERE m.action = 'create' AND m.object_id = (r.refs ->> 'manager_id')::uuid
                    AND m.turn BETWEEN {part.first} AND {part.last} AND m.import_id = r.import_id)
            AND {rows}",
        action = Fixed(action),
        rows = part.rows(plan),
    )
    .execute(tx.conn)?;
    Ok(dropped)
}

/// A query of the rows of `part` that would close a circle: going up from a manager, by the managers that the part gives and
/// those that are there, leads back. Those who are new have nobody below them but by rows that come later.
fn circles(plan: &Plan, part: Part) -> Sql {
    sql!(
        "WITH RECURSIVE moved AS MATERIALIZED (
            SELECT r.line, r.object_id AS id, (r.refs ->> 'manager_id')::uuid AS above
            FROM import_rows r
            WHERE r.action IN ('update', 'restore') AND r.changes ? 'manager' AND {rows}),
            climb(line, id, at) AS (
                SELECT line, id, above FROM moved WHERE above IS NOT NULL
                UNION
                SELECT climb.line, climb.id, CASE WHEN moved.id IS NULL THEN u.manager_id
                    ELSE moved.above END
                FROM climb JOIN users u ON u.id = climb.at LEFT JOIN moved ON moved.id = climb.at
                WHERE climb.at <> climb.id)
         SELECT DISTINCT line FROM climb WHERE at = id",
        rows = part.rows(plan),
    )
}

/// How many people stand above each, once the plan is applied.
pub fn ranks(plan: &Plan) -> Sql {
    sql!(
        "WITH RECURSIVE edge AS MATERIALIZED (
            SELECT coalesce(r.object_id, u.id) AS id,
                CASE WHEN r.refs ? 'manager_id' THEN (r.refs ->> 'manager_id')::uuid
                    ELSE u.manager_id END AS above
            FROM users u FULL JOIN (SELECT * FROM import_rows
                WHERE action IN ('create', 'update', 'restore') AND import_id = {plan.import}) AS r
                ON r.object_id = u.id), depth(id, rank) AS (
                    SELECT id, 0 FROM edge WHERE above IS NULL
                    UNION ALL
                    SELECT edge.id, depth.rank + 1 FROM depth JOIN edge ON edge.above = depth.id)
         SELECT id, rank FROM depth"
    )
}
