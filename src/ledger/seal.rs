//! The sealer: gives committed events their positions and chains their hashes.
//!
//! Transactions commit out of order, so a position is given only to what is committed: to the events that a row of
//! `unsealed_events` names. Sealers take turns on the row of `ledger_head`.

use data_encoding::HEXLOWER;
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryResult, RunQueryDsl};

use super::{
    consumers,
    model::LedgerHead,
    store::{self, Entry},
};
use crate::{
    app::{Acting, App, Tx},
    db::schema::ledger_head,
    http::ApiResult,
};

/// Events a transaction.
const BATCH: i64 = 5_000;

/// Seals what is committed, and answers how many events that was.
pub fn seal(app: &App) -> ApiResult<i64> {
    let mut sealed = 0;
    loop {
        match seal_some(app)? {
            0 => return Ok(sealed),
            some => sealed += some,
        }
    }
}

/// Seals some of what is committed, and answers how many events that was: none once all are sealed. The worker does
/// this all the time.
pub fn seal_some(app: &App) -> ApiResult<i64> {
    let acting = Acting::system("sealer");
    if app.read_blocking(&acting, |tx| Ok(store::is_any_unsealed(tx.conn)?))? {
        app.write_blocking(&acting, seal_batch)
    } else {
        Ok(0)
    }
}

fn seal_batch(tx: &mut Tx) -> ApiResult<i64> {
    let (first, mut hash): (i64, Vec<u8>) = ledger_head::table
        .select((ledger_head::position, ledger_head::hash))
        .for_update()
        .first(tx.conn)?;
    let mut position = first;
    let entries: Vec<Entry> = store::take_unsealed(tx.conn, BATCH)?
        .into_iter()
        .map(|event| {
            position += 1;
            hash = event.hash(&hash, position);
            Entry {
                position,
                hash: hash.clone(),
                event_id: event.id,
                user_id: event.user(),
                recorded_at: event.recorded_at,
                actor_kind: event.actor_kind,
                actor_id: event.actor_id,
                on_behalf_of: event.on_behalf_of,
                request_id: event.request_id,
                action: event.action,
                object_kind: event.object_kind,
                object_id: event.object_id,
            }
        })
        .collect();
    if entries.is_empty() {
        return Ok(0);
    }
    store::insert_entries(tx.conn, &entries)?;
    consumers::wake(tx, entries.iter().map(|entry| entry.action.as_str()))?;
    diesel::update(ledger_head::table)
        .set((ledger_head::position.eq(position), ledger_head::hash.eq(hash)))
        .execute(tx.conn)?;
    Ok(position - first)
}

/// The end of the chain.
pub fn head(conn: &mut PgConnection) -> QueryResult<LedgerHead> {
    let (position, hash): (i64, Vec<u8>) = ledger_head::table
        .select((ledger_head::position, ledger_head::hash))
        .first(conn)?;
    Ok(LedgerHead {
        position,
        hash: HEXLOWER.encode(&hash),
    })
}
