//! The changes of a plan, which are kept for a day: they are listed, and counted by org unit.

use std::sync::LazyLock;

use chrono::TimeDelta;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    model::Rule,
    plan_model::{PlannedChange, PlannedChangeKind, PlannedOrgUnit},
};
use crate::{
    app::Tx,
    authz::{Permission, Protected, Scope},
    db::Sql,
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    jobs::{Job, JobError, JobRun},
    sql,
};

const LISTING: Listing = Listing {
    id: "requirement_changes.id",
    sorts: &[Sort {
        name: "user_id",
        column: "requirement_changes.user_id",
        kind: SortKind::Id,
    }],
};

static ATTRIBUTES: [Attribute; 5] = [
    Attribute::scalar("user_id", Kind::Id, "requirement_changes.user_id", "The user."),
    Attribute::scalar(
        "course_id",
        Kind::Id,
        "requirement_changes.course_id",
        "The course, if that is the target.",
    ),
    Attribute::scalar(
        "kind",
        Kind::Enum(PlannedChangeKind::WORDS),
        "requirement_changes.change",
        "What happens.",
    ),
    Attribute::scalar(
        "due_on",
        Kind::Date,
        "requirement_changes.due_on",
        "When it would be due.",
    ),
    Attribute {
        name: "org_unit",
        kind: Kind::Folded,
        column: Column::Exists {
            from: "users u JOIN org_unit_closure c ON c.descendant_id = u.org_unit_id
                JOIN org_units o ON o.id = c.ancestor_id",
            on: "u.id = requirement_changes.user_id",
            value: "o.code",
        },
        doc: "The code of the user's unit, or of any unit above it.",
    },
];

static FILTER: LazyLock<Schema> = LazyLock::new(|| Schema::new(&ATTRIBUTES));

/// How long the changes of a plan are kept after it was made.
const KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// A page of the changes of a plan of `rule` that concern users whom the caller may see.
pub fn list(tx: &mut Tx, rule: &Rule, plan_id: Uuid, query: &ListQuery) -> ApiResult<Page<PlannedChange>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Jsonb)]
        sort_key: Value,
        #[diesel(embed)]
        change: PlannedChange,
    }
    let seen = seen(tx)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    find(tx, rule.id, plan_id)?;
    let of_plan = sql!("requirement_changes.run_id = {plan_id}");
    let seen = seen
        .iter()
        .map(|scope| scope.users("requirement_changes.user_id"));
    let rows: Vec<Row> = sql!(
        "SELECT requirement_changes.*, requirement_changes.change AS kind,
            target_json(requirement_changes.course_id, requirement_changes.path_id) AS target, {key} AS sort_key
         FROM requirement_changes WHERE {rows} ORDER BY {order} LIMIT {limit}",
        key = page.key(),
        rows = page.rows([of_plan, filter].into_iter().chain(seen)),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows.into_iter().map(|row| ((row.id, row.change), row.sort_key));
    Ok(page.page(rows.collect(), |(id, _)| *id).map(|(_, change)| change))
}

/// Makes sure that the plan is one of `rule`, and that its changes are kept still. They are gone after a crash of PostgreSQL,
/// too: their table is unlogged.
fn find(tx: &mut Tx, rule_id: Uuid, plan_id: Uuid) -> ApiResult<()> {
    let found = sql!(
        "SELECT o.id FROM operations o
         WHERE o.id = {plan_id} AND o.kind = 'rule.plan' AND o.status = 'succeeded' AND o.finished_at > {since}
            AND o.result ->> 'rule_id' = {rule_id}::text
            AND ((SELECT sum((o.result ->> counted)::bigint)
                    FROM unnest(ARRAY['opens', 'satisfied', 'reopens', 'resumes', 'moves', 'ends']) AS counted) = 0
                OR EXISTS (SELECT FROM requirement_changes c WHERE c.run_id = o.id))",
        since = tx.now - KEPT_FOR,
    )
    .execute(tx.conn)?;
    match found {
        0 => Err(ApiError::not_found("plan of this rule from the last day")),
        _ => Ok(()),
    }
}

/// Where a user must be to be named to the caller in what a plan does.
pub(super) fn seen(tx: &Tx) -> ApiResult<Vec<Scope>> {
    Ok(vec![tx.scope(Rule::READ)?, tx.seen(Permission::UsersRead)])
}

/// Changes that a plan shows one by one; its counts and its hash are about all of them.
const SHOWN: i64 = 100;

/// The first changes of a plan that concern users who are `seen`.
pub(super) fn first(tx: &mut Tx, plan_id: Uuid, seen: &[Scope]) -> ApiResult<Vec<PlannedChange>> {
    let first = sql!(
        "SELECT c.*, c.change AS kind, target_json(c.course_id, c.path_id) AS target FROM requirement_changes c
         WHERE c.run_id = {plan_id} AND {seen} ORDER BY c.user_id, c.id LIMIT {SHOWN}",
        seen = Sql::all(seen.iter().map(|scope| scope.users("c.user_id"))),
    );
    Ok(first.is_planned_each_time().load(tx.conn)?)
}

/// How many org units a plan tells of.
const MOST_UNITS: i64 = 1_000;

/// What a plan does to users who are `seen`, by their org units.
pub(super) fn by_org_unit(tx: &mut Tx, plan_id: Uuid, seen: &[Scope]) -> ApiResult<Vec<PlannedOrgUnit>> {
    let units = sql!(
        "SELECT u.*, o.code, o.name FROM (
            SELECT users.org_unit_id, count(*) FILTER (WHERE c.change = 'opens') AS opens,
                count(*) FILTER (WHERE c.change = 'satisfied') AS satisfied,
                count(*) FILTER (WHERE c.change = 'reopens') AS reopens,
                count(*) FILTER (WHERE c.change = 'resumes') AS resumes,
                count(*) FILTER (WHERE c.change = 'ends' AND c.rule_id IS NOT NULL) AS ends,
                count(*) FILTER (WHERE c.change = 'moves') AS moves,
                count(*) AS changes
            FROM requirement_changes c JOIN users ON users.id = c.user_id
            WHERE c.run_id = {plan_id} AND {seen} GROUP BY users.org_unit_id) u
         LEFT JOIN org_units o ON o.id = u.org_unit_id
         ORDER BY u.changes DESC, o.code LIMIT {MOST_UNITS}",
        seen = Sql::all(seen.iter().map(|scope| scope.users("c.user_id"))),
    );
    // A plan may have rows for everybody, unlike other runs.
    Ok(units.is_planned_each_time().load(tx.conn)?)
}

/// Deletes the changes of plans that are older than a day. What puts rules in force deletes its own in its transaction, and a plan
/// that came to nothing leaves none.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgePlans {}

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 10_000;

impl Job for PurgePlans {
    const KIND: &'static str = "plans.purge";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        while run.write(|tx| {
            let deleted = sql!(
                "DELETE FROM requirement_changes WHERE (user_id, run_id, id) IN (
                    SELECT c.user_id, c.run_id, c.id FROM operations o JOIN requirement_changes c ON c.run_id = o.id
                    WHERE o.kind = 'rule.plan' AND o.finished_at <= {since} LIMIT {BATCH})",
                since = tx.now - KEPT_FOR,
            )
            .execute(tx.conn)?;
            Ok(deleted as i64)
        })? == BATCH
        {}
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
