//! The statement of `/v1/me`.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use crate::{app::Tx, http::ApiResult, ledger::ActorKind, sql};

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

/// The caller's name.
pub fn name(tx: &mut Tx) -> ApiResult<String> {
    let id = tx.caller.principal_id();
    let statement = match tx.caller.kind() {
        ActorKind::User => {
            sql!("SELECT trim(given_name || ' ' || family_name) AS name FROM users WHERE id = {id}")
        }
        ActorKind::ServiceAccount => sql!("SELECT name FROM service_accounts WHERE id = {id}"),
        ActorKind::System => sql!("SELECT 'Provost' AS name"),
    };
    let named: Named = statement.get_result(tx.conn)?;
    Ok(named.name)
}
