//! The real `provost` program, in a process of its own.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

/// Where a test that is a process of another test finds its database.
pub const DATABASE: &str = "PROVOST_TEST_PROCESS_OF";

/// A running `provost`; killed when the test ends before it.
pub struct Process(Child);

impl Process {
    /// Starts `provost` with these arguments on the database at `url`.
    pub fn start(url: &str, arguments: &[&str]) -> Self {
        Self::spawn(
            Command::new(env!("CARGO_BIN_EXE_provost"))
                .args(arguments)
                .env("DATABASE_URL", url)
                .env("PROVOST_FILES", std::env::temp_dir().join("provost-test-files")),
        )
    }

    /// Starts `provost` with these arguments on the private PostgreSQL of a data folder.
    pub fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(
            Command::new(env!("CARGO_BIN_EXE_provost"))
                .args(arguments)
                .env_remove("DATABASE_URL")
                .env("PROVOST_DATA_DIR", folder),
        )
    }

    /// Runs the test of that name in a process of its own, on the database at `url`, which it finds in [`DATABASE`].
    pub fn of_test(name: &str, url: &str) -> Self {
        let this = std::env::current_exe().expect("the path of the tests");
        Self::spawn(
            Command::new(this)
                .args(["--exact", name, "--nocapture"])
                .env(DATABASE, url)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
    }

    fn spawn(command: &mut Command) -> Self {
        let child = command
            .env("RUST_LOG", "warn")
            .env("PROVOST_CONTENT_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .spawn()
            .expect("the program starts");
        Process(child)
    }

    /// What `kill -9` does.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Tells it to stop, as a service manager does.
    pub fn terminate(&self) {
        let id = i32::try_from(self.0.id()).unwrap();
        // SAFETY: it is a child of ours that was not waited for, so the id is still its own.
        assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
    }

    pub fn wait(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Does nothing to one that has ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A port that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
