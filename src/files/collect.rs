//! Deletes files that nothing uses.
//!
//! A blob is marked as `deleting` first; its row is then deleted in the transaction in which its bytes are. So whatever
//! happens in between, there is never a `stored` row without bytes: who uploads the same bytes meanwhile waits for that
//! row (see [`super::blobs::add`]).

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Sha256, Store, uploads};
use crate::{
    app::{App, Part, Tx},
    db::{Fixed, Sql},
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    sql,
};

/// The tables whose column `sha256` refers to blobs, beside `uploads`. A list from the top: this room knows no domain.
#[derive(Debug, Clone, Copy)]
pub struct BlobUses(pub &'static [&'static str]);

impl Part for BlobUses {}

/// Deletes uploads that expired, blobs that nothing has used for a day, and what broken work left in the store.
#[derive(Debug, Serialize, Deserialize)]
pub struct CollectFiles {}

/// What nothing uses stays for so long.
pub const KEPT: TimeDelta = TimeDelta::days(1);

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 1_000;

impl Job for CollectFiles {
    const KIND: &'static str = "files.collect";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let files = run.app().part::<Store>();
        delete_uploads(run, files)?;
        while run.write(mark)? == BATCH {}
        adopt_strays(run, files)?;
        for sha256 in run.read(deleting)? {
            run.write(|tx| delete(tx, &sha256))?;
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Deletes uploads that expired, and pieces of those that are gone.
fn delete_uploads(run: &JobRun, files: &Store) -> Result<(), JobError> {
    loop {
        let expired = run.write(|tx| uploads::delete_expired(tx, BATCH))?;
        for id in &expired {
            files.delete_pieces(*id).map_err(retry)?;
        }
        if (expired.len() as i64) < BATCH {
            break;
        }
    }
    let before = run.app().clock.now() - KEPT;
    let stored: BTreeSet<Uuid> = files.uploads_before(before).map_err(retry)?;
    let stored: Vec<Uuid> = stored.into_iter().collect();
    for some in stored.chunks(BATCH as usize) {
        for id in run.read(|tx| without_row(tx, some))? {
            files.delete_pieces(id).map_err(retry)?;
        }
    }
    files.delete_leftovers(before).map_err(retry)
}

fn retry(error: impl std::fmt::Display) -> JobError {
    JobError::Retry(error.to_string())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

fn without_row(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<Vec<Uuid>> {
    let gone = sql!(
        "SELECT id FROM unnest({ids}) AS id WHERE NOT EXISTS (SELECT FROM uploads WHERE uploads.id = id.id)"
    );
    let gone: Vec<Id> = gone.load(tx.conn)?;
    Ok(gone.into_iter().map(|row| row.id).collect())
}

/// That nothing refers to a row of `blobs`.
fn is_unused(app: &App) -> Sql {
    let tables = app.part::<BlobUses>().0.iter().chain(&["uploads"]);
    Sql::all(tables.map(|table| {
        let table = Fixed(table);
        sql!("NOT EXISTS (SELECT FROM {table} WHERE {table}.sha256 = blobs.sha256)")
    }))
}

#[derive(QueryableByName)]
struct Hash {
    #[diesel(sql_type = sql_types::Text)]
    hex: String,
}

/// Marks some blobs that nothing uses; answers how many.
fn mark(tx: &mut Tx) -> ApiResult<i64> {
    let unused = is_unused(tx.app);
    // Who is about to refer to one holds its row, so it is passed over.
    let locked: Vec<Hash> = sql!(
        "SELECT encode(sha256, 'hex') AS hex FROM blobs
         WHERE state = 'stored' AND uploaded_at <= {before} AND {unused}
         ORDER BY sha256 LIMIT {BATCH} FOR UPDATE SKIP LOCKED",
        before = tx.now - KEPT,
    )
    .load(tx.conn)?;
    let hashes: Vec<String> = locked.into_iter().map(|row| row.hex).collect();
    // A statement of its own sees references that were committed before the rows were locked.
    let marked = sql!(
        "UPDATE blobs SET state = 'deleting'
         WHERE sha256 IN (SELECT decode(hex, 'hex') FROM unnest({hashes}) AS hex) AND {unused}"
    );
    Ok(marked.execute(tx.conn)? as i64)
}

/// Gives rows to bytes that have none, so that they are deleted as others are.
fn adopt_strays(run: &JobRun, files: &Store) -> Result<(), JobError> {
    let before = run.app().clock.now() - KEPT;
    let mut stored: Vec<String> = Vec::new();
    files
        .each_blob(|sha256, _, stored_at| {
            if stored_at <= before {
                stored.push(sha256.to_string());
            }
        })
        .map_err(retry)?;
    for some in stored.chunks(BATCH as usize) {
        run.write(|tx| {
            sql!(
                "INSERT INTO blobs (sha256, bytes, media_type, state, created_at, uploaded_at)
                 SELECT decode(hex, 'hex'), 0, '', 'deleting', {tx.now}, {tx.now} FROM unnest({some}) AS hex
                 ON CONFLICT DO NOTHING"
            )
            .execute(tx.conn)?;
            Ok(())
        })?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Deleting {
    #[diesel(sql_type = sql_types::Binary)]
    sha256: Sha256,
}

fn deleting(tx: &mut Tx) -> ApiResult<Vec<Sha256>> {
    let rows: Vec<Deleting> = sql!("SELECT sha256 FROM blobs WHERE state = 'deleting'").load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.sha256).collect())
}

/// Deletes a blob that is marked still, and its bytes while its row is locked.
fn delete(tx: &mut Tx, sha256: &Sha256) -> ApiResult<()> {
    let unused = is_unused(tx.app);
    let deleted = sql!("DELETE FROM blobs WHERE sha256 = {sha256} AND state = 'deleting' AND {unused}");
    if deleted.execute(tx.conn)? == 1 {
        tx.app.part::<Store>().delete(sha256)?;
    }
    Ok(())
}
