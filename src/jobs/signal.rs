//! Wakes a worker that waits for work.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use crate::app::{Part, Wake};

/// A signal that is not missed: a thread that waits after it was given goes on at once.
#[derive(Debug, Default)]
pub struct JobSignal {
    rung: Mutex<u64>,
    ringing: Condvar,
}

impl Part for JobSignal {
    fn on_wake(&self, wake: &Wake) {
        if *wake == Wake::Jobs {
            self.notify();
        }
    }
}

impl JobSignal {
    /// Wakes everybody who waits.
    pub fn notify(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *rung = rung.wrapping_add(1);
        self.ringing.notify_all();
    }

    /// Waits until it has rung since `heard`, at most for `limit`; answers what was heard.
    pub fn wait(&self, heard: u64, limit: Duration) -> u64 {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .ringing
            .wait_timeout_while(rung, limit, |rung| *rung == heard)
            .unwrap_or_else(PoisonError::into_inner);
        *waited.0
    }
}
