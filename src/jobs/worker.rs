//! The worker: a dispatcher that claims jobs, threads that run them, a heartbeat that keeps their leases, and the
//! ledger's sealer.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::RecvTimeoutError;
use diesel::PgConnection;
use uuid::Uuid;

use super::{
    Handler, Schedule, WorkerLock, execute, schedule,
    store::{self, Claim, Claimant, Room},
    worker_queue::WorkerQueue,
};
use crate::jobs::JobSignal;
use crate::{app::App, http::ApiResult};

/// Without a signal, the dispatcher looks this often for jobs and schedules that have come due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const BEAT_EVERY: Duration = Duration::from_secs(5);
const SEAL_EVERY: Duration = Duration::from_millis(250);

/// Runs jobs.
pub struct Worker;

/// A worker that runs. Dropping it stops it.
pub struct WorkerHandle {
    shared: Arc<Shared>,
    dispatcher: Option<JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
    keepers: Vec<JoinHandle<()>>,
}

/// Seals some of the ledger, and answers how many events that was.
pub type Sealer = fn(&App) -> ApiResult<i64>;

struct Shared {
    app: Arc<App>,
    handlers: &'static [Handler],
    schedules: &'static [Schedule],
    seal: Sealer,
    name: String,
    /// The number of its worker lock; 0 while it holds none.
    number: AtomicI32,
    sign: Mutex<Option<WorkerLock>>,
    queue: WorkerQueue,
    is_stopping: AtomicBool,
    done: Mutex<bool>,
    ended: Condvar,
}

/// How many jobs that may take long a worker of so many threads runs at once: a quarter, and at least one.
pub fn long_jobs(threads: u32) -> u32 {
    (threads / 4).max(1)
}

impl Worker {
    /// Starts a worker that runs `threads` jobs at once, sees to `schedules` and seals the ledger.
    pub fn start(
        app: Arc<App>,
        handlers: &'static [Handler],
        schedules: &'static [Schedule],
        seal: Sealer,
        threads: u32,
    ) -> std::io::Result<WorkerHandle> {
        // Before anything is claimed.
        let sign = WorkerLock::of_worker(&app).unwrap_or_else(|error| {
            log::warn!("the worker gives no sign of life yet: {error}");
            None
        });
        let mut handle = WorkerHandle {
            shared: Arc::new(Shared {
                app,
                number: AtomicI32::new(sign.as_ref().map_or(0, WorkerLock::number)),
                sign: Mutex::new(sign),
                handlers,
                schedules,
                seal,
                name: format!("{} in process {}", Uuid::now_v7().simple(), std::process::id()),
                queue: WorkerQueue::new(threads as usize, long_jobs(threads) as usize),
                is_stopping: AtomicBool::new(false),
                done: Mutex::new(false),
                ended: Condvar::new(),
            }),
            dispatcher: None,
            threads: Vec::new(),
            keepers: Vec::new(),
        };
        handle.keepers.push(handle.spawn("heartbeat", Shared::beat)?);
        handle.keepers.push(handle.spawn("sealer", Shared::seal)?);
        handle.dispatcher = Some(handle.spawn("dispatcher", Shared::dispatch)?);
        for number in 0..threads {
            handle
                .threads
                .push(handle.spawn(&format!("job-{number}"), Shared::run_jobs)?);
        }
        Ok(handle)
    }

    /// Runs all jobs that are due, and those that they queue, on the current thread; answers how many. For commands
    /// and tests.
    pub fn drain(app: &App, handlers: &[Handler]) -> ApiResult<usize> {
        let kinds = kinds(handlers);
        let sign = WorkerLock::of_drain(app)?;
        let drainer = Claimant {
            name: "drain",
            number: sign.as_ref().map(WorkerLock::number),
        };
        let mut ran = 0;
        loop {
            dead_letter_lost(app, handlers, drainer)?;
            let claim = {
                let mut conn = app.db.connection()?;
                store::recover(&mut conn, app.clock.now())?;
                let mut claim = |room| store::claim(&mut conn, &kinds, room, drainer, app.clock.now());
                match claim(Room { short: 1, long: 0 })?.pop() {
                    None => claim(Room { short: 0, long: 1 })?.pop(),
                    short => short,
                }
            };
            let Some(claim) = claim else {
                return Ok(ran);
            };
            extend_lease_while(app, &claim, drainer, |lost| {
                execute::execute(app, handlers, &claim, lost);
            });
            ran += 1;
        }
    }
}

/// Keeps the lease of `claim` while `f` runs.
fn extend_lease_while(app: &App, claim: &Claim, worker: Claimant<'_>, f: impl FnOnce(Arc<AtomicBool>)) {
    let lost = Arc::new(AtomicBool::new(false));
    let (done, ended) = crossbeam_channel::bounded::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(BEAT_EVERY) {
                match extend(app, vec![(claim.id, claim.attempt_token)], worker) {
                    Ok(kept) => lost.store(kept.is_empty(), Ordering::Relaxed),
                    Err(error) => log::warn!("the heartbeat failed: {error}"),
                }
            }
        });
        f(lost.clone());
        drop(done);
    });
}

fn extend(app: &App, held: Vec<(Uuid, Uuid)>, worker: Claimant<'_>) -> ApiResult<Vec<Uuid>> {
    Ok(store::extend(
        &mut *app.db.connection()?,
        held,
        worker,
        app.clock.now(),
    )?)
}

fn kinds(handlers: &[Handler]) -> Vec<&'static str> {
    handlers.iter().map(|handler| handler.kind).collect()
}

