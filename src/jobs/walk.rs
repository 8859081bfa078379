//! Work on many rows, some at a time.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{JobError, JobRun};
use crate::{app::Tx, http::ApiResult, pace::Pace};

/// Nobody waits much longer for a row than a part holds its locks. Fewer rows would cost more in all: a part has costs of its own.
const PACE: Pace = Pace {
    part: Duration::from_millis(200),
    fewest: 100,
    most: 1_000,
};

/// Some of the rows of a walk.
#[derive(Debug)]
pub struct Part {
    /// Their ids, in order.
    pub ids: Vec<Uuid>,
    /// The last id before them.
    pub after: Uuid,
    /// The last of them.
    pub last: Uuid,
    /// How many rows the walk has reached with them.
    pub done: i64,
    began: Cell<Instant>,
}

impl Part {
    /// Says that the part has its locks now: until here it may have waited for others, so its time counts from here.
    pub fn has_locks(&self) {
        self.began.set(Instant::now());
    }
}

impl JobRun<'_> {
    /// Calls `each` for rows in the order of their ids, some at a time; false if a client asked to end early. `next` reads the ids
    /// that follow one, so many at most. Parts grow and shrink with the time that they take, or hold their locks. An attempt that was
    /// cut short is begun again from the first row, so `each` must be such that doing it again changes nothing.
    pub fn walk(
        &self,
        next: impl Fn(&mut Tx, Uuid, i64) -> ApiResult<Vec<Uuid>>,
        mut each: impl FnMut(&Part) -> Result<(), JobError>,
    ) -> Result<bool, JobError> {
        let (mut after, mut done, mut most) = (Uuid::nil(), 0, PACE.fewest);
        loop {
            if self.is_cancelled()? {
                return Ok(false);
            }
            let ids = self.read(|tx| next(tx, after, most))?;
            let Some(last) = ids.last().copied() else {
                return Ok(true);
            };
            done += ids.len() as i64;
            let part = Part {
                ids,
                after,
                last,
                done,
                began: Cell::new(Instant::now()),
            };
            each(&part)?;
            most = PACE.next(most, part.began.get().elapsed());
            after = last;
        }
    }

    /// The same for rows whose ids are known.
    pub fn walk_these(
        &self,
        ids: &[Uuid],
        each: impl FnMut(&Part) -> Result<(), JobError>,
    ) -> Result<bool, JobError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        let next = |_: &mut Tx, after: Uuid, most: i64| {
            let first = ids.partition_point(|id| *id <= after);
            Ok(ids[first..].iter().take(most as usize).copied().collect())
        };
        self.walk(next, each)
    }
}
