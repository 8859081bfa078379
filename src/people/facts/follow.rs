//! What follows for more people than a request can settle: of a unit or a group that filters name, or below a manager.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::{Tx, Wake},
    authz::Permission,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
};

/// People whose dynamic groups and requirements a request settles in its own transaction; of more it leaves them to jobs, so
/// that it is answered soon.
const MOST_AT_ONCE: usize = 2_000;

/// People of one such job.
const OF_A_JOB: usize = 2_000;

/// Whether this transaction leaves so many people to jobs. Only requests do: nobody waits for jobs and commands.
pub fn is_followed_by_job(tx: &Tx, people: usize) -> bool {
    tx.is_request() && people > MOST_AT_ONCE
}

/// Settles what follows for these people, some at a time.
#[derive(Debug, Serialize, Deserialize)]
pub struct FollowPeople {
    /// Who.
    pub user_ids: Vec<Uuid>,
}

impl Job for FollowPeople {
    const KIND: &'static str = "people.follow";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.walk_these(&self.user_ids, |part| {
            run.write(|tx| {
                tx.touch_users(part.ids.iter().copied());
                Ok(())
            })
        })?;
        run.finish(|_| Ok(()))
    }
}

/// Has people's dynamic groups and requirements looked at: in this transaction, or by jobs that it queues if they are many and
/// the caller writes people everywhere. Who does not brings nobody within their own reach (see [`super::refresh_changed`]), which
/// jobs, being Provost itself, are not. Jobs leave them to others, too: one row of an import may concern everybody.
pub fn follow(tx: &mut Tx, people: Vec<Uuid>) -> ApiResult<()> {
    if people.len() > MOST_AT_ONCE && tx.seen(Permission::UsersWrite).is_everything() {
        return enqueue_follow(tx, &people);
    }
    tx.touch_users(people);
    Ok(())
}

/// Queues jobs that look at these people's dynamic groups and requirements.
pub fn enqueue_follow(tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
    for part in people.chunks(OF_A_JOB) {
        tx.enqueue(&FollowPeople {
            user_ids: part.to_vec(),
        })?;
    }
    tx.wake(Wake::Callers);
    Ok(())
}
