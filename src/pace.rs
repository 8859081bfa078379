//! How large the next part of a long work is, by the time that the last one took: its transaction keeps other writers waiting,
//! and each part has a cost of its own.

use std::time::Duration;

/// How long parts should take, and how large they may be.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long a part should take.
    pub part: Duration,
    /// Rows of a part at least.
    pub fewest: i64,
    /// Rows of a part at most.
    pub most: i64,
}

impl Pace {
    /// How many rows the next part has, after one of `rows` rows that took so long: at most twice as many.
    pub fn next(&self, rows: i64, took: Duration) -> i64 {
        let share = self.part.as_secs_f64() / took.as_secs_f64().max(0.001);
        ((rows as f64 * share.min(2.0)) as i64).clamp(self.fewest, self.most)
    }
}
