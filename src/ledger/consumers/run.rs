//! The job that hands events to a consumer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Consumer, Consumers, SealedEvent,
    store::{self, Failure},
};
use crate::{
    app::Tx,
    http::{ApiError, ApiResult},
    jobs::{Job, JobError, JobRun},
};

/// Events a transaction, as long as one request made them.
const MOST: i64 = 500;
/// Transactions of one job: after them another goes on, so that no other job waits for long.
const ROUNDS: usize = 50;

/// Hands a consumer the events that it has not had yet, or one that was set aside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Consume {
    /// The consumer's name.
    pub consumer: String,
    /// The event that was set aside, if it is about that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<Uuid>,
}

impl Consume {
    /// Hands `consumer` the events that it has not had yet.
    pub fn of(consumer: &Consumer) -> Self {
        Consume {
            consumer: consumer.name.to_owned(),
            set_aside: None,
        }
    }
}

impl Job for Consume {
    const KIND: &'static str = "events.consume";
    /// Never given up, however often its worker is lost: events that fail are set aside one by one.
    const MAX_ATTEMPTS: i32 = i32::MAX;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let Some(consumer) = run.app().part::<Consumers>().find(&self.consumer) else {
            return Err(JobError::Dead(format!(
                "this build has no consumer {}",
                self.consumer
            )));
        };
        match self.set_aside {
            Some(id) => retry(run, consumer, id),
            None => self.follow(run, consumer),
        }
    }

    fn unique_key(&self) -> Option<String> {
        match self.set_aside {
            Some(id) => Some(id.to_string()),
            None => Some(self.consumer.clone()),
        }
    }
}

impl Consume {
    fn follow(&self, run: &JobRun, consumer: &'static Consumer) -> Result<(), JobError> {
        // One after a failure, so that the event that fails is found; doubled by each success.
        let mut limit = MOST;
        for _ in 0..ROUNDS {
            let look = run.read(|tx| store::look(tx, consumer))?;
            let Some(next) = look.next else {
                return run.finish(|tx| match look.retry_at {
                    // A job that was queued for then stands for this one, too, which came earlier.
                    Some(at) => tx.enqueue_at(self, at),
                    None => store::advance(tx, consumer, look.head),
                });
            };
            let taken = run.write_on_behalf(next.cause(), &next.request_id, |tx| {
                let events = store::take(tx, consumer, &next, limit)?;
                react(tx, consumer, &events)
            });
            match taken {
                Ok(()) => limit = (limit * 2).min(MOST),
                Err(JobError::Fenced) => return Err(JobError::Fenced),
                Err(_) if limit > 1 => limit = 1,
                Err(error) => {
                    let error = error.to_string();
                    match run.write(|tx| store::fail(tx, consumer, &next, &error))? {
                        Failure::RetryAt(at) => return run.finish(|tx| tx.enqueue_at(self, at)),
                        Failure::IsSetAside => limit = MOST,
                    }
                }
            }
        }
        run.finish(|tx| tx.enqueue(self))
    }
}

/// Tries the event again that was set aside.
fn retry(run: &JobRun, consumer: &'static Consumer, id: Uuid) -> Result<(), JobError> {
    let Some(event) = run.read(|tx| store::set_aside_event(tx, id))? else {
        return Ok(());
    };
    let tried = run.write_on_behalf(
        event.cause(),
        &event.request_id,
        |tx| match store::remove_set_aside(tx, id)? {
            true => react(tx, consumer, std::slice::from_ref(&event)),
            false => Ok(()),
        },
    );
    match tried {
        Ok(()) => Ok(()),
        Err(JobError::Fenced) => Err(JobError::Fenced),
        Err(error) => {
            let error = error.to_string();
            run.finish(|tx| store::note_error(tx, id, &error))
        }
    }
}

fn react(tx: &mut Tx, consumer: &Consumer, events: &[SealedEvent]) -> ApiResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    catch_unwind(AssertUnwindSafe(|| (consumer.react)(tx, events)))
        .unwrap_or_else(|_| Err(ApiError::internal("the reaction panicked")))
}
