//! What the dispatcher and the threads of a worker share: claims that wait, claims that run, and who is idle.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use uuid::Uuid;

use super::store::{Claim, Room};

/// Claims a thread at once: fewer statements a job. Those that wait too long are given back.
const CLAIMS_A_THREAD: usize = 8;

/// The claims of a worker.
pub struct WorkerQueue {
    threads: usize,
    /// How many long jobs run at once.
    long_jobs: usize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Claim>,
    idle: usize,
    held: HashMap<Uuid, HeldClaim>,
    is_closed: bool,
}

/// A claim that waits or runs.
struct HeldClaim {
    token: Uuid,
    lost: Arc<AtomicBool>,
    is_long: bool,
}

impl WorkerQueue {
    /// The empty queue of so many threads.
    pub fn new(threads: usize, long_jobs: usize) -> Self {
        WorkerQueue {
            threads,
            long_jobs,
            state: Mutex::default(),
            work: Condvar::new(),
        }
    }

    /// How many jobs to claim now; none while no thread is idle.
    pub fn room(&self) -> Option<Room> {
        let state = self.lock();
        if state.idle == 0 || !state.waiting.is_empty() {
            return None;
        }
        let long = state.held.values().filter(|held| held.is_long).count();
        Some(Room {
            // At least for half of the threads: the others are idle soon.
            short: state.idle.max(self.threads / 2) * CLAIMS_A_THREAD,
            long: self.long_jobs.saturating_sub(long),
        })
    }

    /// Hands `claims` to the threads.
    pub fn push(&self, claims: Vec<Claim>) {
        let mut state = self.lock();
        for claim in claims {
            let held = HeldClaim {
                token: claim.attempt_token,
                lost: Arc::default(),
                is_long: claim.is_long,
            };
            state.held.insert(claim.id, held);
            state.waiting.push_back(claim);
        }
        self.work.notify_all();
    }

    /// Takes out what no thread has begun.
    pub fn take_waiting(&self) -> Vec<Claim> {
        let mut state = self.lock();
        let waiting: Vec<Claim> = state.waiting.drain(..).collect();
        for claim in &waiting {
            state.held.remove(&claim.id);
        }
        waiting
    }

    /// The next claim, and what says that it was lost; none once the queue is closed and empty. Calls `on_idle` before it
    /// waits for one.
    pub fn next(&self, on_idle: impl FnOnce()) -> Option<(Claim, Arc<AtomicBool>)> {
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.is_closed {
            state.idle += 1;
            on_idle();
            state = self
                .work
                .wait_while(state, |state| state.waiting.is_empty() && !state.is_closed)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        let claim = state.waiting.pop_front()?;
        let lost = state.held.get(&claim.id).map(|held| held.lost.clone());
        Some((claim, lost.unwrap_or_default()))
    }

    /// A thread is done with the claim.
    pub fn remove(&self, id: Uuid) {
        self.lock().held.remove(&id);
    }

    /// The ids and tokens of all claims that wait or run.
    pub fn held(&self) -> Vec<(Uuid, Uuid)> {
        let state = self.lock();
        state.held.iter().map(|(id, held)| (*id, held.token)).collect()
    }

    /// Tells the threads that run them that these claims are another worker's.
    pub fn mark_lost<'a>(&self, ids: impl Iterator<Item = &'a Uuid>) {
        let state = self.lock();
        for held in ids.filter_map(|id| state.held.get(id)) {
            held.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Has the threads end once nothing waits.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
