//! The sealer: gives committed events their positions and chains their hashes.
//!
//! Transactions commit out of order, so a position is given only to what is committed. Sealers take turns on the row
//! of `ledger_head`.

use data_encoding::HEXLOWER;
use diesel::{
    ExpressionMethods, PgConnection, QueryDsl, QueryResult, QueryableByName, RunQueryDsl, sql_types,
};

use super::{canonical, model::LedgerHead, store};
use crate::{
    app::{Acting, App, Tx},
    db::schema::ledger_head,
    http::ApiResult,
    sql,
};

/// Events a transaction.
const BATCH: i64 = 1_000;

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = sql_types::Bool)]
    any: bool,
}

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
    let waiting: Vec<Waiting> = app.read_blocking(&acting, |tx| {
        Ok(sql!("SELECT EXISTS (SELECT 1 FROM events WHERE position IS NULL) AS any").load(tx.conn)?)
    })?;
    if waiting.iter().any(|waiting| waiting.any) {
        app.write_blocking(&acting, seal_batch)
    } else {
        Ok(0)
    }
}

fn seal_batch(tx: &mut Tx) -> ApiResult<i64> {
    let (mut position, mut hash): (i64, Vec<u8>) = ledger_head::table
        .select((ledger_head::position, ledger_head::hash))
        .for_update()
        .first(tx.conn)?;
    let mut events = store::unsealed(tx.conn, BATCH)?;
    let (mut ids, mut hashes) = (Vec::new(), Vec::new());
    let first = position;
    for event in &mut events {
        position += 1;
        event.position = position;
        hash = canonical::hash(&hash, event);
        ids.push(event.id);
        hashes.push(HEXLOWER.encode(&hash));
    }
    if events.is_empty() {
        return Ok(0);
    }
    sql!(
        "UPDATE events SET position = {first} + sealed.place, hash = decode(sealed.hash, 'hex')
         FROM unnest({ids}, {hashes}) WITH ORDINALITY AS sealed (id, hash, place)
         WHERE events.id = sealed.id"
    )
    .execute(tx.conn)?;
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
