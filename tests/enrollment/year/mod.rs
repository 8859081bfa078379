//! A year in the life of an academy, like that of the demo in small, day by day: people come, move, leave and are re-hired, are
//! absent, complete, and are released, extended and waived; completions are corrected; rules are paused, changed and archived;
//! courses get new versions. After each day all requirements are those of a plain model, which knows docs/rules.md and nothing of
//! the product.
//!
//! CI plays 30 days of the year with 200 people: the days between pass at once, as for a server that was down. `make soak` plays
//! each day with 2,000.

mod academy;
mod dates;
mod founding;
mod happen;
mod issues;
mod kills;
mod life;
mod outline;
mod races;
mod said;
mod settle;
mod world;

use std::{fmt::Write as _, process::Command};

use chrono::{NaiveDate, TimeDelta};
use provost::{access::keys, app::Acting, enrollment::rules::courses};
use serde_json::json;

use academy::{Academy, Act, Status};
use life::Life;
use world::{World, go_to};

use crate::support::{TestApp, count, soak};

const PEOPLE: usize = 2_000;
/// Days that are played in full: between them a worker was down. In CI they are about twelve days apart.
const DAYS: usize = 365;
const LONGEST_WAIT: i64 = 23;
/// Kinds of things that happen on a day, and to how many people at most.
const KINDS: usize = 5;
const AT_ONCE: usize = 12;

/// What chance begins with: `PROVOST_SEED`, or always the same.
fn seed() -> u64 {
    std::env::var("PROVOST_SEED").map_or(15, |seed| seed.parse().expect("a number"))
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2031, 1, 6).unwrap()
}

#[actix_web::test]
async fn a_year_of_random_days_is_what_the_model_says() {
    let is_full = soak(10) == 10;
    let mut life = Life::new(seed());
    let app = TestApp::start_consuming(&[courses::CONSUMER]).await;
    go_to(&app, first_day());
    let (mut world, mut academy) = World::found(app).await;
    for acts in life.newcomers(soak(PEOPLE), first_day()) {
        world.send(&mut academy, acts).await;
    }
    world.add_rules(&mut academy).await;
    for rule in 0..academy.rules.len() {
        let active = Act::Become(rule, Status::Active);
        world.send(&mut academy, vec![active]).await;
    }
    compare(&world, &academy, &[]);

    let end = first_day() + TimeDelta::days(DAYS as i64);
    let mut day = first_day();
    let mut compared = day;
    loop {
        day += life.wait(if is_full { 1 } else { LONGEST_WAIT });
        if day > end {
            break;
        }
        world.begin(&mut academy, day).await;
        compare(&world, &academy, &[]);
        let mut acts = Vec::new();
        for request in life.requests(&academy, KINDS, AT_ONCE) {
            let new = life.acts(&academy, request);
            if !new.is_empty() {
                acts.extend(new.iter().map(|act| format!("{act:?}")));
                world.send(&mut academy, new).await;
            }
        }
        compare(&world, &academy, &acts);
        if day - compared > TimeDelta::days(30) {
            compared = day;
            nothing_is_left_to_do(&world).await;
        }
    }
    nothing_is_left_to_do(&world).await;
    doctor_finds_nothing(&world.app);
}

/// Product and model say the same.
fn compare(world: &World, academy: &Academy, acts: &[String]) {
    let (product, model) = (world.outline(academy), academy.outline());
    if product == model {
        return;
    }
    let mut told = format!("on {}, after {acts:#?}\n", academy.now.date_naive());
    let keys = product.keys().chain(model.keys());
    let keys: std::collections::BTreeSet<_> =
        keys.filter(|key| product.get(*key) != model.get(*key)).collect();
    let _ = writeln!(told, "{} rows differ", keys.len());
    for key in keys.into_iter().take(3) {
        let person = academy
            .people
            .iter()
            .position(|person| person.id == key.0)
            .unwrap();
        let name = academy.courses.iter().position(|course| course.id == key.1);
        let name = name.map_or_else(
            || {
                let rule = academy.rules.iter().find(|rule| rule.id == key.1).unwrap();
                format!("rule {}", rule.code)
            },
            |course| founding::COURSES[course].0.to_owned(),
        );
        let _ = writeln!(
            told,
            "person {person}, {name}, cycle {}\n  product {:?}\n  model   {:?}\n{:#?}",
            key.2,
            product.get(key),
            model.get(key),
            academy.people[person]
        );
    }
    let rules: Vec<_> = academy.rules.iter().map(|rule| format!("{rule:?}")).collect();
    panic!("{told}\n{}", rules.join("\n"));
}

/// What plans foresee is kept for a day; all else is gone with what it was for.
const CHANGES_OF_DEAD_RUNS: &str = "SELECT count(*) FROM requirement_changes WHERE run_id NOT IN
    (SELECT id FROM operations WHERE kind = 'rule.plan' AND status = 'succeeded')";

/// A full comparison finds that every change settled what followed from it.
async fn nothing_is_left_to_do(world: &World) {
    let begun = world.admin.post("/v1/requirements/comparisons", json!({})).await;
    let path = begun.assert_status(202).header("location").unwrap().to_owned();
    world.app.run_jobs();
    let done = world.admin.get(&path).await.assert_status(200);
    assert_eq!(done.at("/status"), "succeeded");
    let differences = done.at("/result/differences");
    let is_nothing = differences.as_object().unwrap().values().all(|count| *count == 0);
    assert!(is_nothing, "{:#}", done.json());
    let unfinished = "SELECT count(*) FROM jobs WHERE state <> 'succeeded'";
    assert_eq!(count(&world.app, unfinished), 0);
    assert_eq!(count(&world.app, CHANGES_OF_DEAD_RUNS), 0);
}

/// `provost doctor --data` finds no fault.
fn doctor_finds_nothing(app: &TestApp) {
    app.app
        .write_blocking(&Acting::system("test"), keys::ensure)
        .unwrap();
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_provost"));
    let output = doctor
        .args(["doctor", "--data"])
        .env("DATABASE_URL", &app.database.url)
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
