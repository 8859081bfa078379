//! The ledger as a file that can be verified offline, with nothing but the published keys.
//!
//! Each line is a JSON object without white space: first `{"ledger": …}`, which says what the file holds, then
//! `{"event": …}` for each event in the order of positions, each followed by `{"head": …}` where its position was signed.
//! The last line is the head of the last event. Payloads are the bytes that digests are made of. A file has no other
//! bytes: what reads differently from how it would be written was altered.

use std::{
    collections::VecDeque,
    io::{BufRead, Write},
};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use diesel::{Connection, PgConnection, QueryableByName, sql_types};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    ActorKind, LedgerFault, SignedHead,
    canonical::{Covered, GENESIS},
    chain::{Chain, Payload},
    erasure,
    events::PAYLOADS_ERASED,
    heads, seal, store,
};
use crate::{
    app::{Acting, App, advisory_lock_shared},
    http::{ApiError, ApiResult, jwk::JwkSet},
};

/// The form of the file.
const FORMAT: &str = "provost-ledger/1";
/// Events that are read at once.
const BATCH: i64 = 2_000;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Ledger(Header),
    Event(Box<ExportedEvent>),
    Head(SignedHead),
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    /// The first position.
    from: i64,
    /// The last position.
    to: i64,
    /// The hash before the first event, in hexadecimal.
    previous_hash: String,
    /// The positions whose heads are signed in it, the last one among them.
    heads: Vec<i64>,
    /// The keys that signed the heads. They prove nothing by themselves: compare them with those that Provost publishes.
    keys: JwkSet,
}

/// An event as a file has it.
#[derive(Debug, Serialize, Deserialize, QueryableByName)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportedEvent {
    #[diesel(sql_type = sql_types::BigInt)]
    pub(super) position: i64,
    #[diesel(sql_type = sql_types::Uuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub(super) recorded_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Text)]
    pub(super) actor_kind: ActorKind,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub(super) actor_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub(super) on_behalf_of: Option<Uuid>,
    #[diesel(sql_type = sql_types::Text)]
    pub(super) request_id: String,
    #[diesel(sql_type = sql_types::Text)]
    pub(super) action: String,
    #[diesel(sql_type = sql_types::Text)]
    pub(super) object_kind: String,
    #[diesel(sql_type = sql_types::SmallInt)]
    pub(super) version: i16,
    #[diesel(sql_type = sql_types::Uuid)]
    pub(super) object_id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub(super) user_id: Option<Uuid>,
    /// `[before,after,reason]` as it was hashed; none once it was erased.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub(super) payload: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub(super) salt: Option<String>,
    #[diesel(sql_type = sql_types::Text)]
    pub(super) digest: String,
    #[diesel(sql_type = sql_types::Text)]
    pub(super) hash: String,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The first position.
    pub from: i64,
    /// The last position, whose head is signed.
    pub to: i64,
}

/// Writes the ledger from position `from` on, up to the first signed head at `to` or after it; without `to`, up to the
/// present end, which is signed for it. None if nothing is sealed there.
///
/// Meanwhile no payload is erased: it would be gone from the file, without the event that says so.
#[expect(
    clippy::disallowed_methods,
    reason = "a transaction of reads that holds a lock; `App::write` might write the file twice"
)]
pub fn export(app: &App, from: i64, to: Option<i64>, out: &mut dyn Write) -> ApiResult<Option<Exported>> {
    let mut conn = app.db.dedicated_connection()?;
    conn.transaction(|conn| {
        advisory_lock_shared(conn, erasure::LOCK)?;
        seal::seal(app)?;
        let latest = app.write_blocking(&Acting::system("command:ledger-export"), heads::sign)?;
        write_range(conn, from, to, latest, out)
    })
}

