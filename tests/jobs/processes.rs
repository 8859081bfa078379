//! Real processes: killed in the middle, and told to stop under load.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use diesel::RunQueryDsl;
use provost::{
    jobs::store,
    ledger::{self, VerifyLedger},
    operations, sql,
};

use crate::support::{
    TestApp, count,
    process::{Process, free_address},
    wait_until,
};

const OPERATIONS: i64 = 100;
const SUCCEEDED: &str = "SELECT count(*) FROM operations WHERE status = 'succeeded'";

#[actix_web::test]
async fn kill_9_of_a_worker_loses_no_job_and_doubles_no_effect() {
    let app = TestApp::start().await;
    app.write(|tx| {
        (0..OPERATIONS).try_for_each(|_| {
            let operation_id = operations::begin(tx, "ledger.verification", None)?.id;
            let head = ledger::head(tx.conn)?;
            tx.enqueue(&VerifyLedger { operation_id, head })
        })
    });

    let first = Process::start(&app.database.url, &["worker"]);
    wait_until("some operations have succeeded", || count(&app, SUCCEEDED) >= 10);
    let taken = app.write(|tx| Ok(store::recover(tx.conn, tx.now)?));
    assert_eq!(taken, 0, "who lives keeps what it has");
    first.kill();
    assert!(count(&app, SUCCEEDED) < OPERATIONS, "it was killed in the middle");
    // Fault 30: nobody waits for the lease.
    app.write(|tx| {
        sql!("UPDATE jobs SET lease_until = 'infinity' WHERE state = 'running'").execute(tx.conn)?;
        Ok(())
    });

    let second = Process::start(&app.database.url, &["worker"]);
    wait_until("all operations have succeeded", || {
        count(&app, SUCCEEDED) == OPERATIONS
    });
    second.terminate();
    assert!(second.wait().success());

    ledger::seal(&app.app).unwrap();
    let effects = "SELECT count(*) FROM events WHERE action = 'operation.succeeded'";
    assert_eq!(count(&app, effects), OPERATIONS);
    assert_eq!(
        count(&app, "SELECT count(*) FROM jobs WHERE state <> 'succeeded'"),
        0
    );
    assert!(
        ledger::verify(&mut app.app.db.connection().unwrap(), 0)
            .unwrap()
            .intact
    );
}

#[actix_web::test]
async fn sigterm_under_load_answers_all_that_was_accepted() {
    let app = TestApp::start().await;
    let token = app.admin().await.token().to_owned();
    let address = free_address();
    let listen = address.to_string();
    // Tokens name the academy that they were issued for.
    let arguments = ["serve", "--listen", &listen, "--public-url", &app.address];
    let server = Process::start(&app.database.url, &arguments);
    wait_until("the server answers", || TcpStream::connect(address).is_ok());

    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|client| add_people(address, token.clone(), client, answered.clone()))
        .collect();
    wait_until("the load is on", || answered.load(Ordering::Relaxed) >= 50);
    server.terminate();
    let told: BTreeSet<String> = clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect();
    assert!(server.wait().success());

    let added = added(&app);
    assert!(added.len() >= 50);
    assert_eq!(added, told, "whoever was added, the client was told");
}

/// Adds people until the server closes the connection and takes no other; answers those whom the server said it had
/// added.
fn add_people(
    address: SocketAddr,
    token: String,
    client: usize,
    answered: Arc<AtomicUsize>,
) -> JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut added = Vec::new();
        while let Ok(mut connection) = TcpStream::connect(address) {
            loop {
                let username = format!("load-{client}-{}", added.len());
                match add_person(&mut connection, &token, &username) {
                    Some(answer) => {
                        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
                        added.push(username);
                        answered.fetch_add(1, Ordering::Relaxed);
                        if answer.to_ascii_lowercase().contains("connection: close") {
                            break;
                        }
                    }
                    // Closed before the server read the request: it may be sent to another server.
                    None => break,
                }
            }
        }
        added
    })
}

/// The answer's head; none if the connection was closed without a word.
fn add_person(connection: &mut TcpStream, token: &str, username: &str) -> Option<String> {
    let body = format!(r#"{{"username":"{username}","given_name":"Ana","family_name":"Silva"}}"#);
    let request = format!(
        "POST /v1/users HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = connection.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            assert!(answer.is_empty(), "an answer was cut off");
            return None;
        }
        answer.extend_from_slice(&buffer[..read]);
        if let Some(head) = complete_head(&answer) {
            return Some(head);
        }
    }
}

/// The head, once the body is there too.
fn complete_head(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length:")?
            .trim()
            .parse()
            .ok()
    });
    (body.len() >= length.unwrap_or(0)).then(|| head.to_owned())
}

fn added(app: &TestApp) -> BTreeSet<String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        username: String,
    }
    let rows: Vec<Row> =
        app.write(|tx| Ok(sql!("SELECT username FROM users WHERE username LIKE 'load-%'").load(tx.conn)?));
    rows.into_iter().map(|row| row.username).collect()
}
