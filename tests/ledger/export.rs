//! Files of the ledger that are verified offline, and payloads that were erased.

use std::{io::Write, sync::Arc, thread::JoinHandle};

use actix_web::http::Method;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use provost::{
    access::sessions::retention::EraseSignIns,
    app::{Acting, App},
    cli::worker,
    db::Fixed,
    http::jwk::JwkSet,
    jobs::Worker,
    ledger::{self, FileVerification, export, verify_file},
    sql,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use uuid::Uuid;

use super::add_person;
use crate::support::{TestApp, count, soak, wait_until};

fn exported(app: &TestApp, from: i64, to: Option<i64>) -> String {
    let mut file = Vec::new();
    export(&app.app, from, to, &mut file)
        .unwrap()
        .expect("something is sealed");
    String::from_utf8(file).unwrap()
}

async fn published(app: &TestApp) -> JwkSet {
    let keys = app.anonymous().get("/.well-known/ledger-keys.json").await;
    serde_json::from_value(keys.assert_status(200).json()).unwrap()
}

const LAST_HEAD: &str = "SELECT max(position) AS count FROM ledger_heads";

fn verify(file: &str, keys: &JwkSet) -> FileVerification {
    verify_file(file.as_bytes(), Some(keys))
}

#[actix_web::test]
async fn a_file_is_verified_with_nothing_but_the_published_keys() {
    let app = TestApp::start().await;
    add_person(&app, "ana").await;
    let first = exported(&app, 1, None);
    app.app.clock.advance(TimeDelta::days(100));
    add_person(&app, "béa").await;
    let whole = exported(&app, 1, None);
    let keys = published(&app).await;

    assert_eq!(keys.keys.len(), 2, "another key signs after 90 days");
    let found = verify(&whole, &keys);
    assert_eq!(found.fault, None);
    assert_eq!(
        found.checked,
        count(&app, "SELECT max(position) AS count FROM ledger_heads")
    );
    assert!(whole.len() > first.len());
    assert_eq!(verify(&first, &keys).fault, None);
    let tail = exported(&app, 5, None);
    assert_eq!(verify(&tail, &keys).fault, None);
    let middle = exported(&app, 2, Some(3));
    assert_eq!(
        verify(&middle, &keys).checked,
        verify(&first, &keys).position - 1,
        "up to the next signed head"
    );

    let heads = app
        .admin()
        .await
        .get("/v1/ledger/heads?sort=-position")
        .await
        .assert_status(200);
    let last: Value = serde_json::from_str(whole.lines().last().unwrap()).unwrap();
    let id = last["head"]["id"].as_str().unwrap();
    for altered in [
        whole.replace(id, &Uuid::now_v7().to_string()),
        whole.trim_end().to_owned(),
        whole.replacen("\"from\":1,", &format!("\"from\":{},", i64::MIN), 1),
        whole.replacen("\"from\":1,", &format!("\"from\":{},", i64::MAX), 1),
    ] {
        assert!(altered != whole);
        assert!(verify(&altered, &keys).fault.is_some());
    }
    assert_eq!(heads.at("/data/0/position"), json!(count(&app, LAST_HEAD)));
    let stranger = TestApp::start().await;
    exported(&stranger, 1, None);
    let fault = verify(&whole, &published(&stranger).await).fault.unwrap();
    assert_eq!(fault.position, 1, "{}", fault.detail);
    assert_eq!(count(&stranger, "SELECT count(*) FROM ledger_keys"), 1);
}

/// Changes `file` somehow; answers the first line that is not as it was.
fn attack(random: &mut StdRng, file: &str) -> (String, usize, String) {
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    let at = random.random_range(0..lines.len());
    let what = match random.random_range(0..6) {
        0 => {
            let place = random.random_range(0..lines[at].len());
            let mut bytes = lines[at].clone().into_bytes();
            let other = random.random_range(0x20..0x7f);
            bytes[place] = if bytes[place] == other { b'~' ^ 1 } else { other };
            lines[at] = String::from_utf8_lossy(&bytes).into_owned();
            "edited"
        }
        1 => {
            lines.remove(at);
            "deleted"
        }
        2 => {
            let other = lines[random.random_range(0..lines.len())].clone();
            lines.insert(at, other);
            "inserted"
        }
        3 => {
            lines.shuffle(random);
            "reordered"
        }
        4 => {
            lines.truncate(at);
            "cut short"
        }
        _ => {
            let mut kept = random.random_range(0..lines[at].len());
            while !lines[at].is_char_boundary(kept) {
                kept -= 1;
            }
            lines[at].truncate(kept);
            "cut in a line"
        }
    };
    let attacked = lines.iter().map(|line| format!("{line}\n")).collect();
    (attacked, at, what.to_owned())
}

#[actix_web::test]
async fn random_changes_of_a_file_are_found() {
    let app = TestApp::start().await;
    for username in ["ana", "bea", "cem"] {
        add_person(&app, username).await;
        exported(&app, 1, None);
    }
    let file = exported(&app, 1, None);
    let keys = published(&app).await;
    assert_eq!(verify(&file, &keys).fault, None);
    let positions: Vec<i64> = file
        .lines()
        .scan(0, |last, line| {
            let line: Value = serde_json::from_str(line).unwrap();
            *last = line["event"]["position"].as_i64().unwrap_or(*last);
            Some(*last)
        })
        .collect();
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..soak(1_000) {
        let (attacked, line, what) = attack(&mut random, &file);
        if attacked == file {
            continue;
        }
        let fault = verify(&attacked, &keys).fault;
        let fault = fault.unwrap_or_else(|| panic!("line {line} was {what}, and nobody noticed"));
        let position = positions[line];
        if what == "edited" && position > 0 {
            assert!(
                (position..=position + 1).contains(&fault.position),
                "line {line} (position {position}) was edited, and {fault:?}"
            );
        }
    }
}

async fn sign_in(app: &TestApp) {
    let form = b"grant_type=password&username=admin&password=a+long+password".to_vec();
    let kind = "application/x-www-form-urlencoded";
    app.anonymous()
        .send(Method::POST, "/oauth/token", Some(form), kind)
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn old_sign_ins_are_erased_and_the_chain_still_verifies() {
    let app =
        TestApp::start_with(|config| config.sign_ins_kept = std::time::Duration::from_secs(86_400)).await;
    app.admin().await;
    sign_in(&app).await;
    app.app.clock.advance(TimeDelta::days(2));
    sign_in(&app).await;
    let admin = app.admin().await;
    ledger::seal(&app.app).unwrap();
    let address = "SELECT count(*) FROM events WHERE action = 'session.started' AND after IS NOT NULL";
    assert_eq!(count(&app, address), 2);

    // What is gone when the walk comes by is named behind the end that it was to go to.
    let verification = admin
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    let jobs = "UPDATE jobs SET run_at = run_at + interval '1 minute' WHERE kind = 'ledger.verify'";
    app.write(|tx| {
        sql!("{jobs}", jobs = Fixed(jobs)).execute(tx.conn)?;
        tx.enqueue(&EraseSignIns {})
    });
    app.run_jobs();
    assert_eq!(count(&app, address), 1, "the recent one stays");
    app.app.clock.advance(TimeDelta::minutes(1));
    app.run_jobs();
    let verified = admin.get(verification.header("location").unwrap()).await;
    assert_eq!(verified.at("/result/intact"), json!(true), "{}", verified.text());

    let erased = admin
        .get("/v1/events?filter=action%20eq%20%22session.started%22%20and%20object_kind%20eq%20%22session%22")
        .await
        .assert_status(200);
    assert_eq!(erased.at("/data/0/after"), json!(null));
    assert_ne!(erased.at("/data/1/after"), json!(null));
    let told = admin
        .get("/v1/events?filter=action%20eq%20%22ledger.payloads_erased%22")
        .await
        .assert_status(200);
    let position = erased.at("/data/0/position");
    assert_eq!(
        told.at("/data/0/after/positions"),
        json!([{"first": position, "last": position}])
    );
    let mut conn = app.app.db.connection().unwrap();
    assert!(ledger::verify(&mut conn, 0).unwrap().intact);
    let file = exported(&app, 1, None);
    assert_eq!(verify(&file, &published(&app).await).fault, None);

    // The next time it goes on where it stopped.
    app.app.clock.advance(TimeDelta::days(2));
    app.write(|tx| tx.enqueue(&EraseSignIns {}));
    app.run_jobs();
    assert_eq!(count(&app, address), 0);
    let ranges = "SELECT sum(jsonb_array_length(after -> 'positions')) AS count FROM events
        WHERE action = 'ledger.payloads_erased'";
    assert_eq!(count(&app, ranges), 2);
    assert!(ledger::verify(&mut conn, 0).unwrap().intact);

    // A payload in the place of the one that was erased.
    let forged = "ALTER TABLE events DROP CONSTRAINT events_check;
        UPDATE events SET after = '{\"address\": \"192.0.2.1\"}' WHERE action = 'session.started'";
    conn.batch_execute(forged).unwrap();
    let found = ledger::verify(&mut conn, 0).unwrap();
    assert_eq!(found.fault.map(|fault| fault.position), position.as_i64());
    conn.batch_execute("UPDATE events SET after = NULL WHERE action = 'session.started'")
        .unwrap();

    // The same change without its event.
    app.app
        .write_blocking(&Acting::system("test"), |tx| {
            sql!(
                "UPDATE events SET before = NULL, after = NULL, reason = NULL, salt = NULL
                 WHERE action = 'user.created'"
            )
            .execute(tx.conn)?;
            Ok(())
        })
        .unwrap();
    let found = ledger::verify(&mut conn, 0).unwrap();
    let fault = found.fault.expect("it is found");
    assert!(fault.detail.contains("no later event says"), "{}", fault.detail);
    let fault = verify(&exported(&app, 1, None), &published(&app).await)
        .fault
        .expect("it is found");
    assert!(fault.detail.contains("no later event says"), "{}", fault.detail);
}

/// A file in the middle of which old sign-ins are erased.
struct Erasing<'a> {
    app: &'a TestApp,
    erasing: Option<JoinHandle<usize>>,
    file: Vec<u8>,
}

impl Write for Erasing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.erasing.is_none() {
            let app: Arc<App> = self.app.app.clone();
            let erasing = std::thread::spawn(move || Worker::drain(&app, worker::HANDLERS).unwrap());
            let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            wait_until("the job waits or is done", || {
                erasing.is_finished() || count(self.app, waiting) > 0
            });
            self.erasing = Some(erasing);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn no_payload_is_erased_while_a_file_is_written() {
    let app =
        TestApp::start_with(|config| config.sign_ins_kept = std::time::Duration::from_secs(86_400)).await;
    app.admin().await;
    sign_in(&app).await;
    app.app.clock.advance(TimeDelta::days(2));
    ledger::seal(&app.app).unwrap();
    app.write(|tx| tx.enqueue(&EraseSignIns {}));

    let mut erasing = Erasing {
        app: &app,
        erasing: None,
        file: Vec::new(),
    };
    export(&app.app, 1, None, &mut erasing).unwrap().unwrap();
    let file = String::from_utf8(std::mem::take(&mut erasing.file)).unwrap();
    erasing.erasing.take().unwrap().join().unwrap();

    let erased = "SELECT count(*) FROM events WHERE action = 'ledger.payloads_erased'";
    assert_eq!(count(&app, erased), 1);
    let keys = published(&app).await;
    assert_eq!(verify(&file, &keys).fault, None);
    assert_eq!(verify(&exported(&app, 1, None), &keys).fault, None);
}
