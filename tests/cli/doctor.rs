use std::{
    net::TcpListener,
    process::{Command, Output},
};

use awc::http::Method;
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use provost::{access::keys, app::Acting, sql};
use serde_json::json;

use crate::{
    enrollment::fixture::{course, person, rule},
    support::{TestApp, app::migrate, postgres},
};

/// A run of `provost doctor` on the database of that URL.
fn doctor(url: &str, settings: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command
        .arg("doctor")
        .args(arguments)
        .env("DATABASE_URL", url)
        .envs(settings.iter().copied());
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[actix_web::test]
async fn a_sound_installation_has_no_faults() {
    let app = TestApp::start().await;
    app.app
        .write_blocking(&Acting::system("test"), keys::ensure)
        .unwrap();

    let (code, out, err) = doctor(&app.database.url, &[], &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for part in [
        "settings",
        "database",
        "encoding",
        "connections",
        "clock",
        "migrations",
        "search",
        "collation",
        "signing keys",
        "ledger",
        "events",
        "fonts",
    ] {
        assert!(out.contains(&format!("ok     {part}:")), "{part} in {out}");
    }
}

#[actix_web::test]
async fn facts_that_break_a_rule_of_theirs_are_found() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P10D", &[fire]).await;
    person(&admin, "ana", "Production").await;
    let bea = person(&admin, "bea", "Production").await;
    admin
        .post("/v1/completions", json!({"user_id": bea, "course_id": fire}))
        .await
        .assert_status(201);
    let (_, out, _) = doctor(&app.database.url, &[], &["--data"]);
    for part in [
        "reasons",
        "due dates",
        "validity",
        "histories",
        "evidence",
        "cycles",
        "enrollments",
        "absences",
        "audiences",
    ] {
        assert!(out.contains(&format!("ok     {part}:")), "{part} in {out}");
    }
    app.write(|tx| {
        sql!("UPDATE requirements SET due_on = due_on + 5").execute(tx.conn)?;
        sql!("UPDATE requirement_reasons SET ended_at = {tx.now}").execute(tx.conn)?;
        sql!("UPDATE requirements SET valid_until = '2040-01-01' WHERE satisfied_at IS NOT NULL")
            .execute(tx.conn)?;
        sql!("UPDATE requirement_history SET superseded_at = superseded_at + interval '1 day'")
            .execute(tx.conn)?;
        Ok(())
    });
    let (_, out, _) = doctor(&app.database.url, &[], &["--data"]);
    assert!(
        out.contains("FAULT  reasons: it does not hold that every requirement"),
        "{out}"
    );
    assert!(out.contains("POST /v1/requirements/comparisons"), "{out}");
    for part in ["validity", "histories"] {
        assert!(out.contains(&format!("FAULT  {part}: it does not hold")), "{out}");
    }
    let (_, out, _) = doctor(&app.database.url, &[], &[]);
    assert!(!out.contains("reasons"), "{out}");
}

/// Fault 31.
#[test]
fn metrics_that_stand_open_are_told() {
    let database = postgres::create_database(migrate);
    let open = "PROVOST_METRICS_LISTEN or PROVOST_METRICS_TOKEN";
    for (settings, is_told) in [
        (&[("PROVOST_LISTEN", "0.0.0.0:8080")][..], true),
        (&[("PROVOST_LISTEN", "127.0.0.1:8080")], false),
        (
            &[
                ("PROVOST_LISTEN", "0.0.0.0:8080"),
                ("PROVOST_METRICS_TOKEN", "a-token-of-the-monitoring"),
            ],
            false,
        ),
        (
            &[
                ("PROVOST_LISTEN", "0.0.0.0:8080"),
                ("PROVOST_METRICS_LISTEN", "127.0.0.1:9090"),
            ],
            false,
        ),
    ] {
        let (_, out, _) = doctor(&database.url, settings, &[]);
        assert_eq!(out.contains(open), is_told, "{settings:?}: {out}");
    }
}

#[test]
fn each_fault_is_named_with_its_fix() {
    let database = postgres::create_database(migrate);
    let run = |statement: &str| {
        let mut conn = PgConnection::establish(&database.url).unwrap();
        conn.batch_execute(statement).unwrap();
        let (code, out, _) = doctor(&database.url, &[], &[]);
        assert_eq!(code, 1, "{statement}: {out}");
        assert_eq!(out.matches("FAULT").count(), out.matches("Fix:").count());
        out
    };

    let out = run("DELETE FROM signing_keys");
    assert!(out.contains("FAULT  signing keys: "), "{out}");
    let out = run("UPDATE __diesel_schema_migrations SET digest = '\\x00'");
    assert!(
        out.contains("FAULT  migrations: ") && out.contains("PROVOST_DATA_DIR"),
        "{out}"
    );
    let out = run("UPDATE ledger_head SET position = 7");
    assert!(
        out.contains("FAULT  ledger: The chain does not end at position 7"),
        "{out}"
    );
    assert!(
        out.contains("FAULT  events: 7 events are gone that were recorded."),
        "{out}"
    );
    let out = run("DROP EXTENSION pg_trgm CASCADE");
    assert!(
        out.contains("FAULT  search: The extension pg_trgm was removed"),
        "{out}"
    );
    // Fault 9.
    let out = run("UPDATE pg_collation SET collversion = '1' WHERE collname = 'provost_order'");
    assert!(
        out.contains("FAULT  collation: ") && out.contains("ALTER COLLATION provost_order REFRESH VERSION"),
        "{out}"
    );
    let out = run(
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    assert!(
        out.contains("FAULT  migrations: ") && out.contains("run `provost migrate`"),
        "{out}"
    );
}

// Fault 13.
#[test]
fn characters_of_names_that_no_font_has_are_named_with_the_folder() {
    let database = postgres::create_database(migrate);
    let mut conn = PgConnection::establish(&database.url).unwrap();
    conn.batch_execute(
        "INSERT INTO users (id, username, username_folded, given_name, given_name_folded, family_name, family_name_folded, status,
            created_at, updated_at)
         VALUES (gen_random_uuid(), 'a', 'a', '陈 e\u{301}喆', '', 'Ana \u{1F9E8}', '', 'active', now(), now())",
    )
    .unwrap();
    let (_, out, _) = doctor(&database.url, &[], &[]);
    assert!(out.contains("FAULT  fonts: ") && out.contains("U+1F9E8"), "{out}");
    assert!(
        out.contains("PROVOST_FONT_DIR")
            && out.contains("Noto Emoji (NotoEmoji-Regular.ttf)")
            && !out.contains("U+5586"),
        "{out}"
    );

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let (_, out, _) = doctor(&database.url, &[("PROVOST_FONT_DIR", folder)], &[]);
    assert!(out.contains(&format!("PROVOST_FONT_DIR ({folder})")), "{out}");
    conn.batch_execute("DELETE FROM users").unwrap();
    let (_, out, _) = doctor(&database.url, &[("PROVOST_FONT_DIR", folder)], &[]);
    assert!(
        out.contains("ok     fonts: ") && out.contains("Noto Sans Ogham"),
        "{out}"
    );

    let (code, _, err) = doctor(&database.url, &[("PROVOST_FONT_DIR", "/no/such/folder")], &[]);
    assert!(code == 2 && err.contains("PROVOST_FONT_DIR"), "{err}");
    let (code, _, err) = doctor(&database.url, &[("PROVOST_TIME_ZONE", "Mars/Base")], &[]);
    assert!(
        code == 2 && err.contains("PROVOST_TIME_ZONE") && err.contains("Europe/Lisbon"),
        "{err}"
    );
}

#[test]
fn a_database_of_another_encoding_or_without_letters_is_a_fault() {
    let database = postgres::create_database(migrate);
    let mut conn = PgConnection::establish(&database.url).unwrap();
    let own = database.url.rsplit('/').next().unwrap();
    let name = format!("{own}_other");
    let url = database.url.replace(own, &name);
    for (options, told) in [
        (
            "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
            "FAULT  encoding: The database's encoding is SQL_ASCII.",
        ),
        (
            "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
            "FAULT  encoding: The database's locale (LC_CTYPE)",
        ),
        (
            "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'und' LC_COLLATE 'C' LC_CTYPE 'C'",
            "FAULT  search: The database's LC_CTYPE is C",
        ),
    ] {
        conn.batch_execute(&format!("CREATE DATABASE {name} {options} TEMPLATE template0"))
            .unwrap();
        PgConnection::establish(&url)
            .unwrap()
            .batch_execute("CREATE EXTENSION pg_trgm")
            .unwrap();
        let (code, out, _) = doctor(&url, &[], &[]);
        conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .unwrap();
        assert_eq!(code, 1);
        assert!(out.contains(told), "{out}");
    }
}

#[test]
fn an_unreachable_database_and_a_bad_setting_are_both_told() {
    let mail = [("PROVOST_SMTP_URL", "smtp://mail.example.com")];
    let (code, out, err) = doctor("postgresql://127.0.0.1:1/provost", &mail, &[]);
    assert_eq!(code, 1);
    assert!(out.contains("FAULT  settings: PROVOST_SMTP_URL"), "{out}");
    assert!(out.contains("FAULT  database: "), "{out}");
    assert!(err.contains("2 faults"), "{err}");

    let (code, _, err) = doctor("mysql://host/db", &[], &[]);
    assert_eq!(code, 2);
    assert!(
        err.contains("DATABASE_URL") && err.contains("postgres://"),
        "{err}"
    );
}

#[actix_web::test]
async fn the_health_check_asks_the_running_server_and_nothing_else() {
    let app = TestApp::start().await;
    let port = app.address.rsplit(':').next().unwrap();
    let listen = format!("0.0.0.0:{port}");
    let nowhere = "postgresql://127.0.0.1:1/provost";
    let healthy =
        actix_web::web::block(move || doctor(nowhere, &[("PROVOST_LISTEN", &listen)], &["--health"]));
    assert_eq!(healthy.await.unwrap(), (0, "ready\n".to_owned(), String::new()));

    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let (code, _, err) = doctor(nowhere, &[("PROVOST_LISTEN", &free)], &["--health"]);
    assert_eq!(code, 1);
    assert!(err.contains("No Provost answers at"), "{err}");
}

#[actix_web::test]
async fn the_store_and_the_origin_of_content_are_checked() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let file = Some(b"a file".to_vec());
    let put = admin.send(Method::PUT, "/v1/uploads?file_name=a", file, "").await;
    let sha256 = put.assert_status(201).at("/sha256").as_str().unwrap().to_owned();
    let folder = app.files.path.to_str().unwrap();
    let settings = [
        ("PROVOST_FILES", folder),
        ("PROVOST_CONTENT_URL", "http://127.0.0.1:8080"),
    ];

    let (code, out, _) = doctor(&app.database.url, &settings[..1], &["--data"]);
    assert!(
        out.contains("ok     stored files: all 1 have their bytes"),
        "{code} {out}"
    );
    assert!(
        out.contains("ok     content: browsers reach it at http://127.0.0.1:8081"),
        "{out}"
    );
    let settings_of_each = [
        ("PROVOST_FILES", folder),
        ("PROVOST_PUBLIC_URL", "https://lms.example.net"),
        ("PROVOST_CONTENT_URL", "https://{package}.content.example.net"),
    ];
    let (_, out, _) = doctor(&app.database.url, &settings_of_each, &[]);
    let told = "ok     content: browsers reach it at https://{package}.content.example.net; WARNING: this is the API's own site";
    assert!(out.contains(told), "{out}");
    let (code, out, _) = doctor(&app.database.url, &settings, &[]);
    assert!(
        code != 0 && out.contains("FAULT  content: Content is served from the API's own origin"),
        "{out}"
    );

    let blob = app.files.path.join("blobs").join(&sha256[..2]).join(&sha256[2..]);
    std::fs::write(&blob, b"a fi").unwrap();
    let named = format!("missing from the store, or not all there: {sha256}");
    let (code, out, _) = doctor(&app.database.url, &settings[..1], &["--data"]);
    assert!(code != 0 && out.contains(&named), "{out}");
    std::fs::remove_dir_all(app.files.path.join("blobs")).unwrap();
    let (code, out, _) = doctor(&app.database.url, &settings[..1], &["--data"]);
    assert!(code != 0 && out.contains(&named), "{out}");
    let unwritable = [("PROVOST_FILES", "/proc/files")];
    let (code, out, _) = doctor(&app.database.url, &unwritable, &[]);
    assert!(code != 0 && out.contains("FAULT  files: "), "{out}");
}
