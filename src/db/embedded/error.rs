//! What can go wrong with the private server. Each sentence says what to do.

use std::{io, path::PathBuf};

use super::folder::Folder;

/// Why the private PostgreSQL could not be had.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "PostgreSQL {oldest} or newer is not installed: run `apt install postgresql` (Debian, Ubuntu), \
         `dnf install postgresql-server` (Fedora) or `brew install postgresql@17` (macOS), \
         or set DATABASE_URL to use a server that already runs",
        oldest = super::binaries::OLDEST_MAJOR
    )]
    NotInstalled,

    #[error(
        "no `postgres` {oldest} or newer with an `initdb` beside it in {folder}: name the folder that holds both in PROVOST_POSTGRES_BIN",
        oldest = super::binaries::OLDEST_MAJOR,
        folder = .0.display()
    )]
    BinariesFolder(PathBuf),

    #[error(
        "the data in {folder} was made by PostgreSQL {wanted}, which is not installed (found: {found}): \
         install PostgreSQL {wanted}, or move the data with pg_upgrade",
        folder = .folder.display()
    )]
    OtherMajor {
        folder: PathBuf,
        wanted: u32,
        found: String,
    },

    #[error(
        "PostgreSQL runs as `{user}` because Provost was started as root, but `{user}` may not enter {folder}: \
         choose a data folder elsewhere (PROVOST_DATA_DIR=/var/lib/provost), start Provost as an ordinary user, \
         or run `chmod o+x {folder}`",
        folder = .folder.display()
    )]
    FolderClosed { user: String, folder: PathBuf },

    #[error(
        "PostgreSQL refuses to run as root, and neither a `postgres` nor a `nobody` account exists: \
         create one with `useradd --system postgres`, or start Provost as an ordinary user"
    )]
    NoAccount,

    #[error(
        "the data folder {folder} belongs to root, and PostgreSQL refuses to run as root: \
         give it to an ordinary user with `chown -R postgres {folder}`",
        folder = .0.display()
    )]
    OwnedByRoot(PathBuf),

    #[error(
        "user id {0} has no name, and PostgreSQL needs one: add the user to /etc/passwd, or start Provost as another"
    )]
    NamelessUser(u32),

    #[error(
        "{folder} belongs to user id {owner}, not to the user PostgreSQL runs as: \
         start Provost as that user, or remove the folder if nothing uses it",
        folder = .folder.display()
    )]
    OtherOwner { folder: PathBuf, owner: u32 },

    #[error(
        "a PostgreSQL server that Provost did not start (process {pid}) uses {folder}: \
         stop it with `pg_ctl stop -D {folder}`",
        folder = .folder.display()
    )]
    ForeignServer { pid: i32, folder: PathBuf },

    #[error(
        "the PostgreSQL on {folder} that other Provost processes use does not answer ({reason}): \
         see {log}, or stop those processes and try again",
        folder = .folder.display(),
        log = .log.display()
    )]
    NotAnswering {
        folder: PathBuf,
        reason: String,
        log: PathBuf,
    },

    #[error(
        "the PostgreSQL on {folder} does not stop: see {log}, and stop the `postgres` processes of that folder",
        folder = .folder.display(),
        log = .log.display()
    )]
    NotEnding { folder: PathBuf, log: PathBuf },

    #[error("initdb could not create {folder}: {output}: fix what it names and start again", folder = .folder.display())]
    Create { folder: PathBuf, output: String },

    #[error("PostgreSQL did not start: {log_end}: fix what it names and start again; the whole log is {log}", log = .log.display())]
    Start { log_end: String, log: PathBuf },

    #[error(
        "the private PostgreSQL started but does not take connections: {0}: see its log in the data folder"
    )]
    Connect(#[from] diesel::ConnectionError),

    #[error("the private PostgreSQL could not create its database: {0}: see its log in the data folder")]
    Database(#[from] diesel::result::Error),

    #[error("cannot {action} {path}: {source}: check the folder's owner and permissions", path = .path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl EmbeddedError {
    pub(super) fn not_ending(folder: &Folder) -> Self {
        EmbeddedError::NotEnding {
            folder: folder.root().to_owned(),
            log: folder.log(),
        }
    }

    /// For `map_err`: says what was being done to which path.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| EmbeddedError::File { action, path, source }
    }
}
