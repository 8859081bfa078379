//! Runs PostgreSQL's programs as children that never outlive Provost.

use std::{
    env,
    fs::File,
    io,
    os::{fd::AsRawFd, unix::process::CommandExt},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::account::Account;

/// How long a fast stop may take before the server is told to stop at once; the next start recovers.
const FAST_STOP_LIMIT: Duration = Duration::from_secs(60);

/// A command that runs as `account`, away from our terminal and our `PG*` variables, that gets
/// `death_signal` when the calling thread ends, and that keeps `lock` as long as it or a child of it lives.
pub fn command(program: &Path, account: &Account, lock: &File, death_signal: libc::c_int) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    // SAFETY: geteuid and getpid have no preconditions.
    let (uid, parent) = unsafe { (libc::geteuid(), libc::getpid()) };
    if uid != account.uid {
        command.uid(account.uid).gid(account.gid);
    }
    let lock = lock.as_raw_fd();
    // SAFETY: the closure only makes system calls, which are safe between fork and exec; `lock` is open until
    // then because the caller spawns while it holds the file. It runs after the change of user, which would
    // clear the parent-death signal.
    unsafe {
        command.pre_exec(move || {
            // A session of its own: Ctrl-C reaches Provost alone, which stops the server when it has drained.
            check(libc::setsid())?;
            check(libc::fcntl(lock, libc::F_SETFD, 0))?;
            die_with_parent(parent, death_signal)
        });
    }
    command
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(parent: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: prctl and getppid take no pointers here.
    unsafe {
        check(libc::prctl(libc::PR_SET_PDEATHSIG, signal))?;
        // The parent may have died before the request was made.
        if libc::getppid() != parent {
            Err(io::Error::from_raw_os_error(libc::ESRCH))
        } else {
            Ok(())
        }
    }
}

/// Elsewhere a killed Provost leaves its server running, and the next start stops it.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_parent: libc::pid_t, _signal: libc::c_int) -> io::Result<()> {
    Ok(())
}

/// A running server, stopped and waited for when dropped.
#[derive(Debug)]
pub struct Process {
    pid: libc::pid_t,
    watch: Arc<Watch>,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Running,
    Stopping,
    /// Reaped: the process id may already be another's.
    Ended,
}

impl Process {
    /// Spawns from a thread of its own, since the parent-death signal is bound to the thread that spawns.
    pub fn spawn(command: Command) -> io::Result<Process> {
        let (started, start) = mpsc::channel();
        let watch = Arc::new(Watch {
            state: Mutex::new(State::Running),
            changed: Condvar::new(),
        });
        let shared = Arc::clone(&watch);
        let keeper = thread::Builder::new()
            .name("postgres-keeper".into())
            .spawn(move || keep(command, &started, &shared))?;
        let pid = start
            .recv()
            .map_err(|_| io::Error::other("the thread that keeps PostgreSQL ended"))??;
        Ok(Process {
            pid,
            watch,
            keeper: Some(keeper),
        })
    }

    pub fn pid(&self) -> libc::pid_t {
        self.pid
    }

    pub fn has_ended(&self) -> bool {
        *self.watch.lock() == State::Ended
    }

    /// Ends all sessions, writes a checkpoint and waits until the server is gone.
    pub fn stop(&mut self) {
        self.signal(libc::SIGINT);
        let running = self.watch.lock();
        let waited = self
            .watch
            .changed
            .wait_timeout_while(running, FAST_STOP_LIMIT, |state| *state != State::Ended);
        let (running, wait) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(running);
        if wait.timed_out() {
            log::warn!(
                "the private PostgreSQL takes long to stop and is stopped at once; its next start recovers"
            );
            self.signal(libc::SIGQUIT);
        }
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            log::error!("the thread that keeps PostgreSQL panicked");
        }
    }

    fn signal(&self, signal: libc::c_int) {
        let mut state = self.watch.lock();
        if *state != State::Ended {
            *state = State::Stopping;
            // SAFETY: the child is not reaped while the state says so, hence the id is still its own.
            unsafe { libc::kill(self.pid, signal) };
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's work: spawn, tell how that went, wait for the end.
fn keep(mut command: Command, started: &mpsc::Sender<io::Result<libc::pid_t>>, watch: &Watch) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(started.send(Err(error))),
    };
    drop(command);
    let pid = child.id().cast_signed();
    drop(started.send(Ok(pid)));
    wait_without_reaping(pid);
    let mut state = watch.lock();
    let status = child.wait();
    if *state == State::Running {
        log::error!("the private PostgreSQL ended by itself: {status:?}");
    }
    *state = State::Ended;
    watch.changed.notify_all();
}

fn wait_without_reaping(pid: libc::pid_t) {
    // SAFETY: an all-zero siginfo_t is valid, and waitid only writes to it.
    while unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        libc::waitid(
            libc::P_PID,
            pid.cast_unsigned(),
            &mut info,
            libc::WEXITED | libc::WNOWAIT,
        )
    } == -1
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}
