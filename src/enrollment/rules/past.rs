//! Cycles that others followed: settling leaves them as they were, but a correction of what satisfied one changes until when that
//! counts, or ends it.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    apply, changes,
    facts::{self, Which},
    policy,
    reconcile::{People, ReconcileScope},
    settle::Case,
};
use crate::{
    app::Tx,
    db::{Sql, schema::completions},
    enrollment::{completions::model::Completion, people, target::Target},
    http::ApiResult,
    sql,
};

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    target_id: Uuid,
}

/// Has past cycles follow `corrections` of the completions that satisfy them, or did. The transaction holds the locks of the people.
pub fn follow(tx: &mut Tx, corrections: &[Completion]) -> ApiResult<()> {
    let people: Vec<Uuid> = corrections.iter().map(|correction| correction.user_id).collect();
    let old = corrections
        .iter()
        .filter_map(|correction| correction.supersedes_id);
    let old: Vec<Uuid> = old.collect();
    settle_all(
        tx,
        &sql!("q.user_id = ANY({people}) AND q.completion_id = ANY({old})"),
    )
}

/// Works out past cycles once more from what satisfies them.
pub fn repair(tx: &mut Tx, requirements: &[Uuid]) -> ApiResult<()> {
    let picked = sql!("q.id = ANY({requirements})");
    let people: Vec<Uuid> = past(tx, &picked)?.iter().map(|touched| touched.user_id).collect();
    people::lock(tx, people)?;
    settle_all(tx, &picked)
}

/// The past cycles among the requirements `q` that a condition picks.
fn past(tx: &mut Tx, picked: &Sql) -> ApiResult<Vec<Touched>> {
    let past = sql!(
        "SELECT q.id, q.user_id, q.target_id FROM requirements q
         WHERE {picked} AND (q.ended_at IS NULL OR q.end_reason = 'evidence_gone') AND EXISTS (SELECT FROM requirements later
            WHERE later.user_id = q.user_id AND later.target_id = q.target_id AND later.cycle > q.cycle)
         ORDER BY q.user_id, q.target_id, q.cycle"
    );
    Ok(past.load(tx.conn)?)
}

/// Which completion each corrected one of these people was corrected to.
fn corrected(tx: &mut Tx, people: &[Uuid]) -> ApiResult<HashMap<Uuid, Uuid>> {
    let pairs: Vec<(Option<Uuid>, Uuid)> = completions::table
        .filter(completions::user_id.eq_any(people))
        .filter(completions::supersedes_id.is_not_null())
        .select((completions::supersedes_id, completions::id))
        .load(tx.conn)?;
    let pairs = pairs.into_iter();
    Ok(pairs.filter_map(|(old, new)| Some((old?, new))).collect())
}

fn settle_all(tx: &mut Tx, picked: &Sql) -> ApiResult<()> {
    let mut left = past(tx, picked)?;
    // One cycle of a person and a target at a time: there are more only where somebody corrects years of it in one request.
    while !left.is_empty() {
        let mut pairs = HashSet::new();
        let (now, later): (Vec<Touched>, Vec<Touched>) = left
            .into_iter()
            .partition(|touched| pairs.insert((touched.user_id, touched.target_id)));
        settle(tx, &now)?;
        left = later;
    }
    Ok(())
}

fn settle(tx: &mut Tx, touched: &[Touched]) -> ApiResult<()> {
    let people: Vec<Uuid> = touched.iter().map(|touched| touched.user_id).collect();
    let requirements: Vec<Uuid> = touched.iter().map(|touched| touched.id).collect();
    let mut policies = policy::load(tx, None)?.policies.clone();
    policies.extend(policy::archived(tx, &people, &requirements)?);
    let corrected = corrected(tx, &people)?;
    let reach = ReconcileScope::of(People::These(people));
    let which = Which::These(&requirements);
    let people = facts::load(tx, &reach, &policies, which, &mut [], None)?;
    let mut changes = Vec::new();
    for person in &people {
        let targets: Vec<Target> = person.cycles.keys().copied().collect();
        for target in targets {
            if let Some(after) = Case::of(person, target, &policies, true).past(&corrected) {
                changes::compare(person, target, &[after], &mut changes);
            }
        }
    }
    apply::apply(tx, &changes).map(drop)
}
