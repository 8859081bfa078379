//! Files of the real world, which are not part of this repository.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use serde_json::{Value, json};

use super::Importing;
use crate::catalog::encoded;

/// The folder that holds the files.
const FOLDER: &str = "PROVOST_REAL_DATA";

/// A file, which must be there if its folder was named. Without it the test says so and is over.
fn real(name: &str) -> Option<Vec<u8>> {
    if let Some(folder) = env::var_os(FOLDER) {
        let path = PathBuf::from(folder).join(name);
        let file = fs::read(&path);
        return Some(file.unwrap_or_else(|error| panic!("{FOLDER}: {}: {error}", path.display())));
    }
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(name);
    fs::read(path).inspect_err(|error| skip(name, error)).ok()
}

/// Written past the captured output of tests, which nobody sees when they pass.
fn skip(name: &str, error: &io::Error) {
    let line = format!("skipped: the import of {name} ({error}; {FOLDER} names its folder)\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

fn profile(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[actix_web::test]
async fn the_real_hr_export_goes_in() {
    let Some(file) = real("hr_export.csv") else { return };
    let importing = Importing::with(profile(include_str!("../../examples/imports/hr_export.json"))).await;

    let import = importing.plan("hr_export", file.clone()).await;

    assert_eq!(
        import.at("/counts"),
        json!({ "rows": 310, "create": 310, "update": 0, "restore": 0, "unchanged": 0, "end": 0, "refuse": 0, "skip": 0,
            "warnings": 72, "removals": 0, "present": 0, "also_created": { "org_unit": 6 } }),
        "{}",
        import.text()
    );
    let unknown = importing.rows(&import, "issue eq \"manager_unknown\"").await;
    let names: BTreeSet<_> = unknown
        .iter()
        .map(|row| row["fields"]["manager"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        BTreeSet::from([
            "Alex Sweetwater",
            "David Stanley",
            "Michael Albert",
            "Webster Butler"
        ])
    );
    importing.applied(&import).await;

    let archived = importing.app.write(|tx| {
        Ok(
            provost::sql!("SELECT 1 FROM users WHERE status = 'archived' AND left_on IS NOT NULL")
                .execute(tx.conn)?,
        )
    });
    assert_eq!(archived, 104);
    let managed = importing
        .app
        .write(|tx| Ok(provost::sql!("SELECT 1 FROM users WHERE manager_id IS NOT NULL").execute(tx.conn)?));
    assert_eq!(managed as i64, 310 - unknown.len() as i64 - 2);
    let scott = importing.user("10084").await;
    assert_eq!(
        (
            scott.at("/given_name"),
            scott.at("/family_name"),
            scott.at("/status"),
            scott.at("/left_on")
        ),
        (
            json!("Karthikeyan"),
            json!("Ait Sidi"),
            json!("archived"),
            json!("2016-06-16")
        )
    );

    let events = importing.events().await;
    let again = importing.plan("hr_export", file).await;
    assert_eq!(again.at("/counts/unchanged"), 310, "{}", again.text());
    importing.applied(&again).await;
    assert_eq!(importing.events().await, events);
}

#[actix_web::test]
async fn the_real_catalog_goes_in() {
    let Some(file) = real("course_catalog.csv") else {
        return;
    };
    let importing = Importing::with(profile(include_str!(
        "../../examples/imports/course_catalog.json"
    )))
    .await;

    let import = importing.plan("course_catalog", file.clone()).await;

    assert_eq!(
        import.at("/counts"),
        json!({ "rows": 975, "create": 974, "update": 0, "restore": 0, "unchanged": 0, "end": 0, "refuse": 0, "skip": 1,
            "warnings": 1, "removals": 0, "present": 0, "also_created": { "category": 31 } }),
        "{}",
        import.text()
    );
    importing.applied(&import).await;
    let course = importing
        .admin
        .get("/v1/courses/ext:catalog:introduction-to-probability")
        .await
        .assert_status(200);
    assert_eq!(
        (
            course.at("/title"),
            course.at("/status"),
            course.at("/language"),
            course.at("/level")
        ),
        (
            json!("Introduction to Probability"),
            json!("published"),
            json!("en"),
            json!("intermediate")
        )
    );
    let languages = importing.app.write(|tx| {
        Ok(
            provost::sql!("SELECT DISTINCT language FROM courses WHERE status = 'published'")
                .execute(tx.conn)?,
        )
    });
    assert_eq!(languages, 9);
    // Fault 8: what people type, in all of them.
    for (q, language, title) in [
        ("it security", "en", "Network and Security Foundations"),
        ("cs50 lawyer", "en", "CS50 for Lawyers"),
        ("programacion", "es", "Programación"),
        ("proyectos de desarrollo", "es", "Desarrollo"),
        ("economie", "fr", "économie"),
        ("l'entreprise", "fr", "entreprise"),
    ] {
        let path = format!("/v1/courses?q={}&language={language}", encoded(q));
        let found = importing.admin.get(&path).await.assert_status(200);
        let first = found.at("/data/0/title");
        assert!(
            first.as_str().is_some_and(|first| first.contains(title)),
            "{q}: {first}"
        );
    }
    let mut cursor = String::new();
    let mut missed = Vec::new();
    loop {
        let page = importing
            .admin
            .get(&format!("/v1/courses?sort=code&limit=200{cursor}"))
            .await
            .assert_status(200);
        for course in page.at("/data").as_array().unwrap().iter().step_by(20) {
            let title = course["title"].as_str().unwrap();
            let typed = title.replace(['"', '-'], " ").to_lowercase();
            let path = format!("/v1/courses?q={}", encoded(&typed));
            let found = importing.admin.get(&path).await.assert_status(200);
            if found.at("/data/0/title").as_str() != Some(title) {
                missed.push(title.to_owned());
            }
        }
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(
        missed.is_empty(),
        "not found first by their own titles: {missed:?}"
    );

    let again = importing.plan("course_catalog", file).await;
    assert_eq!(again.at("/counts/unchanged"), 974, "{}", again.text());
}
