//! Periods of people's job fields and custom attributes: the open one always says what the person's row says.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    sql,
};

/// The fields that keep their past.
const FIELDS: [&str; 11] = [
    "status",
    "title",
    "job_code",
    "department",
    "location",
    "location_id",
    "cost_centre",
    "employment_type",
    "manager_id",
    "org_unit_id",
    "attributes",
];

/// The fields, each after `table`: nothing, or the name of a table and a dot.
fn fields(table: &'static str) -> Sql {
    let table = Fixed(table);
    Sql::list(FIELDS.map(|field| sql!("{table}{field}", field = Fixed(field))))
}

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    manager_before: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    manager: Option<Uuid>,
}

/// Closes the open periods of users whose job fields changed, and opens new ones. Touches their managers, since filters ask who
/// has reports.
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
            ({of_users}) IS DISTINCT FROM ({of_period})",
        of_users = fields("users."),
        of_period = fields("period."),
    )
    .load(tx.conn)?;
    Ok(changed)
}

/// Ends the open periods now. One that began at this very instant never was what it said: it is written again.
fn close(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<()> {
    sql!(
        "UPDATE user_history
         SET ({fields}) = ({of_users})
         FROM users WHERE users.id = user_history.user_id AND valid_to IS NULL
            AND valid_from >= {tx.now} AND user_id = ANY({ids})",
        fields = fields(""),
        of_users = fields("users."),
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
        "INSERT INTO user_history (id, user_id, valid_from, {fields})
         SELECT opened.period_id, users.id, {tx.now}, {of_users}
         FROM unnest({ids}, {periods}) AS opened(user_id, period_id)
         JOIN users ON users.id = opened.user_id
         WHERE NOT EXISTS (SELECT 1 FROM user_history WHERE user_history.user_id = users.id
                AND valid_to IS NULL)",
        fields = fields(""),
        of_users = fields("users."),
    )
    .execute(tx.conn)?;
    Ok(())
}
