//! Walks the chain and says where it breaks first.

use data_encoding::HEXLOWER;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    canonical::{self, GENESIS},
    model::{LedgerFault, LedgerHead, LedgerVerification, SealedEvent},
    seal::head,
    store,
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
    position: i64,
    hash: Vec<u8>,
    fault: Option<LedgerFault>,
}

impl Walk {
    /// Begins after the event at `from`, whose hash is taken as given; 0 begins at the beginning.
    fn begin(conn: &mut PgConnection, from: i64) -> ApiResult<Self> {
        let head = head(conn)?;
        let from = from.clamp(0, head.position);
        let before = match from {
            0 => Some(GENESIS.to_vec()),
            position => store::hash_at(conn, position)?,
        };
        let fault = before.is_none().then(|| missing(from));
        Ok(Walk {
            head,
            first: from,
            position: from,
            hash: before.unwrap_or_default(),
            fault,
        })
    }

    /// Checks the next batch; false once the walk is over.
    fn step(&mut self, conn: &mut PgConnection) -> ApiResult<bool> {
        if self.fault.is_some() {
            return Ok(false);
        }
        if self.position == self.head.position {
            let reached = LedgerHead {
                position: self.position,
                hash: HEXLOWER.encode(&self.hash),
            };
            self.fault = (reached != self.head).then(|| LedgerFault {
                position: self.position,
                detail: "its hash is not the one that the end of the chain was sealed with".into(),
            });
            return Ok(false);
        }
        let events = store::sealed(conn, self.position, self.head.position, BATCH)?;
        if events.is_empty() {
            self.fault = Some(missing(self.position + 1));
        }
        for event in &events {
            self.check(event);
            if self.fault.is_some() {
                break;
            }
        }
        Ok(true)
    }

    fn check(&mut self, event: &SealedEvent) {
        if event.position != self.position + 1 {
            self.fault = Some(missing(self.position + 1));
            return;
        }
        let expected = canonical::hash(&self.hash, event);
        if HEXLOWER.encode(&expected) != event.hash {
            self.fault = Some(LedgerFault {
                position: event.position,
                detail: "the event is not the one that was sealed here".into(),
            });
            return;
        }
        self.position = event.position;
        self.hash = expected;
    }

    fn found(&self) -> LedgerVerification {
        LedgerVerification {
            intact: self.fault.is_none(),
            checked: self.position - self.first,
            fault: self.fault.clone(),
            head: self.head.clone(),
        }
    }
}

fn missing(position: i64) -> LedgerFault {
    LedgerFault {
        position,
        detail: "there is no event at this position".into(),
    }
}

/// Checks all events after `from`; 0 checks all there are.
pub fn verify(conn: &mut PgConnection, from: i64) -> ApiResult<LedgerVerification> {
    let mut walk = Walk::begin(conn, from)?;
    while walk.step(conn)? {}
    Ok(walk.found())
}

/// Verifies the ledger as an operation.
#[derive(Debug, Serialize, Deserialize)]
pub struct VerifyLedger {
    /// The operation.
    pub operation_id: Uuid,
}

impl Job for VerifyLedger {
    const KIND: &'static str = "ledger.verify";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let mut walk = run.read(|tx| Walk::begin(tx.conn, 0))?;
        while run.read(|tx| walk.step(tx.conn))? {
            if run.is_cancelled()? {
                return run.finish(|tx| operations::cancel(tx, self.operation_id, &walk.found()));
            }
            run.write(|tx| operations::progress(tx, self.operation_id, walk.position))?;
        }
        run.finish(|tx| operations::succeed(tx, self.operation_id, &walk.found()))
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}
