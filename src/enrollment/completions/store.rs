//! The statements of completions.

use std::{collections::HashMap, sync::LazyLock};

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::Completion;
use crate::{
    app::Tx,
    authz::Protected,
    db::{Fixed, Sql, schema::completions},
    enrollment::{enrollments::model::Enrollment, requirements::store::COUNTS_UNTIL},
    filter::{Attribute, Column, Kind},
    http::{ApiResult, ListQuery, Page},
    resource::Declaration,
    sql,
};

/// Joins to a completion `c` the latest requirement that it satisfies, as `satisfied`.
pub fn joined_satisfied() -> Sql {
    sql!(
        "LEFT JOIN LATERAL (SELECT {COUNTS_UNTIL} AS valid_until, TRUE AS is_there FROM requirements q
         WHERE q.user_id = c.user_id AND q.completion_id = c.id AND q.end_reason IS DISTINCT FROM 'evidence_gone'
         ORDER BY q.cycle DESC LIMIT 1) satisfied ON TRUE"
    )
}

/// The last day on which a completion `c` of a course version `v` counts: for the requirement that it satisfies
/// ([`joined_satisfied`]); without one, as the course and the evidence say.
pub const VALID_UNTIL: Fixed = Fixed(
    "(CASE WHEN satisfied.is_there THEN satisfied.valid_until
    ELSE least((c.occurred_on + v.validity_period::interval)::date, c.expires_on) END)",
);

/// What filters may name of completions, and the orders of their list.
static DECLARATION: LazyLock<Declaration> = LazyLock::new(|| {
    let superseded_by = Attribute {
        name: "superseded_by_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "completions s",
            on: "s.user_id = completions.user_id AND s.supersedes_id = completions.id",
            value: "s.id",
        },
        doc: "Its correction.",
    };
    Declaration::new::<Completion>(&[superseded_by], "recorded_at", None)
});

/// A page of the completions that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Completion>> {
    let scope = tx.scope(Completion::READ)?;
    let (page, filter) = DECLARATION.plan(tx, Completion::ID, query)?;
    let rows = completions::table
        .select((Completion::as_select(), page.key()))
        .filter(page.rows([Completion::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |completion| completion.id))
}

/// Completions, by their ids.
pub fn of_ids(tx: &mut Tx, ids: impl Iterator<Item = (Uuid, Uuid)>) -> ApiResult<HashMap<Uuid, Completion>> {
    let (people, ids): (Vec<Uuid>, Vec<Uuid>) = ids.unzip();
    let found: Vec<Completion> = completions::table
        .filter(completions::user_id.eq_any(people))
        .filter(completions::id.eq_any(ids))
        .select(Completion::as_select())
        .load(tx.conn)?;
    Ok(found
        .into_iter()
        .map(|completion| (completion.id, completion))
        .collect())
}

/// The completion of an enrollment that no other supersedes.
pub fn last_of(tx: &mut Tx, enrollment: &Enrollment) -> ApiResult<Option<Completion>> {
    let last = completions::table
        .filter(completions::user_id.eq(enrollment.user_id))
        .filter(completions::enrollment_id.eq(enrollment.id))
        .order(completions::recorded_at.desc())
        .then_order_by(completions::id.desc())
        .select(Completion::as_select())
        .first(tx.conn)
        .optional()?;
    Ok(last)
}

/// Rows of one statement: 13 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// Appends completions.
pub fn insert(tx: &mut Tx, rows: &[Completion]) -> ApiResult<()> {
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        diesel::insert_into(completions::table)
            .values(chunk)
            .execute(tx.conn)?;
    }
    Ok(())
}
