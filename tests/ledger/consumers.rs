//! Consumers: each event once in effect and in order, whatever fails.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use provost::{
    app::Tx,
    cli::worker,
    http::{ApiError, ApiResult},
    jobs::Worker,
    ledger::{self, Consumer, Event, EventKind, SealedEvent},
    sql,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    TestApp,
    app::app_of_process,
    count,
    process::{DATABASE, Process},
    soak, wait_until,
};

const DONE: EventKind = EventKind::new("test.done", "test", "Only in tests.");
const OTHER: EventKind = EventKind::new("test.other", "test", "Only in tests.");
const TOLD: EventKind = EventKind::new("test.told", "test", "Only in tests.");

fn note(tx: &mut Tx, consumer: &str, events: &[SealedEvent]) -> ApiResult<()> {
    let positions: Vec<i64> = events.iter().map(|event| event.position).collect();
    sql!(
        "INSERT INTO effects (consumer, position)
         SELECT {consumer}, position FROM unnest({positions}) WITH ORDINALITY AS told (position, place) ORDER BY place"
    )
    .execute(tx.conn)?;
    Ok(())
}

async fn start(consumers: &'static [Consumer]) -> TestApp {
    let app = TestApp::start_consuming(consumers).await;
    app.write(|tx| {
        sql!("CREATE TABLE effects (number serial, consumer text, position bigint)").execute(tx.conn)?;
        Ok(())
    });
    app
}

/// Records `many` events of the action, each in a request of its own, with others between them.
fn record(app: &TestApp, many: usize) {
    for _ in 0..many {
        app.write(|tx| {
            tx.record(Event::new(&OTHER, Uuid::now_v7()));
            tx.record(Event::new(&DONE, Uuid::now_v7()));
            Ok(())
        });
    }
    ledger::seal(&app.app).unwrap();
}

async fn lag(app: &TestApp, consumer: &str) -> i64 {
    let metrics = app.anonymous().get("/metrics").await.assert_status(200).text();
    let line = format!("provost_consumer_lag{{consumer=\"{consumer}\"}} ");
    let value = metrics.lines().find_map(|each| each.strip_prefix(&line));
    value.unwrap().parse().unwrap()
}

const EFFECTS: &str = "SELECT count(*) FROM effects";
const IN_ORDER: &str =
    "SELECT count(*) FROM (SELECT position, lag(position) OVER (PARTITION BY consumer ORDER BY number)
    AS before FROM effects) AS told WHERE before >= position";

#[actix_web::test]
async fn a_consumer_gets_the_events_that_it_wants_in_order_and_on_behalf_of_their_cause() {
    const STEADY: &[Consumer] = &[Consumer {
        name: "steady",
        kinds: &[DONE],
        react: |tx, events| {
            for event in events {
                let told = Event::new(&TOLD, event.object_id);
                tx.record(told.because(tx.caller.actor.on_behalf_of.map(|id| id.to_string())));
            }
            note(tx, "steady", events)
        },
    }];
    let app = start(STEADY).await;
    let person = Uuid::now_v7();
    let acting = provost::app::Acting::system_on_behalf_of(Some(person), "a request");
    app.app
        .write_blocking(&acting, |tx| {
            tx.record(Event::new(&DONE, Uuid::now_v7()));
            Ok(())
        })
        .unwrap();
    ledger::seal(&app.app).unwrap();
    record(&app, 3);

    assert_eq!(
        lag(&app, "steady").await,
        2 * 4 - 1,
        "from the first that it wants"
    );
    app.run_jobs();

    assert_eq!((count(&app, EFFECTS), count(&app, IN_ORDER)), (4, 0));
    app.write(|tx| {
        tx.record(Event::new(&OTHER, Uuid::now_v7()));
        Ok(())
    });
    ledger::seal(&app.app).unwrap();
    assert_eq!(lag(&app, "steady").await, 0, "it does not want that one");
    let caused = "SELECT count(*) FROM events
        WHERE action = 'test.told' AND reason IS NOT NULL AND request_id = 'a request' AND on_behalf_of::text = reason";
    assert_eq!(count(&app, caused), 1);
    app.run_jobs();
    assert_eq!(count(&app, EFFECTS), 4);
}

