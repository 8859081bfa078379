//! Files of the ledger that are verified offline, and payloads that were erased.

use actix_web::http::Method;
use chrono::TimeDelta;
use provost::{
    access::sessions::retention::EraseSignIns,
    app::Acting,
    http::jwk::JwkSet,
    ledger::{self, FileVerification, export, verify_file},
    sql,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

use super::add_person;
use crate::support::{TestApp, count, soak};

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

    app.write(|tx| tx.enqueue(&EraseSignIns {}));
    app.run_jobs();

    assert_eq!(count(&app, address), 1, "the recent one stays");
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
