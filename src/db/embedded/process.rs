//! Runs PostgreSQL's programs as children, and the server under a guardian, which stops the server when
//! no process uses it any more.

use std::{
    env,
    fs::File,
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    ptr,
};

use super::account::Account;

/// How often the guardian looks, in microseconds. Only a process that starts after a kill waits for it.
const GUARDIAN_LOOKS_EVERY: libc::useconds_t = 100_000;

/// More than a process has open that begins.
const MANY_DESCRIPTORS: libc::c_int = 65_536;

/// A command that runs as `account`, away from our terminal and our `PG*` variables, and that keeps `lock` as long
/// as it or a child of it lives.
pub fn command(program: &Path, account: &Account, lock: &File) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != account.uid {
        command.uid(account.uid).gid(account.gid);
    }
    let lock = lock.as_raw_fd();
    // SAFETY: the closure only makes system calls, which are safe between fork and exec; `lock` is open until
    // then because the caller spawns while it holds the file.
    unsafe {
        command.pre_exec(move || {
            // A session of its own: Ctrl-C reaches Provost alone, which leaves the server when it has drained.
            check(libc::setsid())?;
            check(libc::fcntl(lock, libc::F_SETFD, 0))
        });
    }
    command
}

/// Spawns the server as the child of a guardian, and answers the guardian, which ends when the server does. `users`
/// is an own handle of the file on which every process that uses the server holds a shared lock: when none does, because all
/// ended or were killed, the guardian stops the server.
pub fn spawn_guarded(mut server: Command, users: &File) -> io::Result<Child> {
    let users = users.as_raw_fd();
    // SAFETY: as above. The guardian is a copy of one thread of ours that makes system calls and never returns.
    unsafe {
        server.pre_exec(move || {
            let guardian = libc::getpid();
            match libc::fork() {
                -1 => Err(io::Error::last_os_error()),
                0 => die_with(guardian),
                server => guard(server, users),
            }
        });
    }
    server.spawn()
}

/// The guardian's life. It keeps nothing open but `users`: else it would hold the locks of the process it was
/// copied from, and that process's listening socket.
///
/// # Safety
/// For a process that was just forked, and is this function's alone.
unsafe fn guard(server: libc::pid_t, users: RawFd) -> ! {
    // SAFETY: nothing but system calls, in a process where nobody else uses the descriptors; `server` is a child that
    // only this function waits for, hence the number is its own.
    unsafe {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            libc::signal(signal, libc::SIG_IGN);
        }
        // Seen in lists of processes, which would show a second Provost.
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_NAME, c"postgres-guard".as_ptr());
        libc::dup2(users, 0);
        close_from(1);
        while libc::waitpid(server, ptr::null_mut(), libc::WNOHANG) == 0 {
            if libc::flock(0, libc::LOCK_EX | libc::LOCK_NB) == 0 {
                // A process that comes now waits for the lock until the server is gone.
                libc::kill(server, libc::SIGINT);
                libc::waitpid(server, ptr::null_mut(), 0);
                break;
            }
            libc::usleep(GUARDIAN_LOOKS_EVERY);
        }
        libc::_exit(0)
    }
}

/// # Safety
/// Nobody may use the descriptors from `first` on.
unsafe fn close_from(first: libc::c_uint) {
    // SAFETY: close_range and close take no pointers.
    unsafe {
        #[cfg(target_os = "linux")]
        if libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) == 0 {
            return;
        }
        // Systems without that call: the limit may be in the billions, and the lowest free number is always used.
        for descriptor in first.cast_signed()..MANY_DESCRIPTORS {
            libc::close(descriptor);
        }
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Has the server stop when its guardian is killed. It runs after the change of user, which would clear this.
#[cfg(target_os = "linux")]
fn die_with(guardian: libc::pid_t) -> io::Result<()> {
    // SAFETY: prctl and getppid take no pointers here.
    unsafe {
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT))?;
        // The guardian may have died before the request was made.
        if libc::getppid() != guardian {
            Err(io::Error::from_raw_os_error(libc::ESRCH))
        } else {
            Ok(())
        }
    }
}

/// Elsewhere a server whose guardian was killed runs until its last user leaves.
#[cfg(not(target_os = "linux"))]
fn die_with(_guardian: libc::pid_t) -> io::Result<()> {
    Ok(())
}
