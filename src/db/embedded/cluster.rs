//! Makes the cluster on first start, and starts the server on it.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use diesel::{Connection, PgConnection, RunQueryDsl, dsl::sql, select, sql_types::Bool};

use super::{
    EmbeddedOptions, EmbeddedPostgres, POLL,
    account::Account,
    binaries::Binaries,
    error::EmbeddedError,
    folder::{self, Folder, NAME},
    pidfile, process,
};

/// Character types of all languages, while collation stays in byte order: the same on every machine,
/// and no library upgrade can spoil an index.
const CHARACTER_TYPE: &str = if cfg!(target_os = "macos") {
    "en_US.UTF-8"
} else {
    "C.UTF-8"
};

/// Starts the server on its cluster, made first if there is none. The caller is among the users and holds
/// `server_lock`, so nothing of an earlier server lives; the lock passes to the server. Answers its guardian.
pub fn start(options: &EmbeddedOptions, folder: &Folder, server_lock: File) -> Result<Child, EmbeddedError> {
    let cluster = folder.cluster();
    let account = Account::for_server(&cluster)?;
    let made_by = folder.cluster_major()?;
    let binaries = Binaries::find(
        options.binaries.as_deref(),
        made_by.map(|major| (major, cluster.as_path())),
    )?;
    check_reach(folder, &binaries, &account)?;
    if made_by.is_none() {
        create(options, folder, &binaries, &account, &server_lock)?;
    }
    pidfile::remove_stale(folder)?;
    folder::make_private(&folder.socket_folder(), &account)?;
    folder.write_access(&account)?;
    run(options, folder, &binaries, &account, &server_lock)
}

/// Creates the database on a server that has none yet.
pub fn create_database(server: &EmbeddedPostgres) -> Result<(), EmbeddedError> {
    let mut connection = PgConnection::establish(&server.url("postgres"))?;
    let exists = select(sql::<Bool>(
        "EXISTS (SELECT FROM pg_database WHERE datname = 'provost')",
    ));
    if !exists.get_result::<bool>(&mut connection)? {
        diesel::sql_query("CREATE DATABASE provost").execute(&mut connection)?;
    }
    Ok(())
}

/// Tries what the server's user will have to do: enter the folder, and run the program.
fn check_reach(folder: &Folder, binaries: &Binaries, account: &Account) -> Result<(), EmbeddedError> {
    if account.uid == Account::current()?.uid {
        return Ok(());
    }
    let postgres = binaries.postgres();
    let mut command = Command::new(&postgres);
    command
        .arg("--version")
        .current_dir(folder.root())
        .uid(account.uid)
        .gid(account.gid);
    match command.output() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let closed = [folder.root(), &postgres]
                .into_iter()
                .find_map(|path| folder::closed_folder(path, account));
            let closed = closed.unwrap_or(folder.root()).to_owned();
            Err(EmbeddedError::FolderClosed {
                user: account.name.clone(),
                folder: closed,
            })
        }
        Err(error) => Err(EmbeddedError::file("run", postgres)(error)),
        Ok(_) => Ok(()),
    }
}

/// Makes a cluster under another name first, so that a start that is cut off leaves none that is half done.
fn create(
    options: &EmbeddedOptions,
    folder: &Folder,
    binaries: &Binaries,
    account: &Account,
    lock: &File,
) -> Result<(), EmbeddedError> {
    let unfinished = folder.unfinished_cluster();
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(EmbeddedError::file("remove", unfinished)(error));
        }
        _ => {}
    }
    folder::make_private(&unfinished, account)?;
    log::info!("creating the private PostgreSQL in {}", folder.root().display());
    let mut initdb = process::command(&binaries.initdb(), account, lock);
    initdb.arg("-D").arg(&unfinished).args([
        "--username",
        NAME,
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C",
    ]);
    initdb.arg(format!("--lc-ctype={CHARACTER_TYPE}"));
    initdb.args([
        "--text-search-config=simple",
        "--data-checksums",
        "--no-instructions",
    ]);
    if !options.durable {
        initdb.arg("--no-sync");
    }
    let output = initdb
        .output()
        .map_err(EmbeddedError::file("run", binaries.initdb()))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
        return Err(EmbeddedError::Create {
            folder: unfinished,
            output,
        });
    }
    let cluster = folder.cluster();
    fs::rename(&unfinished, &cluster).map_err(EmbeddedError::file("create", &cluster))?;
    let root = File::open(folder.root()).and_then(|root| root.sync_all());
    root.map_err(EmbeddedError::file("sync", folder.root()))
}

fn run(
    options: &EmbeddedOptions,
    folder: &Folder,
    binaries: &Binaries,
    account: &Account,
    lock: &File,
) -> Result<Child, EmbeddedError> {
    let log = folder.open_log()?;
    let log_start = log
        .metadata()
        .map_err(EmbeddedError::file("read", folder.log()))?
        .len();
    let second = log
        .try_clone()
        .map_err(EmbeddedError::file("open", folder.log()))?;
    let mut postgres = process::command(&binaries.postgres(), account, lock);
    postgres
        .arg("-D")
        .arg(folder.cluster())
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(second));
    for (name, value) in settings(options, folder) {
        postgres.arg("-c").arg(setting(name, &value));
    }
    let users = folder.open_lock("users.lock")?;
    let guardian = process::spawn_guarded(postgres, &users);
    let mut guardian = guardian.map_err(EmbeddedError::file("run", binaries.postgres()))?;
    let cluster = folder.cluster();
    // Recovery after a crash takes as long as it takes; a server that cannot start ends.
    while !pidfile::is_ready(&cluster) {
        let ended = guardian.try_wait();
        if ended
            .map_err(EmbeddedError::file("run", binaries.postgres()))?
            .is_some()
        {
            return Err(EmbeddedError::Start {
                log_end: folder.log_end(log_start),
                log: folder.log(),
            });
        }
        thread::sleep(POLL / 4);
    }
    Ok(guardian)
}

fn setting(name: &str, value: &OsStr) -> OsString {
    let mut setting = OsString::from(format!("{name}="));
    setting.push(value);
    setting
}

/// What the command line fixes; all else may be set in the cluster's `postgresql.conf`.
fn settings(options: &EmbeddedOptions, folder: &Folder) -> Vec<(&'static str, OsString)> {
    let mut settings: Vec<(&'static str, OsString)> = vec![
        ("listen_addresses", "".into()),
        ("port", folder::PORT.to_string().into()),
        ("unix_socket_directories", quoted(&folder.socket_folder())),
        ("unix_socket_permissions", "0700".into()),
        ("hba_file", folder.hba().into()),
        ("ident_file", folder.ident().into()),
        ("max_connections", options.max_connections.to_string().into()),
        (
            "shared_buffers",
            format!("{}MB", options.shared_buffers_mb).into(),
        ),
        ("timezone", "UTC".into()),
        ("log_timezone", "UTC".into()),
        ("log_destination", "stderr".into()),
        ("logging_collector", "off".into()),
        // Failed statements hold people's data, and Provost reports them itself.
        ("log_min_messages", "log".into()),
        ("log_checkpoints", "off".into()),
        // Compiling a plan costs more than it saves on statements as short as ours.
        ("jit", "off".into()),
    ];
    if !options.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            settings.push((name, "off".into()));
        }
        settings.push(("wal_level", "minimal".into()));
        settings.push(("max_wal_senders", "0".into()));
    }
    settings
}

/// A folder as an element of a list setting.
fn quoted(path: &Path) -> OsString {
    let mut text = OsString::from("\"");
    text.push(path);
    text.push("\"");
    text
}
