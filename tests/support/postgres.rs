//! A database for each test, copied from one migrated template.
//!
//! The first test of a run starts a private server without durability, in memory if there is room; it ends with the
//! test process, also when that is killed. `PROVOST_TEST_DATABASE_URL` names another server to use instead.

use std::{
    env,
    ffi::CString,
    fs::{self, File},
    mem::MaybeUninit,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, OnceLock, PoisonError},
};

use diesel::{
    Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, dsl::sql, select, sql_types::Integer,
};
use provost::db::embedded::{EmbeddedOptions, EmbeddedPostgres};
use uuid::Uuid;

const FOLDER_PREFIX: &str = "provost-test-";

/// Linux keeps what is in this folder in memory.
const MEMORY: &str = "/dev/shm";
/// More than all that the server keeps at a time.
const ROOM: u64 = 1 << 30;

static SERVER: OnceLock<Server> = OnceLock::new();

/// A database of one test's own, dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    pub url: String,
    name: String,
}

/// Makes a database. The first call of a run has `migrate` fill the template, hence all pass the same.
pub fn create_database(migrate: fn(&mut PgConnection)) -> TestDatabase {
    let server = SERVER.get_or_init(|| Server::start(migrate));
    let name = format!("provost_test_{}", Uuid::now_v7().simple());
    server.execute(&format!(
        "CREATE DATABASE {name} TEMPLATE {}{}",
        server.template, server.strategy
    ));
    TestDatabase {
        url: with_database(&server.url, &name),
        name,
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(server) = SERVER.get() {
            server.execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

struct Server {
    /// The database to be connected to while others are made and dropped.
    url: String,
    template: String,
    strategy: &'static str,
    /// The private server and its folder, until the end of the process.
    private: Mutex<Option<(EmbeddedPostgres, PathBuf)>>,
}

impl Server {
    fn start(migrate: fn(&mut PgConnection)) -> Server {
        let (url, private) = match env::var("PROVOST_TEST_DATABASE_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                remove_folders_of_killed_runs();
                let folder = home().join(format!("{FOLDER_PREFIX}{}", process::id()));
                let server = start_private(&folder);
                (server.url("postgres"), Some((server, folder)))
            }
        };
        let mut connection = PgConnection::establish(&url).expect("the test server takes connections");
        let version = sql::<Integer>("current_setting('server_version_num')::int");
        let version: i32 = select(version)
            .get_result(&mut connection)
            .expect("the server tells its version");
        let server = Server {
            template: format!("provost_template_{}", process::id()),
            // Quicker for small databases than writing the copy to the log; older servers know no other way.
            strategy: if version >= 150_000 {
                " STRATEGY file_copy"
            } else {
                ""
            },
            url,
            private: Mutex::new(private),
        };
        server.execute(&format!("DROP DATABASE IF EXISTS {}", server.template));
        server.execute(&format!("CREATE DATABASE {}", server.template));
        let template = with_database(&server.url, &server.template);
        migrate(&mut PgConnection::establish(&template).expect("the template takes connections"));
        // SAFETY: `finish` is a plain function that does not unwind.
        unsafe { libc::atexit(finish) };
        server
    }

    fn execute(&self, statement: &str) {
        PgConnection::establish(&self.url)
            .map_err(|error| error.to_string())
            .and_then(|mut connection| {
                connection
                    .batch_execute(statement)
                    .map_err(|error| error.to_string())
            })
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// The folder in which the server's is. A database has hundreds of files, and disks are slow to make and remove them: ext4 passes
/// over all that were removed in the last minutes before it makes one.
fn home() -> PathBuf {
    match free_bytes(MEMORY) {
        Some(free) if free >= ROOM => MEMORY.into(),
        _ => env::temp_dir(),
    }
}

/// How many bytes the file system of a folder has left; none if there is no such folder.
fn free_bytes(folder: &str) -> Option<u64> {
    let folder = CString::new(folder).ok()?;
    let mut found = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the pointers are valid for the call, which fills `found` if it answers 0.
    let found = unsafe {
        let answer = libc::statvfs(folder.as_ptr(), found.as_mut_ptr());
        (answer == 0).then(|| found.assume_init())
    }?;
    Some(found.f_bavail as u64 * found.f_frsize as u64)
}

fn start_private(folder: &Path) -> EmbeddedPostgres {
    let options = EmbeddedOptions {
        durable: false,
        max_connections: 300,
        shared_buffers_mb: 64,
        ..EmbeddedOptions::new(folder)
    };
    let server = EmbeddedPostgres::start(&options).expect("a private PostgreSQL starts");
    // Its workers would connect to the template while that is copied.
    let mut connection =
        PgConnection::establish(&server.url("postgres")).expect("the server takes connections");
    for statement in ["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"] {
        connection
            .batch_execute(statement)
            .expect("autovacuum can be turned off");
    }
    server
}

/// Runs when the test process exits, which drops no statics.
extern "C" fn finish() {
    let Some(server) = SERVER.get() else { return };
    let private = server
        .private
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let ended = match private {
        Some((postgres, folder)) => {
            postgres.stop();
            fs::remove_dir_all(folder).map_err(|error| error.to_string())
        }
        None => PgConnection::establish(&server.url)
            .map_err(|error| error.to_string())
            .and_then(|mut connection| {
                let statement = format!("DROP DATABASE {}", server.template);
                connection
                    .batch_execute(&statement)
                    .map_err(|error| error.to_string())
            }),
    };
    if let Err(error) = ended {
        eprintln!("the test server's end: {error}");
    }
}

/// A folder whose locks are free belongs to a run that was killed. One that cannot be opened or removed is another
/// user's, and theirs to clear.
fn remove_folders_of_killed_runs() {
    let Ok(entries) = fs::read_dir(home()) else {
        return;
    };
    for entry in entries.flatten() {
        let of_a_run = entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX);
        if of_a_run
            && let Ok(users) = File::open(entry.path().join("users.lock"))
            && users.try_lock().is_ok()
            && let Ok(server) = File::open(entry.path().join("server.lock"))
            && server.try_lock().is_ok()
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            eprintln!("{}: {error}", entry.path().display());
        }
    }
}

/// The same server's URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url, String::new()),
    };
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..]
        .find('/')
        .map_or(address.len(), |at| authority + at);
    format!("{}/{database}{query}", &address[..end])
}

#[test]
fn each_test_has_a_copy_of_the_template_to_itself() {
    let migrate = super::app::migrate;
    let first = create_database(migrate);
    let second = create_database(migrate);
    let mut connection = PgConnection::establish(&first.url).unwrap();
    connection.batch_execute("CREATE TABLE of_the_first ()").unwrap();

    let mut other = PgConnection::establish(&second.url).unwrap();
    let seen = sql::<diesel::sql_types::Bool>("to_regclass('of_the_first') IS NOT NULL");
    assert!(!select(seen).get_result::<bool>(&mut other).unwrap());
}

#[test]
fn the_database_in_a_url_is_replaced_and_the_rest_kept() {
    let cases = [
        (
            "postgres://u:p@host:5432/old?sslmode=require",
            "postgres://u:p@host:5432/new?sslmode=require",
        ),
        ("postgres://host", "postgres://host/new"),
        (
            "postgresql://u@%2Ftmp%2Frun:5432/old",
            "postgresql://u@%2Ftmp%2Frun:5432/new",
        ),
    ];
    for (url, expected) in cases {
        assert_eq!(with_database(url, "new"), expected);
    }
}
