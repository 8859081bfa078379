//! Work on many rows, some at a time.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{JobError, JobRun};
use crate::{app::Tx, http::ApiResult, pace::Pace};

/// Nobody waits much longer than a part takes for a row that its transaction holds. Fewer rows would cost more in all: a part has
/// costs of its own.
const PACE: Pace = Pace {
    part: Duration::from_millis(100),
    fewest: 100,
    most: 500,
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
}

impl JobRun<'_> {
    /// Calls `each` for rows in the order of their ids, some at a time; false if a client asked to end early. `next` reads the ids
    /// that follow one, so many at most. Parts grow and shrink with the time that they take. An attempt that was cut short is begun
    /// again from the first row, so `each` must be such that doing it again changes nothing.
    pub fn walk(
        &self,
        next: impl Fn(&mut Tx, Uuid, i64) -> ApiResult<Vec<Uuid>>,
        mut each: impl FnMut(Part) -> Result<(), JobError>,
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
            let began = Instant::now();
            each(Part {
                ids,
                after,
                last,
                done,
            })?;
            most = PACE.next(most, began.elapsed());
            after = last;
        }
    }

    /// The same for rows whose ids are known.
    pub fn walk_these(
        &self,
        ids: &[Uuid],
        each: impl FnMut(Part) -> Result<(), JobError>,
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
