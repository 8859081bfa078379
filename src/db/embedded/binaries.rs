//! Finds PostgreSQL's programs on this machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::error::EmbeddedError;

/// The oldest major version that Provost's statements work on.
pub const OLDEST_MAJOR: u32 = 14;

/// Folders that hold one folder for each version, and where in it the programs are.
const VERSIONED: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
];

/// A folder with `postgres` and `initdb` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The programs to use: those in `chosen`, else the first found that are new enough. An existing
    /// cluster needs its own major version, given with its folder.
    pub fn find(chosen: Option<&Path>, cluster: Option<(u32, &Path)>) -> Result<Binaries, EmbeddedError> {
        match chosen {
            Some(folder) => {
                let places = vec![folder.to_owned()];
                Self::first(places, cluster, || {
                    EmbeddedError::BinariesFolder(folder.to_owned())
                })
            }
            None => Self::first(candidates(), cluster, || EmbeddedError::NotInstalled),
        }
    }

    fn first(
        places: Vec<PathBuf>,
        cluster: Option<(u32, &Path)>,
        none: impl FnOnce() -> EmbeddedError,
    ) -> Result<Binaries, EmbeddedError> {
        let mut others = Vec::new();
        for binaries in places.iter().filter_map(|folder| Binaries::read(folder)) {
            if cluster.is_none_or(|(wanted, _)| wanted == binaries.major) {
                return Ok(binaries);
            }
            others.push(binaries.major.to_string());
        }
        others.dedup();
        match cluster {
            Some((wanted, folder)) if !others.is_empty() => Err(EmbeddedError::OtherMajor {
                folder: folder.to_owned(),
                wanted,
                found: others.join(", "),
            }),
            _ => Err(none()),
        }
    }

    /// The folder's programs, if both are there and new enough.
    fn read(folder: &Path) -> Option<Binaries> {
        // A link such as /usr/local/bin/postgres has no siblings: follow it to where initdb is too.
        let postgres = fs::canonicalize(folder.join("postgres")).ok()?;
        let folder = postgres.parent()?.to_owned();
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(&postgres).arg("--version").output().ok()?;
        let major = parse_major(&String::from_utf8_lossy(&output.stdout))?;
        (major >= OLDEST_MAJOR).then_some(Binaries { folder, major })
    }

    /// The server.
    pub fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// What makes a cluster.
    pub fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// Reads the 15 in `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
fn parse_major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL)")?;
    let digits: String = number
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    for (root, prefix, programs) in VERSIONED {
        folders.extend(
            newest_first(Path::new(root), prefix)
                .into_iter()
                .map(|folder| folder.join(programs)),
        );
    }
    folders
}

/// The folders of `root` whose names begin with `prefix`, by the number in the name.
fn newest_first(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let digits: String = name
                .strip_prefix(prefix)?
                .trim_start_matches('@')
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            // Homebrew's plain `postgresql` has no number: it is tried last.
            Some((digits.parse().unwrap_or(0), entry.path()))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}