fn write_range(
    conn: &mut PgConnection,
    from: i64,
    to: Option<i64>,
    latest: Option<SignedHead>,
    out: &mut dyn Write,
) -> ApiResult<Option<Exported>> {
    let last = match to {
        Some(to) => heads::first_from(conn, to)?.or(latest),
        None => latest,
    };
    let from = from.max(1);
    let Some(last) = last.filter(|last| last.position >= from) else {
        return Ok(None);
    };
    let previous = match from {
        1 => GENESIS.to_vec(),
        _ => store::hash_at(conn, from - 1)?
            .ok_or_else(|| ApiError::internal("the ledger has a gap: verify it"))?,
    };
    let heads = heads::between(conn, from - 1, last.position)?;
    write(
        out,
        &Line::Ledger(Header {
            format: FORMAT.to_owned(),
            from,
            to: last.position,
            previous_hash: HEXLOWER.encode(&previous),
            heads: heads.iter().map(|head| head.position).collect(),
            keys: super::heads::keys(conn)?,
        }),
    )?;
    let mut heads = heads.into_iter().peekable();
    let mut position = from - 1;
    while position < last.position {
        let events = store::exported(conn, position, last.position, BATCH)?;
        let Some(end) = events.last().map(|event| event.position) else {
            return Err(ApiError::internal("the ledger has a gap: verify it"));
        };
        for event in events {
            let at = event.position;
            write(out, &Line::Event(Box::new(event)))?;
            if let Some(head) = heads.next_if(|head| head.position == at) {
                write(out, &Line::Head(head))?;
            }
        }
        position = end;
    }
    out.flush().map_err(ApiError::internal)?;
    Ok(Some(Exported {
        from,
        to: last.position,
    }))
}

fn write(out: &mut dyn Write, line: &Line) -> ApiResult<()> {
    serde_json::to_writer(&mut *out, line).map_err(ApiError::internal)?;
    out.write_all(b"\n").map_err(ApiError::internal)
}

/// What the check of a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVerification {
    /// The last position that is right.
    pub position: i64,
    /// Events that were checked.
    pub checked: i64,
    /// The first fault.
    pub fault: Option<LedgerFault>,
}

/// Checks a file that [`export`] wrote against the published `keys`, with nothing else at hand; without `keys` against
/// those in the file, which shows that it is whole, but not whose it is.
pub fn verify_file(file: impl BufRead, keys: Option<&JwkSet>) -> FileVerification {
    let mut walk = FileWalk {
        keys: keys.cloned(),
        header: None,
        chain: Chain::after(0, GENESIS.to_vec()),
        heads: VecDeque::new(),
        checked: 0,
    };
    let fault = walk.read(file).err();
    FileVerification {
        position: walk.chain.position,
        checked: walk.checked,
        fault,
    }
}

struct FileWalk {
    keys: Option<JwkSet>,
    header: Option<Header>,
    chain: Chain,
    /// The positions whose heads are still to come.
    heads: VecDeque<i64>,
    /// Events that are right.
    checked: i64,
}

