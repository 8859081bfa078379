use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use actix_web::rt::task::spawn_blocking;
use provost::{
    app::Acting,
    http::Code,
    ledger::{Event, EventKind},
    sql,
};
use uuid::Uuid;

use crate::support::{TestApp, count};

const WRITTEN: EventKind = EventKind::new("test.written", "test", "Only in tests.");

/// Somebody who was told that it took too long tries again, so the first attempt must not have counted.
#[actix_web::test]
async fn nothing_is_committed_after_the_client_gave_up() {
    let app = TestApp::start().await;
    let events = "SELECT count(*) AS count FROM events WHERE action = 'test.written'";
    let write = |deadline| {
        let acting = Acting {
            deadline: Some(deadline),
            ..Acting::system("test")
        };
        app.app.write_blocking(&acting, |tx| {
            sql!("SELECT 1").execute(tx.conn)?;
            tx.record(Event::new(&WRITTEN, Uuid::now_v7()));
            Ok(())
        })
    };

    let late = write(Instant::now()).unwrap_err();
    assert_eq!((late.code, count(&app, events)), (Code::Unavailable, 0));

    write(Instant::now() + Duration::from_secs(3_600)).unwrap();
    assert_eq!(count(&app, events), 1);
}

/// Fault 29.
#[actix_web::test]
async fn a_body_that_does_not_arrive_in_time_is_408_and_ends_the_connection() {
    let app = TestApp::start_with(|config| config.request_timeout = Duration::from_secs(2)).await;
    let admin = app.admin().await;
    admin.get("/v1/me").await.assert_status(200);
    let requests = [
        (
            "/v1/users",
            "application/json",
            "Content-Length: 1000",
            "{\"username\":",
        ),
        (
            "/v1/users",
            "application/json",
            "Transfer-Encoding: chunked",
            "3\r\n{\"u\r\n",
        ),
        (
            "/v1/imports?profile=hr",
            "text/csv",
            "Content-Length: 1000",
            "key,name\r\n",
        ),
        (
            "/oauth/token",
            "application/x-www-form-urlencoded",
            "Content-Length: 1000",
            "grant_type=",
        ),
        (
            "/scim/v2/Users",
            "application/scim+json",
            "Content-Length: 1000",
            "{",
        ),
    ];
    let mut answers = Vec::new();
    for (path, media_type, length, begun) in requests {
        let mut connection = TcpStream::connect(app.app.config.listen).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {}\r\n\
             Content-Type: {media_type}\r\n{length}\r\n\r\n{begun}",
            admin.token(),
            Uuid::now_v7(),
        );
        // Far beyond what it takes: a connection that stays open fails the test instead of holding it up.
        connection
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        answers.push(spawn_blocking(move || {
            connection.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            // Only the end of the connection ends this.
            connection.read_to_string(&mut answer).unwrap();
            (path, answer)
        }));
    }
    for answer in answers {
        let (path, answer) = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        assert!(
            answer.to_lowercase().contains("connection: close"),
            "{path}: {answer}"
        );
        assert!(answer.contains("did not arrive in time"), "{path}: {answer}");
        let is_problem = answer.contains("request_timeout") || path.starts_with("/scim");
        assert!(is_problem, "{path}: {answer}");
    }
}
