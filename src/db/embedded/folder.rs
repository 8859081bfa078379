//! The data folder: what lies where in it, who owns what, and who else uses it.
//!
//! ```text
//! users.lock     held shared by every Provost process that uses the server, and alone by who stops it
//! server.lock    held by who starts the server, then by it and its children: free means that none of them lives
//! cluster/       PostgreSQL's own data, renamed into place when complete
//! run/           the socket (elsewhere where the path does not suit a socket)
//! hba.conf, ident.conf, server.log
//! ```
//! Locks on open files, not process ids, say who lives: the kernel drops them with their process, and
//! a number in a file may have become another process's.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown},
    },
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{account::Account, error::EmbeddedError};

/// The name of the database, of its owner, and of the map that says who may be that owner.
pub const NAME: &str = "provost";
pub const PORT: u16 = 5432;

/// The longest socket path: `sun_path` without its closing zero byte.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
const LARGEST_LOG: u64 = 8 * 1024 * 1024;

/// A data folder that exists, by its real path.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens the folder, making it if needed.
    pub fn open(path: &Path) -> Result<Folder, EmbeddedError> {
        let current = Account::current()?;
        // When PostgreSQL runs as another user than we do, it must be able to pass through to its own folders.
        let mode = if current.is_root() { 0o711 } else { 0o700 };
        let made = DirBuilder::new().recursive(true).mode(mode).create(path);
        made.map_err(EmbeddedError::file("create", path))?;
        let root = fs::canonicalize(path).map_err(EmbeddedError::file("open", path))?;
        Ok(Folder { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// Where a cluster is until it is complete.
    pub fn unfinished_cluster(&self) -> PathBuf {
        self.root.join("cluster.new")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    pub fn hba(&self) -> PathBuf {
        self.root.join("hba.conf")
    }

    pub fn ident(&self) -> PathBuf {
        self.root.join("ident.conf")
    }

    /// The folder of the socket. Its path cannot be long, nor hold what separates and quotes paths in
    /// PostgreSQL's settings.
    pub fn socket_folder(&self) -> PathBuf {
        let usual = self.root.join("run");
        let path = socket_in(&usual).into_os_string();
        if path.len() <= LONGEST_SOCKET_PATH && !path.as_bytes().iter().any(|byte| b",\"".contains(byte)) {
            return usual;
        }
        let digest = Sha256::digest(self.root.as_os_str().as_bytes());
        Path::new("/tmp").join(format!("provost-{}", HEXLOWER.encode(&digest[..8])))
    }

    /// The major version of PostgreSQL that made the cluster, if there is one.
    pub fn cluster_major(&self) -> Result<Option<u32>, EmbeddedError> {
        let path = self.cluster().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| EmbeddedError::File {
                action: "read the version in",
                path,
                source: io::ErrorKind::InvalidData.into(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(EmbeddedError::file("read", path)(error)),
        }
    }

    pub fn open_lock(&self, name: &str) -> Result<File, EmbeddedError> {
        let path = self.root.join(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path);
        file.map_err(EmbeddedError::file("open", path))
    }

    /// Writes who may connect: the operating system says who is at the other end of the socket, and only root
    /// and the users that Provost and the server run as are the database's owner.
    pub fn write_access(&self, server: &Account) -> Result<(), EmbeddedError> {
        write_file(&self.hba(), &format!("local all {NAME} peer map={NAME}\n"))?;
        let current = Account::current()?;
        let mut users = vec!["root", server.name.as_str(), current.name.as_str()];
        users.sort_unstable();
        users.dedup();
        let lines: String = users
            .iter()
            .map(|user| format!("{NAME} \"{user}\" {NAME}\n"))
            .collect();
        write_file(&self.ident(), &lines)
    }

    /// Opens the server's log to append to, after setting aside one that has grown.
    pub fn open_log(&self) -> Result<File, EmbeddedError> {
        let path = self.log();
        if path.metadata().is_ok_and(|found| found.len() > LARGEST_LOG) {
            let old = self.root.join("server.log.old");
            fs::rename(&path, old).map_err(EmbeddedError::file("rename", &path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        file.map_err(EmbeddedError::file("open", path))
    }

    /// The last lines of the log after `start`, on one line.
    pub fn log_end(&self, start: u64) -> String {
        let mut text = String::new();
        let read = File::open(self.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.read_to_string(&mut text)
        });
        if let Err(error) = read {
            return format!("its log cannot be read ({error})");
        }
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        lines[lines.len().saturating_sub(5)..].join("; ")
    }
}

/// Where PostgreSQL puts its socket in a folder.
pub fn socket_in(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

/// Makes a folder that only `account` may enter, or checks that the existing one is.
pub fn make_private(path: &Path, account: &Account) -> Result<(), EmbeddedError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) if account.uid == Account::current()?.uid => return Ok(()),
        Ok(()) => {
            return lchown(path, Some(account.uid), Some(account.gid))
                .map_err(EmbeddedError::file("change the owner of", path));
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(EmbeddedError::file("create", path)(error)),
    }
    let found = fs::symlink_metadata(path).map_err(EmbeddedError::file("read", path))?;
    if !found.is_dir() || found.uid() != account.uid || found.mode() & 0o077 != 0 {
        return Err(EmbeddedError::OtherOwner {
            folder: path.to_owned(),
            owner: found.uid(),
        });
    }
    Ok(())
}

/// The outermost folder on the way to `path` that `account` may not enter by its permission bits.
pub fn closed_folder<'a>(path: &'a Path, account: &Account) -> Option<&'a Path> {
    let mut folders: Vec<&Path> = path.ancestors().collect();
    folders.reverse();
    folders.into_iter().find(|folder| {
        folder.metadata().is_ok_and(|found| {
            let enter = match () {
                () if found.uid() == account.uid => 0o100,
                () if found.gid() == account.gid => 0o010,
                () => 0o001,
            };
            found.mode() & enter == 0
        })
    })
}

fn write_file(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    let open = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(EmbeddedError::file("write", path))
}
