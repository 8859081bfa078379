//! Sealing, the feed, verification.

mod consumers;
mod export;
mod instants;
mod kinds;
mod ways;

use actix_web::rt::task::spawn_blocking;
use provost::{authz::Permission, ledger, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{TestApp, count, soak};

const DONE: ledger::EventKind = ledger::EventKind::new("test.done", "test", "Only in tests.");

async fn add_person(app: &TestApp, username: &str) -> Uuid {
    let person = json!({"username": username, "given_name": "Ana", "family_name": "Silva"});
    let added = app
        .admin()
        .await
        .post("/v1/users", person)
        .await
        .assert_status(201);
    Uuid::parse_str(&added.id()).unwrap()
}

fn positions(page: &Value) -> Vec<i64> {
    let events = page["data"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["position"].as_i64().unwrap())
        .collect()
}

#[actix_web::test]
async fn positions_have_no_gaps_though_writers_and_sealers_run_at_random() {
    let app = TestApp::start().await;
    let many = soak(64);
    let writers = (0..many).map(|_| {
        let app = app.app.clone();
        spawn_blocking(move || {
            for _ in 0..40 {
                let acting = provost::app::Acting::system("test");
                app.write_blocking(&acting, |tx| {
                    tx.record(ledger::Event::new(&DONE, Uuid::now_v7()));
                    tx.record(ledger::Event::new(&DONE, Uuid::now_v7()));
                    Ok(())
                })
                .unwrap();
                ledger::seal(&app).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }

    assert_eq!(
        count(&app, "SELECT count(*) FROM events WHERE action = 'test.done'"),
        80 * many as i64
    );
    assert_eq!(count(&app, "SELECT count(*) FROM unsealed_events"), 0);
    assert_eq!(
        count(&app, "SELECT max(position) AS count FROM ledger_entries"),
        count(&app, "SELECT count(*) FROM events")
    );
    let found = ledger::verify(&mut app.app.db.connection().unwrap(), 0).unwrap();
    assert_eq!((found.intact, found.checked), (true, found.head.position));
    let tail = ledger::verify(&mut app.app.db.connection().unwrap(), 100).unwrap();
    assert_eq!((tail.intact, tail.checked), (true, found.head.position - 100));
}

#[actix_web::test]
async fn digests_are_of_what_postgresql_prints_for_the_payload_as_an_array() {
    let app = TestApp::start().await;
    add_person(&app, "ana").await;
    app.write(|tx| {
        let event = ledger::Event::new(&DONE, Uuid::now_v7())
            .after(&json!({"title": "A \"title\"\n", "of": [null, 1.50]}));
        tx.record(event.because(Some("A \"reason\"\\\n".into())));
        Ok(())
    });

    let digests = "SELECT count(*) FILTER (WHERE digest = sha256(salt
            || convert_to(jsonb_build_array(before, after, reason)::text, 'UTF8'))) AS count FROM events";
    assert_eq!(count(&app, digests), count(&app, "SELECT count(*) FROM events"));
}

#[actix_web::test]
async fn a_reader_goes_on_where_it_stopped() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add_person(&app, "ana").await;
    app.run_jobs();

    let first = admin.get("/v1/events?limit=2").await.assert_status(200);
    assert_eq!(positions(&first.json()), [1, 2]);
    let cursor = first.at("/next_cursor").as_str().unwrap().to_owned();
    assert_eq!(
        positions(
            &admin
                .get(&format!("/v1/events?limit=1&cursor={cursor}"))
                .await
                .json()
        ),
        [3]
    );

    let latest = admin.get("/v1/events?limit=1&sort=-position").await;
    let last = positions(&latest.json())[0];
    assert_eq!(latest.at("/data/0/action"), json!("user.created"));
    let nothing = admin
        .get(&format!("/v1/events?after={last}"))
        .await
        .assert_status(200);
    assert_eq!(
        (nothing.at("/data"), nothing.at("/next_cursor")),
        (json!([]), json!(null))
    );

    let bea = add_person(&app, "bea").await;
    let unsealed = admin.get(&format!("/v1/events?after={last}")).await;
    assert_eq!(
        unsealed.at("/data"),
        json!([]),
        "what has no position is not in the feed yet"
    );
    app.run_jobs();
    let more = admin.get(&format!("/v1/events?after={last}")).await;
    assert_eq!(positions(&more.json()), [last + 1]);
    assert_eq!(more.at("/data/0/object_id"), json!(bea));

    let path = format!("/v1/events/{}", more.at("/data/0/id").as_str().unwrap());
    assert_eq!(
        admin.get(&path).await.assert_status(200).json(),
        more.at("/data/0")
    );
    admin
        .get("/v1/events?after=-1")
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?after");
    admin
        .get("/v1/events?filter=before%20pr")
        .await
        .assert_problem(400, "invalid_filter");
}

#[actix_web::test]
async fn the_feed_shows_a_narrow_scope_its_own_people_only() {
    let app = TestApp::start().await;
    let (ana, _bea) = (add_person(&app, "ana").await, add_person(&app, "bea").await);
    let unit = Uuid::now_v7();
    app.write(|tx| {
        sql!(
            "INSERT INTO org_units (id, code, code_folded, name, name_folded, created_at, updated_at)
             VALUES ({unit}, 'u', 'u', 'U', 'u', {tx.now}, {tx.now})"
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO org_unit_closure (ancestor_id, descendant_id, depth) SELECT id, id, 0
             FROM org_units WHERE id = {unit} ON CONFLICT DO NOTHING"
        )
        .execute(tx.conn)?;
        sql!("UPDATE users SET org_unit_id = {unit} WHERE id = {ana}").execute(tx.conn)?;
        Ok(())
    });
    app.run_jobs();
    let narrow = app.holding(&[Permission::EventsRead], "org_unit", Some(unit));

    let seen = narrow.get("/v1/events").await.assert_status(200);

    assert_eq!(seen.at("/data").as_array().unwrap().len(), 1);
    assert_eq!(seen.at("/data/0/user_id"), json!(ana));
    narrow.get("/v1/ledger").await.assert_problem(403, "forbidden");
    narrow
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_problem(403, "forbidden");
    let other = app
        .admin()
        .await
        .get("/v1/events?filter=object_kind%20eq%20%22role%22&limit=1")
        .await;
    let path = format!("/v1/events/{}", other.at("/data/0/id").as_str().unwrap());
    narrow.get(&path).await.assert_problem(404, "not_found");
    app.holding(&[Permission::UsersRead], "everything", None)
        .get("/v1/events")
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn an_event_that_was_tampered_with_is_found() {
    let app = TestApp::start().await;
    let ana = add_person(&app, "ana").await;
    app.run_jobs();
    assert_eq!(verification(&app).await["intact"], json!(true));

    let tampering = [
        "UPDATE events SET after = jsonb_set(after, '{given_name}', '\"Eva\"') WHERE user_id = ",
        "UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' WHERE user_id = ",
        "UPDATE events SET actor_id = NULL WHERE user_id = ",
        "DELETE FROM events WHERE user_id = ",
    ];
    for statement in tampering {
        let position = position_of(&app, ana);
        let kept = "CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM events";
        app.write(|tx| {
            sql!("{kept}", kept = provost::db::sql::Fixed(kept)).execute(tx.conn)?;
            sql!("{statement}{ana}", statement = provost::db::sql::Fixed(statement)).execute(tx.conn)?;
            Ok(())
        });
        let found = ledger::verify(&mut app.app.db.connection().unwrap(), 0).unwrap();
        assert_eq!(
            found.fault.map(|fault| fault.position),
            Some(position),
            "{statement}"
        );
        app.write(|tx| {
            sql!("DELETE FROM events WHERE user_id = {ana}").execute(tx.conn)?;
            sql!("INSERT INTO events SELECT * FROM kept WHERE user_id = {ana}").execute(tx.conn)?;
            Ok(())
        });
    }
    assert!(
        ledger::verify(&mut app.app.db.connection().unwrap(), 0)
            .unwrap()
            .intact
    );
}

#[actix_web::test]
async fn a_chain_that_was_cut_short_is_found() {
    let app = TestApp::start().await;
    add_person(&app, "ana").await;
    app.run_jobs();
    app.write(|tx| {
        sql!("DELETE FROM ledger_entries WHERE position = (SELECT position FROM ledger_head)")
            .execute(tx.conn)?;
        Ok(())
    });

    let found = verification(&app).await;

    assert_eq!(found["intact"], json!(false));
    assert_eq!(found["fault"]["position"], found["head"]["position"]);
}

#[actix_web::test]
async fn what_somebody_put_behind_the_end_or_took_from_the_sealer_is_found() {
    let app = TestApp::start().await;
    let ana = add_person(&app, "ana").await;
    app.run_jobs();
    app.write(|tx| {
        sql!(
            "INSERT INTO ledger_entries SELECT (SELECT position FROM ledger_head) + 1, hash, event_id, user_id,
                recorded_at, actor_kind, actor_id, on_behalf_of, request_id, action, object_kind, object_id
             FROM ledger_entries WHERE user_id = {ana}"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let mut conn = app.app.db.connection().unwrap();
    let found = ledger::verify(&mut conn, 0).unwrap();
    let behind = found.fault.map(|fault| fault.position);
    assert_eq!(behind, Some(found.head.position + 1));

    assert_eq!(ledger::count_lost(&mut conn).unwrap(), 0);
    app.write(|tx| {
        sql!("DELETE FROM ledger_entries WHERE position > (SELECT position FROM ledger_head)")
            .execute(tx.conn)?;
        tx.record(ledger::Event::new(&DONE, Uuid::now_v7()));
        Ok(())
    });
    assert_eq!(ledger::count_lost(&mut conn).unwrap(), 0);
    app.write(|tx| {
        sql!("DELETE FROM unsealed_events").execute(tx.conn)?;
        Ok(())
    });
    assert_eq!(ledger::count_lost(&mut conn).unwrap(), 1);
}

#[actix_web::test]
async fn a_chain_that_differs_from_its_signed_heads_is_found() {
    let app = TestApp::start().await;
    app.write(|tx| tx.enqueue(&ledger::SignHead {}));
    ledger::seal(&app.app).unwrap();
    app.run_jobs();
    let mut conn = app.app.db.connection().unwrap();
    assert!(ledger::verify(&mut conn, 0).unwrap().intact);
    let position = count(&app, "SELECT max(position) AS count FROM ledger_heads");

    for altered in [
        "signed_at = signed_at + interval '1 second'",
        "hash = sha256('another')",
    ] {
        app.write(|tx| {
            let altered = provost::db::Fixed(altered);
            sql!("UPDATE ledger_heads SET {altered}").execute(tx.conn)?;
            Ok(())
        });
        let fault = ledger::verify(&mut conn, 0).unwrap().fault;
        assert_eq!(fault.map(|fault| fault.position), Some(position), "{altered}");
    }
}

/// The result of an operation that verifies the ledger.
async fn verification(app: &TestApp) -> Value {
    let admin = app.admin().await;
    let begun = admin
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    app.run_jobs();
    let done = admin.get(begun.header("location").unwrap()).await;
    assert_eq!(done.at("/status"), json!("succeeded"));
    done.at("/result")
}

fn position_of(app: &TestApp, user: Uuid) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        position: i64,
    }
    let rows: Vec<Row> = app.write(|tx| {
        let select = sql!("SELECT position FROM ledger_entries WHERE user_id = {user}");
        Ok(diesel::RunQueryDsl::load(select, tx.conn)?)
    });
    rows[0].position
}

#[actix_web::test]
async fn an_event_shows_a_built_in_role_as_an_object() {
    let app = TestApp::start().await;
    app.run_jobs();

    let events = app
        .admin()
        .await
        .get("/v1/events?filter=object_kind%20eq%20%22role%22&limit=200")
        .await
        .assert_status(200);

    let events = events.json()["data"].as_array().unwrap().clone();
    assert!(!events.is_empty());
    for event in events {
        assert!(event["after"]["permissions"].is_array(), "{event}");
    }
}
