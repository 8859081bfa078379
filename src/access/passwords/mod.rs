//! Passwords: what a new one must be, what follows when it is set, and the single-use tokens with which people choose
//! theirs. Used by the routes below `people` and by commands.

pub mod rules;
pub mod tokens;

use std::sync::Arc;

use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{attempts, sign_in};
use crate::{
    access::{events::PASSWORD_SET, hashing::Hashing},
    app::{App, Tx},
    http::{ApiError, ApiResult},
    ledger::Event,
    sql,
};

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = sql_types::Text)]
    username: String,
    #[diesel(sql_type = sql_types::Array<sql_types::Text>)]
    words: Vec<String>,
}

fn known(conn: &mut PgConnection, user: Uuid) -> QueryResult<Known> {
    sql!(
        "SELECT username_folded AS username,
            array_remove(ARRAY[username, email, given_name, family_name,
                given_name || ' ' || family_name, given_name || '.' || family_name,
                family_name || ' ' || given_name], NULL) AS words
         FROM users WHERE id = {user}"
    )
    .get_result(conn)
}

/// The hash of a password that `user` may have; says at `pointer` why they may not.
pub async fn accept(
    app: &Arc<App>,
    user: Uuid,
    pointer: &'static str,
    password: String,
) -> ApiResult<String> {
    let mut words = app
        .on_database(move |_, conn| Ok(known(conn, user)?.words))
        .await?;
    words.push(app.config.academy_name.clone());
    let accepted = app.part::<Hashing>().hash_new(password, words).await?;
    accepted.map_err(|fault| ApiError::field(pointer, fault))
}

/// Sets a person's password to the one behind `hash`, which they must change if `must_change`. What was sent to them to
/// choose one counts no more, and failures with the old one are forgotten. Which sessions end is for the caller to say.
pub fn set(tx: &mut Tx, user: Uuid, hash: &str, must_change: bool) -> ApiResult<()> {
    sign_in::store::set_password(tx.conn, user, (hash, must_change), tx.now)?;
    tokens::void(tx, user)?;
    let username = known(tx.conn, user)?.username;
    attempts::forget_person(tx.conn, &username)?;
    tx.record(Event::new(&PASSWORD_SET, user).about(user));
    Ok(())
}
