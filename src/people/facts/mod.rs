//! What follows from people's rows: periods of history, the reporting line, who is in which dynamic group.
//!
//! Refreshed in the transaction that changes people, in every way of changing them: [`refresh_changed`] is the first reaction of the
//! server. Every statement takes one, many or all people, and what is right already stays untouched.

mod follow;
mod history;

use history::Changed;

pub use follow::{FollowPeople, enqueue_follow, follow, is_followed_by_job};

use diesel::{QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{closure::REPORTING_LINES, groups::dynamic};
use crate::{app::Tx, db::schema::users, http::ApiResult, sql};

/// The reaction: keeps the facts of the people who changed in this transaction.
pub fn refresh_changed(tx: &mut Tx) -> ApiResult<()> {
    let changed = tx.changed_users();
    if changed.is_empty() {
        return Ok(());
    }
    refresh(tx, Some(&changed))
}

/// Brings the facts of these users, or of all, up to date. Touches the users that this affects, too: their managers, and everybody
/// below a user whose manager changed.
pub fn refresh(tx: &mut Tx, people: Option<&[Uuid]>) -> ApiResult<()> {
    let people = match people {
        Some(people) => people.to_vec(),
        None => users::table.select(users::id).load(tx.conn)?,
    };
    let changed = history::changed(tx, &people)?;
    let ids_of = |which: fn(&Changed) -> bool| -> Vec<Uuid> {
        let those = changed.iter().filter(|person| which(person));
        those.map(|person| person.id).collect()
    };
    activate(tx, &ids_of(|person| person.begins))?;
    history::keep(tx, &changed)?;
    refresh_reporting_lines(tx, &ids_of(Changed::has_other_manager))?;
    tx.touch_users(people);
    let touched = tx.changed_users();
    let groups = dynamic::all(tx)?;
    dynamic::refresh_members(tx, groups, Some(&touched))
}

/// Keeps the reporting line of people whose managers were just written.
pub fn refresh_reporting_lines(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    if people.is_empty() {
        return Ok(());
    }
    let affected = REPORTING_LINES.refresh(tx, people)?;
    tx.touch_users(affected);
    Ok(())
}

/// Notes that today is the first day on which these people are active, for writers that did not.
fn activate(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    if people.is_empty() {
        return Ok(());
    }
    sql!(
        "UPDATE users SET activated_on = {today} WHERE id = ANY({people})",
        today = tx.today(),
    )
    .execute(tx.conn)?;
    Ok(())
}
