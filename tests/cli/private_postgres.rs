//! Processes that come and go on one data folder share its private PostgreSQL.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::support::{
    process::{Process, free_address},
    wait_until,
};

/// A folder that PostgreSQL's user can enter; it goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("provost-private-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
        Scratch(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// What PostgreSQL says of itself while it lives: its process id and when it was started.
    fn postgres(&self) -> Option<String> {
        let text = fs::read_to_string(self.data().join("cluster/postmaster.pid")).ok()?;
        Some(text.lines().take(3).collect())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn serve(data: &Path) -> (Process, SocketAddr) {
    let address = free_address();
    let server = Process::start_in(data, &["serve", "--listen", &address.to_string()]);
    (server, address)
}

/// The status that `/readyz` answers, which asks the database.
fn readiness(address: SocketAddr) -> Option<u16> {
    let mut connection = TcpStream::connect(address).ok()?;
    let request = "GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

fn wait_until_ready(address: SocketAddr) {
    wait_until("the server is ready", || readiness(address) == Some(200));
}

#[test]
fn servers_that_take_turns_on_a_data_folder_answer_all_the_time_and_the_last_stops_postgres() {
    let scratch = Scratch::new();
    let (first, address) = serve(&scratch.data());
    wait_until_ready(address);
    let (second, address) = serve(&scratch.data());
    wait_until_ready(address);
    let postgres = scratch.postgres();
    assert!(postgres.is_some());

    // The one that started PostgreSQL ends under the other's load.
    let is_over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let load = thread::spawn({
        let (is_over, answered) = (is_over.clone(), answered.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(readiness(address), Some(200));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    wait_until("the load is on", || answered.load(Ordering::Relaxed) > 10);
    first.terminate();
    assert!(first.wait().success());
    let until_then = answered.load(Ordering::Relaxed);
    wait_until("more is answered", || {
        load.is_finished() || answered.load(Ordering::Relaxed) > until_then + 10
    });
    is_over.store(true, Ordering::Relaxed);
    load.join().unwrap();
    assert_eq!(scratch.postgres(), postgres);

    // A command beside it leaves PostgreSQL running.
    assert!(Process::start_in(&scratch.data(), &["migrate"]).wait().success());
    assert_eq!(scratch.postgres(), postgres);

    // Another comes while the second stops, and has a PostgreSQL whichever way that ends.
    second.terminate();
    let (third, address) = serve(&scratch.data());
    assert!(second.wait().success());
    wait_until_ready(address);
    third.terminate();
    assert!(third.wait().success());
    assert_eq!(scratch.postgres(), None);

    // A command that is alone brings PostgreSQL and takes it along.
    assert!(Process::start_in(&scratch.data(), &["doctor"]).wait().success());
    assert_eq!(scratch.postgres(), None);
}
