//! Who uses the server. Every process that does holds `users.lock` shared, and only who can hold it alone stops the
//! server. The server itself and its children hold `server.lock`: a user who finds that free starts the server.

use std::{
    fs::{File, TryLockError},
    io,
    os::fd::AsRawFd,
    process::Child,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{EmbeddedOptions, POLL, cluster, error::EmbeddedError, folder::Folder, pidfile};

/// How long to wait for another process to finish what it does with the data folder.
pub const WAIT_FOR_OTHERS: Duration = Duration::from_secs(120);
/// How long a fast stop may take before the server is told to stop at once, and how long that may take.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How often the server's lock is looked at before it is told to stop.
const LOOKS: u32 = 10;
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A process's place among the users of a data folder.
#[derive(Debug)]
pub struct Place {
    folder: Folder,
    /// The shared lock, until the process leaves.
    users: Mutex<Option<File>>,
}

impl Place {
    /// Joins the users. Waits while the server is being stopped.
    pub fn take(folder: Folder) -> Result<Arc<Place>, EmbeddedError> {
        let users = folder.open_lock("users.lock")?;
        let end = Instant::now() + WAIT_FOR_OTHERS;
        let mut told = false;
        while !taken(users.try_lock_shared(), &folder)? {
            if Instant::now() > end {
                return Err(EmbeddedError::not_ending(&folder));
            }
            if !told {
                let folder = folder.root().display();
                log::info!("waiting until the private PostgreSQL in {folder} has stopped");
                told = true;
            }
            thread::sleep(POLL);
        }
        let users = Mutex::new(Some(users));
        Ok(Arc::new(Place { folder, users }))
    }

    /// Leaves the users. The last one stops the server and returns when it is gone.
    pub fn leave(&self) -> Result<(), EmbeddedError> {
        // Taken before the stop, so that processes that watch the server know why it ends.
        let Some(users) = self.users().take() else {
            return Ok(());
        };
        if make_exclusive(&users).map_err(EmbeddedError::file("lock", self.folder.root()))? {
            stop(&self.folder)?;
        }
        Ok(())
    }

    /// Starts the server, unless one lives or another process is starting it. Answers its guardian.
    pub fn start_server(&self, options: &EmbeddedOptions) -> Result<Option<Child>, EmbeddedError> {
        let lock = self.folder.open_lock("server.lock")?;
        if !taken(lock.try_lock(), &self.folder)? {
            return Ok(None);
        }
        cluster::start(options, &self.folder, lock).map(Some)
    }

    /// Starts the server again when it ends before this process leaves. `guardian` is the server's, if this process
    /// started it.
    pub fn watch(
        self: &Arc<Place>,
        options: &EmbeddedOptions,
        guardian: Option<Child>,
    ) -> Result<(), EmbeddedError> {
        let lock = self.folder.open_lock("server.lock")?;
        let (place, options) = (Arc::clone(self), options.clone());
        let thread = thread::Builder::new().name("postgres-watch".into());
        let watching = thread.spawn(move || place.restart_until_left(&options, &lock, guardian));
        watching
            .map(drop)
            .map_err(EmbeddedError::file("watch", self.folder.cluster()))
    }

    fn restart_until_left(&self, options: &EmbeddedOptions, lock: &File, mut guardian: Option<Child>) {
        loop {
            // Blocks until the server is gone.
            let gone = lock.lock_shared().and_then(|()| lock.unlock());
            // Kept through the start: a server that was started is then stopped by the process that leaves.
            let users = self.users();
            if users.is_none() {
                break;
            }
            let gone = gone.map_err(EmbeddedError::file("lock", self.folder.root()));
            match gone.and_then(|()| self.start_server(options)) {
                Ok(Some(started)) => {
                    log::error!("the private PostgreSQL ended by itself and was started again");
                    wait_for(guardian.replace(started));
                }
                // Another process was quicker.
                Ok(None) => {}
                Err(error) => {
                    log::error!("the private PostgreSQL ended by itself and cannot be started: {error}");
                    drop(users);
                    thread::sleep(TRY_AGAIN_AFTER);
                }
            }
        }
        wait_for(guardian);
    }

    /// The data folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn users(&self) -> MutexGuard<'_, Option<File>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the server, if one lives, and waits until it is gone. For who holds `users.lock` alone.
fn stop(folder: &Folder) -> Result<(), EmbeddedError> {
    let lock = folder.open_lock("server.lock")?;
    // A program that another thread starts has copies of this process's locks until it runs: only a lock that stays is a server's.
    for _ in 0..LOOKS {
        if taken(lock.try_lock(), folder)? {
            return Ok(());
        }
        thread::sleep(POLL / 4);
    }
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        if taken(lock.try_lock(), folder)? {
            return Ok(());
        }
        if signal == libc::SIGQUIT {
            log::warn!(
                "the private PostgreSQL takes long to stop and is stopped at once; its next start recovers"
            );
        }
        if let Some(pid) = pidfile::live_server(&folder.cluster()) {
            // SAFETY: kill takes no pointers; the process works in our cluster.
            unsafe { libc::kill(pid, signal) };
        }
        let end = Instant::now() + STOP_LIMIT;
        while Instant::now() < end {
            if taken(lock.try_lock(), folder)? {
                return Ok(());
            }
            thread::sleep(POLL / 4);
        }
    }
    Err(EmbeddedError::not_ending(folder))
}

/// Makes the shared lock exclusive, or gives it up: of several who leave at once, the last to try gets it. On Linux this
/// is one step, so that the guardian does not come between.
fn make_exclusive(users: &File) -> io::Result<bool> {
    // SAFETY: flock takes no pointers; the file is open.
    if unsafe { libc::flock(users.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error => Err(error),
    }
}

/// Reaps a guardian whose server is gone.
fn wait_for(guardian: Option<Child>) {
    if let Some(Err(error)) = guardian.map(|mut guardian| guardian.wait()) {
        log::error!("the end of the private PostgreSQL cannot be told: {error}");
    }
}

fn taken(lock: Result<(), TryLockError>, folder: &Folder) -> Result<bool, EmbeddedError> {
    match lock {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(EmbeddedError::file("lock", folder.root())(error)),
    }
}
