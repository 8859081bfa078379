//! The one clock. Time is a parameter: tests choose it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Where instants come from.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds that it runs ahead of the system's clock.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The present instant, in whole microseconds as PostgreSQL keeps them.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else asks"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = Utc::now()
            .timestamp_micros()
            .saturating_add(self.offset.load(Ordering::Relaxed));
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Moves the clock, as tests do to see what tomorrow brings.
    pub fn advance(&self, by: TimeDelta) {
        self.offset
            .fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
    }
}
