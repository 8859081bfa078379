//! Periods of people's job fields: the open one always says what the person's row says.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{app::Tx, http::ApiResult, sql};

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    manager_before: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    manager: Option<Uuid>,
}

/// Closes the open periods of those whose job fields changed, and opens new ones. Touches their managers, about whom
/// filters ask whether anybody reports to them.
pub(super) fn refresh(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    let changed = changed(tx, people)?;
    if changed.is_empty() {
        return Ok(());
    }
    let managers = changed
        .iter()
        .flat_map(|person| [person.manager_before, person.manager]);
    tx.touch_users(managers.flatten().collect::<Vec<_>>());
    let ids: Vec<Uuid> = changed.iter().map(|person| person.id).collect();
    close(tx, &ids)?;
    open(tx, &ids)
}

fn changed(tx: &mut Tx, people: &[Uuid]) -> ApiResult<Vec<Changed>> {
    let changed = sql!(
        "SELECT users.id, period.manager_id AS manager_before, users.manager_id AS manager
         FROM unnest({people}) AS written(id) JOIN users ON users.id = written.id
         LEFT JOIN user_history period ON period.user_id = users.id AND period.valid_to IS NULL
         WHERE period.id IS NULL OR
            (users.status, users.title, users.job_code, users.department, users.location,
                users.cost_centre, users.employment_type, users.manager_id, users.org_unit_id)
            IS DISTINCT FROM
            (period.status, period.title, period.job_code, period.department, period.location,
                period.cost_centre, period.employment_type, period.manager_id, period.org_unit_id)"
    )
    .load(tx.conn)?;
    Ok(changed)
}

/// Ends the open periods now. One that began at this very instant never was what it said: it is written again.
fn close(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<()> {
    sql!(
        "UPDATE user_history
         SET (status, title, job_code, department, location, cost_centre, employment_type, manager_id,
            org_unit_id) = (users.status, users.title, users.job_code, users.department, users.location,
                users.cost_centre, users.employment_type, users.manager_id, users.org_unit_id)
         FROM users WHERE users.id = user_history.user_id AND valid_to IS NULL
            AND valid_from >= {tx.now} AND user_id = ANY({ids})"
    )
    .execute(tx.conn)?;
    sql!(
        "UPDATE user_history SET valid_to = {tx.now} WHERE valid_to IS NULL AND valid_from < {tx.now}
            AND user_id = ANY({ids})"
    )
    .execute(tx.conn)?;
    Ok(())
}

fn open(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<()> {
    let periods: Vec<Uuid> = ids.iter().map(|_| Uuid::now_v7()).collect();
    sql!(
        "INSERT INTO user_history (id, user_id, valid_from, status, title, job_code, department,
            location, cost_centre, employment_type, manager_id, org_unit_id)
         SELECT opened.period_id, users.id, {tx.now}, users.status, users.title, users.job_code,
            users.department, users.location, users.cost_centre, users.employment_type,
            users.manager_id, users.org_unit_id
         FROM unnest({ids}, {periods}) AS opened(user_id, period_id)
         JOIN users ON users.id = opened.user_id
         WHERE NOT EXISTS (SELECT 1 FROM user_history WHERE user_history.user_id = users.id
                AND valid_to IS NULL)"
    )
    .execute(tx.conn)?;
    Ok(())
}
