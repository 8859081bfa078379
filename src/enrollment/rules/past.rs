//! Cycles that others followed: settling leaves them as they were, but a correction of what satisfied one changes until when that
//! counts, or ends it.

use std::collections::HashSet;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    apply, changes,
    facts::{self, Which},
    policy,
    reconcile::{People, ReconcileScope},
    settle::Case,
};
use crate::{app::Tx, enrollment::target::Target, http::ApiResult, sql};

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    target_id: Uuid,
}

/// Brings past cycles of `people` in line with `completions`, corrections that now satisfy them. The transaction holds the locks of
/// the people.
pub fn follow(tx: &mut Tx, people: &[Uuid], completions: &[Uuid]) -> ApiResult<()> {
    let mut left: Vec<Touched> = sql!(
        "SELECT q.id, q.user_id, q.target_id FROM requirements q
         WHERE q.user_id = ANY({people}) AND q.completion_id = ANY({completions}) AND q.ended_at IS NULL
            AND EXISTS (SELECT FROM requirements later
                WHERE later.user_id = q.user_id AND later.target_id = q.target_id AND later.cycle > q.cycle)
         ORDER BY q.user_id, q.target_id, q.cycle"
    )
    .load(tx.conn)?;
    // One cycle of a person and a target at a time: more are corrected by one request only where somebody corrects years of it.
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
    let reach = ReconcileScope::of(People::These(people));
    let rules = policy::load(tx, None)?;
    let which = Which::These(&requirements);
    let people = facts::load(tx, &reach, &rules.policies, which, &mut [], None)?;
    let mut changes = Vec::new();
    for person in &people {
        let targets: Vec<Target> = person.cycles.keys().copied().collect();
        for target in targets {
            if let Some(after) = Case::of(person, target, &rules.policies, true).past() {
                changes::compare(person, target, &[after], &mut changes);
            }
        }
    }
    apply::apply(tx, &changes).map(drop)
}