#[actix_web::test]
async fn an_event_that_fails_ten_times_is_set_aside_and_can_be_retried() {
    /// The failing consumer fails while this is 0.
    static REPAIRED: AtomicUsize = AtomicUsize::new(0);
    const CONSUMERS: &[Consumer] = &[
        Consumer {
            name: "failing",
            kinds: &[DONE],
            react: |tx, events| {
                note(tx, "failing", events)?;
                let is_bad = |event: &SealedEvent| event.after == Some(json!({"is_bad": true}));
                match events.iter().any(is_bad) && REPAIRED.load(Ordering::Relaxed) == 0 {
                    true => panic!("this one is bad"),
                    false => Ok(()),
                }
            },
        },
        Consumer {
            name: "steady",
            kinds: &[DONE],
            react: |tx, events| note(tx, "steady", events),
        },
    ];
    let app = start(CONSUMERS).await;
    let admin = app.admin().await;
    app.write(|tx| {
        for is_bad in [false, true, false] {
            tx.record(Event::new(&DONE, Uuid::now_v7()).after(&json!({"is_bad": is_bad})));
        }
        Ok(())
    });
    app.run_jobs();
    let of = |consumer: &'static str| {
        let statement = match consumer {
            "steady" => "SELECT count(*) FROM effects WHERE consumer = 'steady'",
            _ => "SELECT count(*) FROM effects WHERE consumer = 'failing'",
        };
        count(&app, statement)
    };
    assert_eq!((of("failing"), of("steady")), (1, 3), "later events wait");
    let metrics = app.anonymous().get("/metrics").await.assert_status(200).text();
    assert!(
        metrics.contains("provost_consumer_failures{consumer=\"failing\"} 1"),
        "{metrics}"
    );
    let waiting = admin.get("/v1/set-aside-events").await.assert_status(200);
    assert_eq!(waiting.at("/data"), json!([]));

    // Woken while it waits, it still tries again when it is time.
    record(&app, 1);
    app.run_jobs();
    for _ in 0..9 {
        app.app.clock.advance(TimeDelta::minutes(3));
        app.run_jobs();
    }

    assert_eq!((of("failing"), of("steady")), (3, 4), "it went on");
    let admin = app.admin().await;
    let page = admin.get("/v1/set-aside-events").await.assert_status(200);
    assert_eq!(page.at("/data").as_array().unwrap().len(), 1);
    assert_eq!(page.at("/data/0/consumer"), json!("failing"));
    assert_eq!(page.at("/data/0/attempts"), json!(10));
    let metrics = app.anonymous().get("/metrics").await.assert_status(200).text();
    assert!(
        metrics.contains("provost_events_set_aside{consumer=\"failing\"} 1"),
        "{metrics}"
    );
    let path = format!("/v1/set-aside-events/{}", page.at("/data/0/id").as_str().unwrap());
    admin
        .post(&format!("{path}/retry"), json!({}))
        .await
        .assert_status(200);
    app.run_jobs();
    assert_eq!(
        admin.get(&path).await.assert_status(200).at("/attempts"),
        json!(11)
    );

    REPAIRED.store(1, Ordering::Relaxed);
    admin
        .post(&format!("{path}/retry"), json!({}))
        .await
        .assert_status(200);
    app.run_jobs();
    assert_eq!(of("failing"), 4);
    admin.get(&path).await.assert_problem(404, "not_found");
}

/// Fails now and then, once its effect is written.
fn flaky(tx: &mut Tx, consumer: &str, events: &[SealedEvent]) -> ApiResult<()> {
    note(tx, consumer, events)?;
    match rand::random_range(0..20) {
        0 => Err(ApiError::internal("a failure now and then")),
        1 => panic!("a panic now and then"),
        _ => Ok(()),
    }
}

const FLAKY: &[Consumer] = &[
    Consumer {
        name: "one",
        kinds: &[DONE],
        react: |tx, events| flaky(tx, "one", events),
    },
    Consumer {
        name: "two",
        kinds: &[DONE],
        react: |tx, events| flaky(tx, "two", events),
    },
];

/// A worker of [`FLAKY`] in a process of its own, for [`killed_at_random_consumers_take_effect_once`]; nothing where no test
/// started it.
#[test]
fn process_of_flaky_consumers() {
    if let Ok(url) = std::env::var(DATABASE) {
        let app = app_of_process(&url, FLAKY);
        let _worker = worker::start(&app).unwrap();
        loop {
            std::thread::park();
        }
    }
}

#[actix_web::test]
async fn killed_at_random_consumers_take_effect_once() {
    let app = start(FLAKY).await;
    let begin = || Process::of_test("ledger::consumers::process_of_flaky_consumers", &app.database.url);
    let mut processes: Vec<Process> = (0..3).map(|_| begin()).collect();
    let kills = soak(100);
    for _ in 0..kills {
        record(&app, 5);
        let enough = count(&app, EFFECTS) + rand::random_range(1..8);
        wait_until("some events took effect", || count(&app, EFFECTS) >= enough);
        processes.remove(rand::random_range(0..3)).kill();
        processes.push(begin());
    }
    let all = 2 * 5 * kills as i64;
    wait_until("all events took effect", || count(&app, EFFECTS) >= all);
    drop(processes);
    Worker::drain(&app.app, worker::HANDLERS).unwrap();

    let distinct = "SELECT count(DISTINCT (consumer, position)) FROM effects";
    assert_eq!((count(&app, EFFECTS), count(&app, distinct)), (all, all));
    assert_eq!(count(&app, IN_ORDER), 0);
    assert_eq!(count(&app, "SELECT count(*) FROM set_aside_events"), 0);
    // The processes sealed, too, while they were killed.
    ledger::seal(&app.app).unwrap();
    let mut conn = app.app.db.connection().unwrap();
    assert_eq!(ledger::count_lost(&mut conn).unwrap(), 0);
    assert!(ledger::verify(&mut conn, 0).unwrap().intact);
}
