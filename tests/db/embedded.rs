//! The private server through its life: first start, restart, sharing, kill, and what is left behind.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
};
use percent_encoding::percent_decode_str;
use provost::db::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedPostgres};
use uuid::Uuid;

use crate::support::wait_until;

/// A folder in the system's temporary folder, which the server's user can enter. Gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let path = env::temp_dir().join(format!("provost-embedded-{}", Uuid::now_v7().simple()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
        Scratch(path)
    }

    fn options(&self) -> EmbeddedOptions {
        options(self.0.join("data"))
    }

    /// The process id of the server that lives.
    fn server(&self) -> Option<i32> {
        let file = self.options().data_dir.join("cluster/postmaster.pid");
        let id = fs::read_to_string(file).ok()?.lines().next()?.parse().ok()?;
        // SAFETY: kill takes no pointers, and sends nothing here.
        (unsafe { libc::kill(id, 0) } == 0).then_some(id)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn options(data_dir: PathBuf) -> EmbeddedOptions {
    EmbeddedOptions {
        durable: false,
        max_connections: 20,
        shared_buffers_mb: 16,
        ..EmbeddedOptions::new(data_dir)
    }
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

fn connect(server: &EmbeddedPostgres) -> PgConnection {
    PgConnection::establish(&server.url("provost")).unwrap()
}

fn ask(server: &EmbeddedPostgres, query: &str) -> String {
    sql_query(query)
        .get_result::<Text>(&mut connect(server))
        .unwrap()
        .value
}

fn write_note(server: &EmbeddedPostgres) {
    connect(server)
        .batch_execute("CREATE TABLE notes (value text); INSERT INTO notes VALUES ('kept')")
        .unwrap();
}

/// Where the server's socket is.
fn socket_folder(server: &EmbeddedPostgres) -> PathBuf {
    let url = server.url("provost");
    let (_, host) = url.split_once('@').unwrap();
    let (host, _) = host.split_once(':').unwrap();
    percent_decode_str(host)
        .decode_utf8()
        .unwrap()
        .into_owned()
        .into()
}

fn is_root() -> bool {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn read_note(server: &EmbeddedPostgres) -> String {
    ask(server, "SELECT value FROM notes")
}

/// A process of the server's user that lives until it is dropped.
struct Bystander(Child);

impl Bystander {
    fn of(options: &EmbeddedOptions, folder: &Path) -> Bystander {
        let cluster = fs::metadata(options.data_dir.join("cluster")).unwrap();
        let mut command = Command::new("cat");
        command.current_dir(folder).stdin(Stdio::piped());
        if is_root() {
            command.uid(cluster.uid()).gid(cluster.gid());
        }
        Bystander(command.spawn().unwrap())
    }

    /// Writes the files of a server that had this process's number.
    fn leave_pid_files(&self, options: &EmbeddedOptions) {
        let text = format!(
            "{}\n{}\n1\n5432\n",
            self.0.id(),
            options.data_dir.join("cluster").display()
        );
        fs::write(options.data_dir.join("cluster/postmaster.pid"), &text).unwrap();
        fs::write(options.data_dir.join("run/.s.PGSQL.5432.lock"), &text).unwrap();
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_first_start_creates_and_the_second_keeps() {
    let scratch = Scratch::new();
    // What a start that was cut off leaves.
    fs::create_dir_all(scratch.options().data_dir.join("cluster.new/base")).unwrap();

    let first = EmbeddedPostgres::start(&scratch.options()).unwrap();
    assert_eq!(ask(&first, "SELECT lower('ÉŁ') AS value"), "éł");
    assert_eq!(
        ask(&first, "SELECT current_setting('listen_addresses') AS value"),
        ""
    );
    write_note(&first);
    first.stop();
    assert_eq!(scratch.server(), None);

    let second = EmbeddedPostgres::start(&scratch.options()).unwrap();
    assert_eq!(read_note(&second), "kept");
}

#[test]
fn all_share_one_server_that_ends_with_the_last() {
    let scratch = Scratch::new();
    let starts: Vec<_> = (0..3)
        .map(|_| {
            thread::spawn({
                let options = scratch.options();
                move || EmbeddedPostgres::start(&options).unwrap()
            })
        })
        .collect();
    let mut servers: Vec<EmbeddedPostgres> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    let server = scratch.server();
    write_note(&servers[0]);

    while servers.len() > 1 {
        servers.remove(0).stop();
        assert_eq!(read_note(&servers[0]), "kept");
        assert_eq!(scratch.server(), server);
    }
    drop(servers);
    assert_eq!(scratch.server(), None);
}

#[test]
fn a_start_while_others_stop_has_a_server_that_stays() {
    let scratch = Scratch::new();
    write_note(&EmbeddedPostgres::start(&scratch.options()).unwrap());

    let users: Vec<_> = (0..4)
        .map(|_| {
            let options = scratch.options();
            thread::spawn(move || {
                for _ in 0..3 {
                    let server = EmbeddedPostgres::start(&options).unwrap();
                    assert_eq!(read_note(&server), "kept");
                    server.stop();
                }
            })
        })
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());

    assert_eq!(scratch.server(), None);
}

#[test]
fn a_server_that_is_killed_is_started_again() {
    let scratch = Scratch::new();
    let first = EmbeddedPostgres::start(&scratch.options()).unwrap();
    let second = EmbeddedPostgres::start(&scratch.options()).unwrap();
    write_note(&first);
    // A server without durability keeps no more than this through a kill.
    connect(&first).batch_execute("CHECKPOINT").unwrap();

    let killed = scratch.server().unwrap();
    // SAFETY: kill takes no pointers; the server is ours and alive.
    assert_eq!(unsafe { libc::kill(killed, libc::SIGKILL) }, 0);
    wait_until("another server runs", || {
        scratch.server().is_some_and(|server| server != killed)
    });

    wait_until("it takes connections", || {
        PgConnection::establish(&first.url("provost")).is_ok()
    });
    assert_eq!(read_note(&second), "kept");
    first.stop();
    assert_eq!(read_note(&second), "kept");
    second.stop();
    assert_eq!(scratch.server(), None);
}

#[test]
fn a_stale_pid_file_whose_number_is_in_use_again_is_cleared() {
    let scratch = Scratch::new();
    let options = scratch.options();
    EmbeddedPostgres::start(&options).unwrap().stop();
    let bystander = Bystander::of(&options, Path::new("/"));
    bystander.leave_pid_files(&options);

    let server = EmbeddedPostgres::start(&options).unwrap();

    assert_eq!(ask(&server, "SELECT current_user::text AS value"), "provost");
}

#[test]
fn a_server_that_somebody_started_by_hand_is_left_alone() {
    let scratch = Scratch::new();
    let options = scratch.options();
    EmbeddedPostgres::start(&options).unwrap().stop();
    let cluster = options.data_dir.canonicalize().unwrap().join("cluster");
    let mut byhand = Bystander::of(&options, &cluster);
    byhand.leave_pid_files(&options);

    let error = EmbeddedPostgres::start(&options).unwrap_err();

    assert!(matches!(error, EmbeddedError::ForeignServer { .. }), "{error}");
    assert!(cluster.join("postmaster.pid").exists());
    assert!(byhand.0.try_wait().unwrap().is_none());
}

const CHILD_FOLDER: &str = "PROVOST_TEST_CHILD_FOLDER";

/// Not a test of its own: the process that the next test kills. It uses a server until then.
#[test]
fn child_that_uses_a_server() {
    let Some(folder) = env::var_os(CHILD_FOLDER) else {
        return;
    };
    let _server = EmbeddedPostgres::start(&options(folder.into())).unwrap();
    println!("\nready");
    loop {
        thread::park();
    }
}

/// A process of its own that uses the folder's server.
fn start_child(scratch: &Scratch) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "db::embedded::child_that_uses_a_server", "--nocapture"])
        .env(CHILD_FOLDER, &scratch.options().data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_server_outlives_the_killed_process_that_started_it_while_another_uses_it() {
    let scratch = Scratch::new();
    let child = start_child(&scratch);
    let server = scratch.server();
    let user = EmbeddedPostgres::start(&scratch.options()).unwrap();
    write_note(&user);

    kill(child);

    assert_eq!(read_note(&user), "kept");
    assert_eq!(scratch.server(), server);
    user.stop();
    assert_eq!(scratch.server(), None);
}

#[test]
fn a_server_ends_when_the_last_that_uses_it_is_killed() {
    let scratch = Scratch::new();
    let children = [start_child(&scratch), start_child(&scratch)];
    write_note(&EmbeddedPostgres::start(&scratch.options()).unwrap());
    assert!(scratch.server().is_some());

    children.into_iter().for_each(kill);

    wait_until("the server has ended", || scratch.server().is_none());
    let server = EmbeddedPostgres::start(&scratch.options()).unwrap();
    assert_eq!(read_note(&server), "kept");
}

#[test]
fn a_path_that_does_not_suit_a_socket_gets_its_socket_elsewhere() {
    let scratch = Scratch::new();
    for name in ["long ".repeat(24), "a,\"b".to_owned()] {
        let server = EmbeddedPostgres::start(&options(scratch.0.join(name))).unwrap();

        let socket_folder = socket_folder(&server);
        assert!(socket_folder.starts_with("/tmp/") && !socket_folder.starts_with(&scratch.0));
        assert_eq!(ask(&server, "SELECT 'there' AS value"), "there");

        server.stop();
        fs::remove_dir(socket_folder).unwrap();
    }
}

#[test]
fn a_folder_with_odd_characters_works() {
    let scratch = Scratch::new();
    let server = EmbeddedPostgres::start(&options(scratch.0.join("a b%?ä'\\;"))).unwrap();
    assert!(socket_folder(&server).starts_with(scratch.0.canonicalize().unwrap()));
    assert_eq!(ask(&server, "SELECT 'there' AS value"), "there");
}

/// Only root changes users, hence an ordinary user has nothing to check here.
#[test]
fn a_folder_that_the_server_user_cannot_enter_is_named_with_the_mend() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let home = scratch.0.join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();

    let error = EmbeddedPostgres::start(&options(home.join("data")))
        .unwrap_err()
        .to_string();

    assert!(
        error.contains(&format!("chmod o+x {}", home.canonicalize().unwrap().display())),
        "{error}"
    );
}
