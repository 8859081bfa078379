//! Walks the chain and says where it breaks first.

use data_encoding::HEXLOWER;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    canonical::GENESIS,
    chain::{Chain, Payload, missing},
    erasure, heads,
    model::{LedgerFault, LedgerHead, LedgerVerification},
    seal::{self, head},
    store::{self, Link},
};
use crate::{
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    operations,
};

/// Events a step.
const BATCH: i64 = 2_000;

/// A walk along the chain, a batch a step.
struct Walk {
    head: LedgerHead,
    first: i64,
    chain: Chain,
    fault: Option<LedgerFault>,
    has_resumed: bool,
}

impl Walk {
    /// Begins after the event at `from`, whose hash is taken as given, and goes to `head`; 0 begins at the beginning.
    fn begin(conn: &mut PgConnection, from: i64, head: LedgerHead) -> ApiResult<Self> {
        let from = from.clamp(0, head.position);
        let before = match from {
            0 => Some(GENESIS.to_vec()),
            position => store::hash_at(conn, position)?,
        };
        let fault = before.is_none().then(|| missing(from));
        Ok(Walk {
            head,
            first: from,
            chain: Chain::after(from, before.unwrap_or_default()),
            fault,
            has_resumed: false,
        })
    }

    /// Checks the next batch; false once the walk is over.
    fn step(&mut self, conn: &mut PgConnection) -> ApiResult<bool> {
        if self.fault.is_some() {
            return Ok(false);
        }
        if self.chain.position == self.head.position {
            self.fault = self.end(conn)?.err();
            return Ok(false);
        }
        let links = store::links(conn, self.chain.position, self.head.position, BATCH)?;
        if links.is_empty() {
            self.fault = Some(missing(self.chain.position + 1));
        }
        for link in &links {
            self.fault = self.check(link).err();
            if self.fault.is_some() {
                break;
            }
        }
        Ok(true)
    }

    fn check(&mut self, link: &Link) -> Result<(), LedgerFault> {
        let payload = match link.has_its_payload {
            Some(true) => Payload::Fits,
            Some(false) => Payload::IsAltered,
            None => Payload::IsGone,
        };
        self.chain
            .check(link.position, &link.hash, &link.covered, payload)?;
        if !link.has_its_entry {
            return Err(LedgerFault {
                position: link.position,
                detail: "the feed's entry says something else than the event that was sealed here".into(),
            });
        }
        for range in link.erased.iter().flat_map(erasure::positions) {
            self.chain.erased(range.first, range.last);
        }
        Ok(())
    }

    fn end(&self, conn: &mut PgConnection) -> ApiResult<Result<(), LedgerFault>> {
        if !self.is_at_head() {
            return Ok(Err(LedgerFault {
                position: self.chain.position,
                detail: "its hash is not the one that the end of the chain was sealed with".into(),
            }));
        }
        if let Some(position) = store::first_behind_head(conn)? {
            return Ok(Err(LedgerFault {
                position,
                detail: "nobody sealed the event at this position".into(),
            }));
        }
        if let Some(position) = heads::first_fault(conn, self.head.position)? {
            return Ok(Err(LedgerFault {
                position,
                detail: "the signed head of this position is of another chain, or not by its key".into(),
            }));
        }
        Ok(self.chain.end())
    }

    fn is_at_head(&self) -> bool {
        self.chain.position == self.head.position && HEXLOWER.encode(&self.chain.hash) == self.head.hash
    }

    /// Whether payloads are gone that were perhaps erased since the walk began: the events that name them stand behind the end
    /// that it began with.
    fn wants_more(&self) -> bool {
        !self.has_resumed && self.is_at_head() && self.fault.is_some() && self.fault == self.chain.end().err()
    }

    /// Goes on to the present end; false if that is where it ended.
    fn resume(&mut self, conn: &mut PgConnection) -> ApiResult<bool> {
        self.has_resumed = true;
        let present = head(conn)?;
        let goes_on = present.position > self.head.position;
        if goes_on {
            self.head = present;
            self.fault = None;
        }
        Ok(goes_on)
    }

    fn found(&self) -> LedgerVerification {
        LedgerVerification {
            intact: self.fault.is_none(),
            checked: self.chain.position - self.first,
            fault: self.fault.clone(),
            head: self.head.clone(),
        }
    }
}

/// Checks all events after `from`; 0 checks all there are.
pub fn verify(conn: &mut PgConnection, from: i64) -> ApiResult<LedgerVerification> {
    let head = head(conn)?;
    let mut walk = Walk::begin(conn, from, head)?;
    while walk.step(conn)? {}
    Ok(walk.found())
}

/// Verifies the ledger as an operation.
#[derive(Debug, Serialize, Deserialize)]
pub struct VerifyLedger {
    /// The operation.
    pub operation_id: Uuid,
    /// The end of the chain when the operation began.
    pub head: LedgerHead,
}

impl Job for VerifyLedger {
    const KIND: &'static str = "ledger.verify";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let mut walk = run.read(|tx| Walk::begin(tx.conn, 0, self.head.clone()))?;
        while run.read(|tx| walk.step(tx.conn))? || self.resume(run, &mut walk)? {
            if run.is_cancelled()? {
                return run.finish(|tx| operations::cancel(tx, self.operation_id, &walk.found()));
            }
            let done = walk.chain.position.min(self.head.position);
            run.write(|tx| operations::progress(tx, self.operation_id, done))?;
        }
        run.finish(|tx| operations::succeed(tx, self.operation_id, &walk.found()))
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

impl VerifyLedger {
    fn resume(&self, run: &JobRun, walk: &mut Walk) -> Result<bool, JobError> {
        if !walk.wants_more() {
            return Ok(false);
        }
        seal::seal(run.app())?;
        run.read(|tx| walk.resume(tx.conn))
    }
}
