use std::time::{Duration, Instant};

use provost::{app::Acting, http::Code, ledger::Event, sql};
use uuid::Uuid;

use crate::support::{TestApp, count};

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
            sql!["SELECT 1"].execute(tx.conn)?;
            tx.record(Event::new("test.written", "test", Uuid::now_v7()));
            Ok(())
        })
    };

    let late = write(Instant::now()).unwrap_err();
    assert_eq!((late.code, count(&app, events)), (Code::Unavailable, 0));

    write(Instant::now() + Duration::from_secs(3_600)).unwrap();
    assert_eq!(count(&app, events), 1);
}
