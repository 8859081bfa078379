//! Cycles that others followed: settling leaves them as they were, but a correction of what satisfied one changes until when that
//! counts, or ends it.

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
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
    db::Sql,
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

/// Has past cycles follow `corrections` of the completions that satisfy them. The transaction holds the locks of the people.
pub fn follow(tx: &mut Tx, corrections: &[Completion]) -> ApiResult<()> {
    let people: Vec<Uuid> = corrections.iter().map(|correction| correction.user_id).collect();
    let corrected = corrections
        .iter()
        .filter_map(|correction| Some((correction.supersedes_id?, correction.id)));
    let corrected: HashMap<Uuid, Uuid> = corrected.collect();
    let old: Vec<Uuid> = corrected.keys().copied().collect();
    let touched = sql!("q.user_id = ANY({people}) AND q.completion_id = ANY({old})");
    settle_all(tx, &touched, &corrected)
}

/// Works out past cycles once more from what satisfies them.
pub fn repair(tx: &mut Tx, requirements: &[Uuid]) -> ApiResult<()> {
    let picked = sql!("q.id = ANY({requirements})");
    let people: Vec<Uuid> = past(tx, &picked)?.iter().map(|touched| touched.user_id).collect();
    people::lock(tx, people)?;
    settle_all(tx, &picked, &HashMap::new())
}

/// The past cycles among the requirements `q` that a condition picks.
fn past(tx: &mut Tx, picked: &Sql) -> ApiResult<Vec<Touched>> {
    let past = sql!(
        "SELECT q.id, q.user_id, q.target_id FROM requirements q
         WHERE {picked} AND q.ended_at IS NULL AND EXISTS (SELECT FROM requirements later
            WHERE later.user_id = q.user_id AND later.target_id = q.target_id AND later.cycle > q.cycle)
         ORDER BY q.user_id, q.target_id, q.cycle"
    );
    Ok(past.load(tx.conn)?)
}

fn settle_all(tx: &mut Tx, picked: &Sql, corrected: &HashMap<Uuid, Uuid>) -> ApiResult<()> {
    let mut left = past(tx, picked)?;
    // One cycle of a person and a target at a time: there are more only where somebody corrects years of it in one request.
    while !left.is_empty() {
        let mut pairs = HashSet::new();
        let (now, later): (Vec<Touched>, Vec<Touched>) = left
            .into_iter()
            .partition(|touched| pairs.insert((touched.user_id, touched.target_id)));
        settle(tx, &now, corrected)?;
        left = later;
    }
    Ok(())
}

fn settle(tx: &mut Tx, touched: &[Touched], corrected: &HashMap<Uuid, Uuid>) -> ApiResult<()> {
    let people: Vec<Uuid> = touched.iter().map(|touched| touched.user_id).collect();
    let requirements: Vec<Uuid> = touched.iter().map(|touched| touched.id).collect();
    let mut policies = policy::load(tx, None)?.policies.clone();
    policies.extend(policy::archived(tx, &people, &requirements)?);
    let reach = ReconcileScope::of(People::These(people));
    let which = Which::These(&requirements);
    let people = facts::load(tx, &reach, &policies, which, &mut [], None)?;
    let mut changes = Vec::new();
    for person in &people {
        let targets: Vec<Target> = person.cycles.keys().copied().collect();
        for target in targets {
            if let Some(after) = Case::of(person, target, &policies, true).past(corrected) {
                changes::compare(person, target, &[after], &mut changes);
            }
        }
    }
    apply::apply(tx, &changes).map(drop)
}
