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

/// A user whose job fields are not those of the open period.
#[derive(QueryableByName)]
pub(super) struct Changed {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// Whether there is an open period.
    #[diesel(sql_type = sql_types::Bool)]
    is_known: bool,
    /// Whether that began at this very instant.
    #[diesel(sql_type = sql_types::Bool)]
    is_of_now: bool,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    manager_before: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    manager: Option<Uuid>,
    /// Whether the user is active for the first time, and no day says so.
    #[diesel(sql_type = sql_types::Bool)]
    pub begins: bool,
}

impl Changed {
    /// Whether the user is new or has another manager than before.
    pub fn has_other_manager(&self) -> bool {
        !self.is_known || self.manager_before != self.manager
    }
}

/// Those of these users whose job fields changed. Touches their managers, since filters ask who has reports.
pub(super) fn changed(tx: &mut Tx, people: &[Uuid]) -> ApiResult<Vec<Changed>> {
    let changed: Vec<Changed> = sql!(
        "SELECT users.id, period.id IS NOT NULL AS is_known, coalesce(period.valid_from >= {tx.now}, FALSE) AS is_of_now,
            period.manager_id AS manager_before, users.manager_id AS manager,
            users.status = 'active' AND users.activated_on IS NULL AS begins
         FROM users LEFT JOIN user_history period ON period.user_id = users.id AND period.valid_to IS NULL
         WHERE {among} AND (period.id IS NULL OR ({of_users}) IS DISTINCT FROM ({of_period}))",
        among = Sql::among("users.id", people),
        of_users = fields("users."),
        of_period = fields("period."),
    )
    .load(tx.conn)?;
    let managers = changed
        .iter()
        .flat_map(|person| [person.manager_before, person.manager]);
    tx.touch_users(managers.flatten().collect::<Vec<_>>());
    Ok(changed)
}

/// Closes the open periods of these users and opens new ones. A period that began at this very instant never was what it said: it
/// is written again.
pub(super) fn keep(tx: &mut Tx, changed: &[Changed]) -> ApiResult<()> {
    let (of_now, others): (Vec<&Changed>, Vec<&Changed>) =
        changed.iter().partition(|person| person.is_of_now);
    let known = others.iter().filter(|person| person.is_known);
    let known: Vec<Uuid> = known.map(|person| person.id).collect();
    let ids = |people: Vec<&Changed>| people.iter().map(|person| person.id).collect::<Vec<Uuid>>();
    rewrite(tx, &ids(of_now))?;
    close(tx, &known)?;
    open(tx, &ids(others))
}

fn rewrite(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    if people.is_empty() {
        return Ok(());
    }
    sql!(
        "UPDATE user_history SET ({fields}) = ({of_users})
         FROM users WHERE users.id = user_history.user_id AND valid_to IS NULL AND {among}",
        among = Sql::among("user_history.user_id", people),
        fields = fields(""),
        of_users = fields("users."),
    )
    .execute(tx.conn)?;
    Ok(())
}

fn close(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    if people.is_empty() {
        return Ok(());
    }
    sql!(
        "UPDATE user_history SET valid_to = {tx.now} WHERE valid_to IS NULL AND {among}",
        among = Sql::among("user_id", people),
    )
    .execute(tx.conn)?;
    Ok(())
}

fn open(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    if people.is_empty() {
        return Ok(());
    }
    sql!(
        "INSERT INTO user_history (id, user_id, valid_from, {fields})
         SELECT {new_ids}, users.id, {tx.now}, {of_users} FROM users WHERE {among}",
        new_ids = tx.new_ids(),
        among = Sql::among("users.id", people),
        fields = fields(""),
        of_users = fields("users."),
    )
    .execute(tx.conn)?;
    Ok(())
}