fn dead_letter_lost(app: &App, handlers: &[Handler], worker: Claimant<'_>) -> ApiResult<()> {
    let lost = {
        let mut conn = app.db.connection()?;
        store::claim_lost(&mut conn, &kinds(handlers), worker, app.clock.now())?
    };
    for claim in &lost {
        execute::dead_letter_lost(app, handlers, claim);
    }
    Ok(())
}

impl WorkerHandle {
    /// Finishes what runs and gives back what was not begun.
    pub fn stop(self) {
        drop(self);
    }

    fn spawn(&self, name: &str, body: fn(&Shared)) -> std::io::Result<JoinHandle<()>> {
        let shared = self.shared.clone();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || body(&shared))
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        self.shared.app.part::<JobSignal>().notify();
        join(&mut self.dispatcher.take().into_iter().collect());
        self.shared.close();
        join(&mut self.threads);
        // Leases are kept until nothing runs any more.
        *lock(&self.shared.done) = true;
        self.shared.ended.notify_all();
        join(&mut self.keepers);
    }
}

fn join(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.drain(..) {
        if thread.join().is_err() {
            log::error!("a thread of the worker panicked");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn dispatch(&self) {
        let mut heard = 0;
        let mut looked: Option<Instant> = None;
        let mut is_registered = false;
        while !self.is_stopping.load(Ordering::Acquire) {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                looked = Some(Instant::now());
                self.report("schedules", self.run_upkeep(&mut is_registered));
                self.report("giving jobs back", self.unclaim());
            }
            self.report("claiming jobs", self.claim());
            heard = self.app.part::<JobSignal>().wait(heard, LOOK_EVERY);
        }
    }

    /// Once nobody dispatches any more: what was not begun is given back, and the threads end.
    fn close(&self) {
        self.report("giving jobs back", self.unclaim());
        self.queue.close();
    }

    fn report(&self, what: &str, outcome: ApiResult<()>) {
        if let Err(error) = outcome {
            log::warn!("the worker could not go on with {what}: {error}");
        }
    }

    fn run_upkeep(&self, is_registered: &mut bool) -> ApiResult<()> {
        if !*is_registered {
            schedule::register(&self.app, self.schedules)?;
            *is_registered = true;
        }
        schedule::run_due(&self.app, self.schedules)?;
        self.on_connection(|conn| store::recover(conn, self.app.clock.now()))?;
        dead_letter_lost(&self.app, self.handlers, self.claimant())
    }

    fn on_connection<T>(&self, f: impl FnOnce(&mut PgConnection) -> diesel::QueryResult<T>) -> ApiResult<T> {
        Ok(f(&mut *self.app.db.connection()?)?)
    }

    /// Fills the queue where a thread is idle.
    fn claim(&self) -> ApiResult<()> {
        let Some(room) = self.queue.room() else {
            return Ok(());
        };
        let kinds = kinds(self.handlers);
        let claims = self
            .on_connection(|conn| store::claim(conn, &kinds, room, self.claimant(), self.app.clock.now()))?;
        self.queue.push(claims);
        Ok(())
    }

    /// Gives back what waits behind long jobs, for others to begin.
    fn unclaim(&self) -> ApiResult<()> {
        let waiting = self.queue.take_waiting();
        if waiting.is_empty() {
            return Ok(());
        }
        self.on_connection(|conn| store::unclaim(conn, &waiting))
            .map(drop)
    }

    fn run_jobs(&self) {
        let on_idle = || self.app.part::<JobSignal>().notify();
        while let Some((claim, lost)) = self.queue.next(on_idle) {
            execute::execute(&self.app, self.handlers, &claim, lost);
            self.queue.remove(claim.id);
        }
    }

    fn beat(&self) {
        while self.rest(BEAT_EVERY) {
            self.report("its sign of life", self.take_worker_lock());
            let held = self.queue.held();
            if held.is_empty() {
                continue;
            }
            let ids: Vec<Uuid> = held.iter().map(|(id, _)| *id).collect();
            match extend(&self.app, held, self.claimant()) {
                Ok(kept) => self.queue.mark_lost(ids.iter().filter(|id| !kept.contains(id))),
                Err(error) => self.report("the heartbeat", Err(error)),
            }
        }
    }

    fn claimant(&self) -> Claimant<'_> {
        Claimant {
            name: &self.name,
            number: Some(self.number.load(Ordering::Acquire)).filter(|number| *number > 0),
        }
    }

    /// Makes sure that the worker holds its lock: takes another where the session ended.
    fn take_worker_lock(&self) -> ApiResult<()> {
        let mut sign = lock(&self.sign);
        if sign.as_mut().is_some_and(WorkerLock::is_given) {
            return Ok(());
        }
        self.number.store(0, Ordering::Release);
        *sign = None;
        *sign = WorkerLock::of_worker(&self.app)?;
        let number = sign.as_ref().map_or(0, WorkerLock::number);
        self.number.store(number, Ordering::Release);
        Ok(())
    }

    /// Some at a time: however much waits, the end of the worker does not.
    fn seal(&self) {
        let mut pause = SEAL_EVERY;
        while self.rest(pause) {
            let sealed = (self.seal)(&self.app);
            pause = match sealed {
                Ok(1..) => Duration::ZERO,
                _ => SEAL_EVERY,
            };
            self.report("sealing the ledger", sealed.map(drop));
        }
    }

    /// Waits for `time`; false once the worker has ended.
    fn rest(&self, time: Duration) -> bool {
        let waited = self
            .ended
            .wait_timeout_while(lock(&self.done), time, |done| !*done)
            .unwrap_or_else(PoisonError::into_inner);
        !*waited.0
    }
}