impl FileWalk {
    fn read(&mut self, mut file: impl BufRead) -> Result<(), LedgerFault> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = file
                .read_until(b'\n', &mut line)
                .map_err(|error| self.fault(&format!("the file cannot be read: {error}")))?;
            if length == 0 {
                break;
            }
            let read = line
                .strip_suffix(b"\n")
                .and_then(|line| serde_json::from_slice(line).ok().map(|read| (read, line)))
                .filter(|(read, line)| serde_json::to_vec::<Line>(read).is_ok_and(|written| written == *line))
                .map(|(read, _)| read);
            match read {
                Some(line) => self.line(line)?,
                None => return Err(self.fault("the line is not as Provost writes it")),
            }
        }
        let to = self.header.as_ref().map(|header| header.to);
        if to != Some(self.chain.position) || !self.heads.is_empty() {
            return Err(self.fault("the file ends before its last event and signed head"));
        }
        self.chain.end()
    }

    fn line(&mut self, line: Line) -> Result<(), LedgerFault> {
        match (line, &self.header) {
            (Line::Ledger(header), None) => self.begin(header),
            (Line::Event(event), Some(_)) => self.event(&event),
            (Line::Head(head), Some(_)) => self.head(&head),
            _ => Err(self.fault("the file has a line that does not belong here")),
        }
    }

    fn begin(&mut self, header: Header) -> Result<(), LedgerFault> {
        let hash = HEXLOWER.decode(header.previous_hash.as_bytes()).ok();
        let hash = hash.filter(|hash| header.from > 1 || *hash == GENESIS);
        let before = header.from.saturating_sub(1);
        self.chain.position = before;
        match hash {
            Some(hash) if header.format == FORMAT && header.from >= 1 => {
                self.chain = Chain::after(before, hash);
                let keys = self.keys.get_or_insert_with(|| header.keys.clone());
                self.heads = header.heads.iter().copied().collect();
                let ends_signed = self.heads.back() == Some(&header.to);
                let are_known = header.keys.keys.iter().all(|key| keys.keys.contains(key));
                self.header = Some(header);
                match (are_known, ends_signed) {
                    (true, true) => Ok(()),
                    (false, _) => {
                        Err(self.fault("the file names a key that is not among the published ones"))
                    }
                    (_, false) => Err(self.fault("the end of the file is not signed")),
                }
            }
            _ => Err(self.fault("the first line is not that of a ledger")),
        }
    }

    fn event(&mut self, event: &ExportedEvent) -> Result<(), LedgerFault> {
        if self.heads.front() == Some(&self.chain.position) {
            return Err(self.fault("the signed head of the position before is missing"));
        }
        let (Ok(digest), Ok(hash)) = (
            HEXLOWER.decode(event.digest.as_bytes()),
            HEXLOWER.decode(event.hash.as_bytes()),
        ) else {
            return Err(self.fault("its digest or hash is not in hexadecimal"));
        };
        let payload = match (&event.payload, &event.salt) {
            (None, None) => Payload::IsGone,
            (Some(payload), Some(salt)) => match HEXLOWER.decode(salt.as_bytes()) {
                Ok(salt) if digest_of(&salt, payload) == digest => Payload::Fits,
                _ => Payload::IsAltered,
            },
            _ => Payload::IsAltered,
        };
        let covered = Covered {
            id: event.id,
            user_id: event.user_id.unwrap_or_default(),
            recorded_at: event.recorded_at,
            actor_kind: event.actor_kind,
            actor_id: event.actor_id,
            on_behalf_of: event.on_behalf_of,
            request_id: event.request_id.clone(),
            action: event.action.clone(),
            object_kind: event.object_kind.clone(),
            version: event.version,
            object_id: event.object_id,
            digest,
        };
        self.chain.check(event.position, &hash, &covered, payload)?;
        self.checked += 1;
        if event.action == PAYLOADS_ERASED.action {
            let payload: Option<Value> = event
                .payload
                .as_deref()
                .and_then(|payload| serde_json::from_str(payload).ok());
            let after = payload.as_ref().and_then(|payload| payload.get(1));
            for range in after.map(erasure::positions).unwrap_or_default() {
                self.chain.erased(range.first, range.last);
            }
        }
        Ok(())
    }

    fn head(&mut self, head: &SignedHead) -> Result<(), LedgerFault> {
        let is_here = head.position == self.chain.position && head.hash == HEXLOWER.encode(&self.chain.hash);
        let is_signed = self.keys.as_ref().is_some_and(|keys| head.is_signed_by(keys));
        let is_due = self.heads.pop_front() == Some(head.position);
        if !is_here || !is_signed || !is_due {
            return Err(LedgerFault {
                position: self.chain.position,
                detail: "the signed head is not by one of the keys, or not of this position".into(),
            });
        }
        Ok(())
    }

    /// What is wrong with the line after the last event that is right.
    fn fault(&self, detail: &str) -> LedgerFault {
        LedgerFault {
            position: self.chain.position.saturating_add(1),
            detail: detail.to_owned(),
        }
    }
}

fn digest_of(salt: &[u8], payload: &str) -> Vec<u8> {
    Sha256::new()
        .chain_update(salt)
        .chain_update(payload)
        .finalize()
        .to_vec()
}
