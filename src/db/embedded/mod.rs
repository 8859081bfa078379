//! Provost's own private PostgreSQL, for when no `DATABASE_URL` is given.
//!
//! A server on a Unix socket in the data folder, made on first start, stopped with the process that
//! started it (also when that is killed), and shared by every further Provost process on the same folder.
//! Called by the commands that need a database, and by the tests.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod pidfile;
mod process;
#[cfg(test)]
mod tests;

use std::{
    fs::{File, TryLockError},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection};

pub use self::{binaries::OLDEST_MAJOR, error::EmbeddedError};
use self::{folder::Folder, process::Process};

/// How long to wait for another process to finish what it does with the data folder.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// How to run the private server.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Where the server keeps everything; made on first start.
    pub data_dir: PathBuf,
    /// The folder that holds `postgres` and `initdb`; searched for when absent.
    pub binaries: Option<PathBuf>,
    /// Whether a commit survives a power cut. Only tests do without.
    pub durable: bool,
    pub max_connections: u16,
    pub shared_buffers_mb: u32,
}

impl EmbeddedOptions {
    /// A durable server of modest size.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        EmbeddedOptions {
            data_dir: data_dir.into(),
            binaries: None,
            durable: true,
            max_connections: 100,
            shared_buffers_mb: 128,
        }
    }
}

/// A running private server. The process that started it stops it on drop; one that attached leaves it alone.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    socket_folder: PathBuf,
    owned: Option<Owned>,
}

/// Fields in the order of their drop: the folder is free when the server is gone.
#[derive(Debug)]
struct Owned {
    _process: Process,
    _owner_lock: File,
}

impl EmbeddedPostgres {
    /// Starts the server of the data folder, or attaches to the one that another process runs, and returns
    /// when it takes connections to the database `provost`.
    pub fn start(options: &EmbeddedOptions) -> Result<EmbeddedPostgres, EmbeddedError> {
        let folder = Folder::open(&options.data_dir)?;
        let owner_lock = folder.open_lock("owner.lock")?;
        let mut server = EmbeddedPostgres {
            socket_folder: folder.socket_folder(),
            owned: None,
        };
        let end = Instant::now() + WAIT_FOR_OTHERS;
        // Another owner may still be starting, or stop meanwhile: then its place is ours.
        while !try_lock(&owner_lock, folder.root())? {
            match PgConnection::establish(&server.url(folder::NAME)) {
                Ok(_) => return Ok(server),
                Err(error) if Instant::now() > end || is_refusal(&error) => {
                    return Err(EmbeddedError::NotAnswering {
                        reason: error.to_string().trim().to_owned(),
                        log: folder.log(),
                        folder: folder.root().to_owned(),
                    });
                }
                Err(_) => thread::sleep(POLL),
            }
        }
        let server_lock = lock_against_orphans(&folder, end)?;
        let process = cluster::start(options, &folder, server_lock)?;
        server.owned = Some(Owned {
            _process: process,
            _owner_lock: owner_lock,
        });
        cluster::create_database(&server)?;
        Ok(server)
    }

    /// The connection string of a database of this server.
    pub fn url(&self, database: &str) -> String {
        let host = percent_encode(self.socket_folder.as_os_str().as_bytes());
        let database = percent_encode(database.as_bytes());
        format!(
            "postgresql://{name}@{host}:{port}/{database}",
            name = folder::NAME,
            port = folder::PORT
        )
    }

    /// Whether this process started the server, rather than attached to it.
    pub fn is_owner(&self) -> bool {
        self.owned.is_some()
    }

    /// Stops the server and waits until it is gone, if this process started it. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

/// Takes the lock that a server of this folder and its children hold as long as they live. What a killed
/// owner left running is told to stop.
fn lock_against_orphans(folder: &Folder, end: Instant) -> Result<File, EmbeddedError> {
    let lock = folder.open_lock("server.lock")?;
    while !try_lock(&lock, folder.root())? {
        if Instant::now() > end {
            return Err(EmbeddedError::NotEnding {
                folder: folder.root().to_owned(),
                log: folder.log(),
            });
        }
        if let Some(pid) = pidfile::live_server(&folder.cluster()) {
            // SAFETY: kill takes no pointers; the process works in our cluster.
            unsafe { libc::kill(pid, libc::SIGINT) };
        }
        thread::sleep(POLL);
    }
    Ok(lock)
}

fn try_lock(file: &File, path: &Path) -> Result<bool, EmbeddedError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(EmbeddedError::file("lock", path)(error)),
    }
}

/// Whether a server answered, and will answer the same next time.
fn is_refusal(error: &diesel::ConnectionError) -> bool {
    error.to_string().contains("authentication failed") || error.to_string().contains("pg_hba.conf")
}

fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
