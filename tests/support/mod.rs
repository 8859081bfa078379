//! What the tests stand on.

pub mod app;
pub mod client;
pub mod events;
pub mod mail;
pub mod postgres;
pub mod process;
pub mod provider;
pub mod zips;

use std::time::{Duration, Instant};

pub use app::{TestApp, on_thread};
#[allow(unused_imports, reason = "named by the tests that need the types")]
pub use client::{Answer, Client};

/// A folder that is gone with its test.
pub struct TempFolder {
    pub path: std::path::PathBuf,
}

impl TempFolder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("provost-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        TempFolder { path }
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// Far beyond what anything here takes; only a fault reaches it.
const DEADLINE: Duration = Duration::from_secs(60);

/// Leaves the processor to what is waited for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// Waits for the effect of another thread or process, by asking again and again.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// How many steps of a long random test to take: all `full` of them in `make soak`, a tenth elsewhere.
pub fn soak(full: usize) -> usize {
    match std::env::var_os("PROVOST_SOAK") {
        Some(_) => full,
        None => full.div_ceil(10),
    }
}

/// Counts the sessions of the test's database that wait for a lock.
pub const WAITING_FOR_LOCKS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// The number that a statement answers.
pub fn count(app: &TestApp, statement: &'static str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let reading = provost::app::Acting::system("test");
    let rows: Vec<Row> = app
        .app
        .read_blocking(&reading, |tx| {
            Ok(diesel::RunQueryDsl::load(
                provost::sql!("{statement}", statement = provost::db::sql::Fixed(statement)),
                tx.conn,
            )?)
        })
        .unwrap();
    rows[0].count
}
