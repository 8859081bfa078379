//! Provost's own private PostgreSQL, for when no `DATABASE_URL` is given.
//!
//! A server on a Unix socket in the data folder, made on first start. Every Provost process on the folder shares it:
//! the first one starts it, and it stops with the last one, also when that is killed.
//! Called by the commands that need a database, and by the tests.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod memory;
mod pidfile;
mod process;
mod sharing;
use std::{
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    process::Child,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection};

pub use self::{
    binaries::{Binaries, OLDEST_MAJOR},
    error::EmbeddedError,
};
use self::{
    folder::Folder,
    sharing::{Place, WAIT_FOR_OTHERS},
};

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
            shared_buffers_mb: memory::share_mb(),
        }
    }
}

/// A process's use of the private server. When it is dropped and was the last, the server stops.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    socket_folder: PathBuf,
    place: Arc<Place>,
}

impl EmbeddedPostgres {
    /// Starts the server of the data folder, or attaches to the one that runs, and returns when it takes connections
    /// to the database `provost`. A server that ends by itself is started again.
    pub fn start(options: &EmbeddedOptions) -> Result<EmbeddedPostgres, EmbeddedError> {
        let folder = Folder::open(&options.data_dir)?;
        let socket_folder = folder.socket_folder();
        let place = Place::take(folder)?;
        let server = EmbeddedPostgres { socket_folder, place };
        let guardian = server.start_or_attach(options)?;
        server.place.watch(options, guardian)?;
        Ok(server)
    }

    fn start_or_attach(&self, options: &EmbeddedOptions) -> Result<Option<Child>, EmbeddedError> {
        let end = Instant::now() + WAIT_FOR_OTHERS;
        loop {
            if let Some(guardian) = self.place.start_server(options)? {
                cluster::create_database(self)?;
                return Ok(Some(guardian));
            }
            match PgConnection::establish(&self.url(folder::NAME)) {
                Ok(_) => return Ok(None),
                Err(error) if Instant::now() > end || is_refusal(&error) => {
                    let folder = self.place.folder();
                    return Err(EmbeddedError::NotAnswering {
                        reason: error.to_string().trim().to_owned(),
                        log: folder.log(),
                        folder: folder.root().to_owned(),
                    });
                }
                // Another process is starting it, or the one that ran is about to end.
                Err(_) => thread::sleep(POLL),
            }
        }
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

    /// Stops the server and waits until it is gone, if no other process uses it. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Err(error) = self.place.leave() {
            log::error!("{error}");
        }
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
