//! The statement of the compliance report.

use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::model::{ComplianceCounts, ComplianceQuery, ComplianceReport, ComplianceRow};
use crate::{
    app::Tx,
    authz::Scope,
    db::Sql,
    enrollment::requirements::filter::STATUS,
    http::{ApiError, ApiResult, Faults, query::joined},
    people::users::filter,
    report, sql,
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    org_unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    depth: Option<i32>,
    #[diesel(sql_type = Array<BigInt>)]
    direct: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    subtree: Vec<i64>,
}

/// The report on the people and courses in the caller's scope.
pub fn compliance(tx: &mut Tx, query: &ComplianceQuery) -> ApiResult<ComplianceReport> {
    let scope = tx.scope(report::RUN)?;
    let faults = match query.faults.is_empty() {
        true => report::check_named(tx, query.org_unit_id, query.course_id, &scope)?,
        false => Faults::default(),
    };
    let filter = match filter::condition(tx, query.filter.as_deref(), &scope) {
        Err(error) => Err(joined(&query.faults, vec![error])),
        Ok(_) if !query.faults.is_empty() => Err(ApiError::parameters(query.faults.clone())),
        Ok(filter) => Ok(filter),
    };
    let filter = faults.last(filter)?;
    let people = Sql::all([
        sql!("users.status <> 'archived'"),
        report::people_in(&scope),
        report::below("users.org_unit_id", query.org_unit_id),
        filter,
    ]);
    let rows: Vec<Row> = statement(tx, query, &scope, people).load(tx.conn)?;
    let data: Vec<_> = rows.into_iter().map(row).collect();
    Ok(ComplianceReport {
        day: tx.today(),
        total: data
            .iter()
            .fold(ComplianceCounts::default(), |total, row| total.plus(&row.direct)),
        data,
    })
}

fn row(row: Row) -> ComplianceRow {
    ComplianceRow {
        org_unit_id: row.org_unit_id,
        org_unit_code: row.code,
        org_unit_name: row.name,
        parent_id: row.parent_id,
        depth: row.depth,
        direct: ComplianceCounts::of(&row.direct),
        subtree: ComplianceCounts::of(&row.subtree),
    }
}

// `held` is one row for each person and course, in the state of its latest cycle; it is materialized so that the
// state is worked out once a row. A renewal that is not late counts as satisfied while the completion of the cycle before
// still counts. Later cycles are looked up for each row: where statistics do not know of them yet, after many renewals at once, a
// join compares all with all.
fn statement(tx: &Tx, query: &ComplianceQuery, scope: &Scope, people: Sql) -> Sql {
    let course = match query.course_id {
        Some(course) => sql!("requirements.course_id = {course}"),
        None => Sql::always(),
    };
    sql!(
        "WITH person AS (SELECT users.id, users.org_unit_id FROM users WHERE {people}),
         held AS MATERIALIZED (SELECT users.org_unit_id,
                CASE WHEN requirements.cycle > 1 AND requirements.satisfied_at IS NULL
                        AND (requirements.due_on IS NULL OR requirements.due_on >= clock.today)
                        AND EXISTS (SELECT FROM requirements earlier
                            WHERE earlier.user_id = requirements.user_id
                                AND earlier.course_id = requirements.course_id
                                AND earlier.cycle < requirements.cycle
                                AND earlier.ended_at IS NULL AND earlier.satisfied_at IS NOT NULL
                                AND earlier.valid_until >= clock.today) THEN 'satisfied'
                    ELSE {STATUS} END AS state, requirements.due_on < clock.today AS is_past
            FROM person users JOIN requirements ON requirements.user_id = users.id
            CROSS JOIN (SELECT {today}::date AS today) clock WHERE requirements.ended_at IS NULL
                AND {course} AND {facts} AND (SELECT TRUE FROM requirements later
                    WHERE later.user_id = requirements.user_id
                        AND later.target_id = requirements.target_id
                        AND later.cycle > requirements.cycle
                        AND later.ended_at IS NULL LIMIT 1) IS NULL),
         counted AS (SELECT org_unit_id, 0 AS people,
                count(*) FILTER (WHERE state = 'satisfied') AS satisfied,
                count(*) FILTER (WHERE state = 'open') AS open,
                count(*) FILTER (WHERE state = 'overdue') AS overdue,
                count(*) FILTER (WHERE state = 'expired') AS expired,
                count(*) FILTER (WHERE state = 'upcoming') AS upcoming,
                count(*) FILTER (WHERE state = 'waived') AS waived,
                count(*) FILTER (WHERE state = 'open' AND is_past) AS absent
            FROM held GROUP BY org_unit_id
            UNION ALL
            SELECT org_unit_id, count(*), 0, 0, 0, 0, 0, 0, 0 FROM person GROUP BY org_unit_id),
         direct AS (SELECT org_unit_id, ARRAY[sum(people), sum(satisfied), sum(open), sum(overdue),
            sum(expired), sum(upcoming), sum(waived), sum(absent)]::bigint[] AS counts
            FROM counted GROUP BY org_unit_id),
         subtree AS (SELECT closure.ancestor_id AS org_unit_id,
                ARRAY[sum(people), sum(satisfied), sum(open), sum(overdue), sum(expired),
                    sum(upcoming), sum(waived), sum(absent)]::bigint[] AS counts
            FROM counted JOIN org_unit_closure closure ON closure.descendant_id = counted.org_unit_id
            GROUP BY closure.ancestor_id),
         path AS (SELECT closure.descendant_id AS org_unit_id, max(closure.depth) AS depth,
                array_agg((above.name || chr(9) || above.code) COLLATE provost_order
                        ORDER BY closure.depth DESC) AS names
            FROM org_unit_closure closure JOIN org_units above ON above.id = closure.ancestor_id
            GROUP BY closure.descendant_id)
         SELECT org_units.id AS org_unit_id, org_units.code, org_units.name, org_units.parent_id,
            path.depth, coalesce(direct.counts, '{0,0,0,0,0,0,0,0}') AS direct, subtree.counts AS subtree,
            path.names
         FROM subtree
         JOIN org_units ON org_units.id = subtree.org_unit_id
         JOIN path ON path.org_unit_id = org_units.id
         LEFT JOIN direct ON direct.org_unit_id = org_units.id
         WHERE ({org_units}
            OR direct.org_unit_id IS NOT NULL) AND {below}
         UNION ALL
         SELECT NULL, NULL, NULL, NULL, NULL, counts, counts, NULL FROM direct WHERE org_unit_id IS NULL
         ORDER BY names NULLS LAST",
        today = tx.today(),
        facts = scope.facts("users.id", "requirements.course_id"),
        org_units = scope.org_units("org_units.id"),
        below = report::below("org_units.id", query.org_unit_id),
    )
}
