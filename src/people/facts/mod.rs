//! What follows from people's rows: periods of history, the reporting line, who is in which dynamic group.
//!
//! Refreshed in the transaction that changes people, in every way of changing them: [`refresh_changed`] is the first reaction of the
//! server. Every statement takes one, many or all people, and what is right already stays untouched.

mod follow;
mod history;

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
    activate(tx, &people)?;
    history::refresh(tx, &people)?;
    refresh_reporting_lines(tx, &people)?;
    tx.touch_users(people);
    let touched = tx.changed_users();
    let groups = dynamic::all(tx)?;
    dynamic::refresh_members(tx, groups, Some(&touched))
}

/// Keeps the reporting line of people whose managers were just written.
pub fn refresh_reporting_lines(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    let affected = REPORTING_LINES.refresh(tx, people)?;
    tx.touch_users(affected);
    Ok(())
}

/// Notes the first day on which a person is active, for writers that did not.
fn activate(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    sql!(
        "UPDATE users SET activated_on = {today} WHERE id = ANY({people}) AND status = 'active'
            AND activated_on IS NULL",
        today = tx.today(),
    )
    .execute(tx.conn)?;
    Ok(())
}
