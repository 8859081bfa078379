//! The demo academy, made small.

use chrono::{NaiveTime, TimeDelta};
use diesel::RunQueryDsl;
use provost::{
    cli::{
        CommandError,
        demo::{self, Built},
    },
    sql,
};

use crate::support::{TestApp, count, on_thread};

#[derive(diesel::QueryableByName, Debug)]
struct Counts {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    people: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    courses: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rules: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    satisfied: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    overdue: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    events: i64,
}

fn build(app: &TestApp, seed: u64, people: u32) -> Result<Built, CommandError> {
    let app = &app.app;
    on_thread(|| demo::build(app, seed, people, &|_| ()))
}

fn counts(app: &TestApp) -> Counts {
    app.write(|tx| {
        Ok(sql!(
            "SELECT (SELECT count(*) FROM users WHERE status <> 'archived') AS people,
                (SELECT count(*) FROM courses WHERE status = 'published') AS courses,
                (SELECT count(*) FROM rules) AS rules,
                (SELECT count(*) FROM requirements WHERE satisfied_at IS NOT NULL) AS satisfied,
                (SELECT count(*) FROM requirements WHERE satisfied_at IS NULL AND ended_at IS NULL
                        AND due_on < {today}) AS overdue, (SELECT count(*) FROM events) AS events",
            today = tx.today(),
        )
        .get_result(tx.conn)?)
    })
}

#[actix_web::test]
async fn the_demo_academy_has_people_courses_rules_and_history_and_is_built_once() {
    let app = TestApp::start().await;

    let built = build(&app, 7, 120).unwrap();

    assert_eq!(built, Built::Now);
    let first = counts(&app);
    assert_eq!((first.people, first.courses, first.rules), (120, 200, 10));
    assert!(first.satisfied > 300, "{first:?}");
    assert!(
        first.overdue > 0 && first.overdue < first.satisfied / 4,
        "{first:?}"
    );

    let ready = "SELECT count(*) FROM content_versions WHERE state = 'ready' AND findings = '[]'";
    assert_eq!(count(&app, ready), 7);

    let again = build(&app, 8, 200).unwrap();

    assert_eq!(again, Built::InUseAlready);
    assert_eq!(counts(&app).events, first.events);

    let admin = app.admin().await;
    for (path, expected) in [
        ("absences", 5),
        ("rule-overrides", 3),
        ("extensions", 2),
        ("waivers", 3),
        ("course-equivalences", 1),
        (
            "rule-issues?filter=choice%20eq%20null%20and%20closed_at%20eq%20null",
            1,
        ),
    ] {
        let page = admin.get(&format!("/v1/{path}")).await.assert_status(200);
        assert_eq!(page.at("/data").as_array().unwrap().len(), expected, "{path}");
    }
    for what in LIFE {
        assert!(count(&app, what) > 0, "nothing is found by: {what}");
    }
}

/// What administrators find in the academy: each counts something.
const LIFE: [&str; 9] = [
    "SELECT count(*) FROM requirements WHERE cycle > 1 AND satisfied_at IS NULL AND ended_at IS NULL",
    "SELECT count(*) FROM requirements WHERE cycle > 1 AND satisfied_at IS NOT NULL",
    "SELECT count(*) FROM requirements WHERE end_reason = 'released'",
    "SELECT count(*) FROM requirements WHERE waiver_id IS NOT NULL",
    "SELECT count(*) FROM rule_overrides WHERE effect = 'required'",
    "SELECT count(*) FROM extensions WHERE group_id IS NOT NULL",
    "SELECT count(*) FROM absences WHERE ends_on IS NULL",
    "SELECT count(*) FROM rules WHERE status = 'paused'",
    "SELECT count(*) FROM rules WHERE status = 'active' AND repeat ->> 'kind' = 'calendar'",
];

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// What people must and did, in the academy that a seed makes at that hour of today.
async fn facts_at(hour: i64) -> Vec<String> {
    let app = TestApp::start().await;
    let now = app.app.clock.now();
    let morning = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    app.app.clock.advance(morning + TimeDelta::hours(hour) - now);
    build(&app, 7, 50).unwrap();
    let lines: Vec<Line> = app.write(|tx| {
        Ok(sql!(
            "SELECT line FROM (
                SELECT concat_ws(' ', 'must', u.username, c.code, q.cycle, q.opens_on, 'due', q.due_on,
                    'satisfied', q.satisfied_at, 'until', q.valid_until, q.end_reason) AS line
                FROM requirements q JOIN users u ON u.id = q.user_id
                JOIN courses c ON c.id = q.course_id
                UNION ALL SELECT concat_ws(' ', 'did', u.username, c.code, d.occurred_at, d.score,
                    d.expires_on)
                FROM completions d JOIN users u ON u.id = d.user_id JOIN courses c ON c.id = d.course_id
                UNION ALL SELECT concat_ws(' ', 'does', u.username, c.code, e.state, e.progress_percent,
                    e.source)
                FROM enrollments e JOIN users u ON u.id = e.user_id
                JOIN courses c ON c.id = e.course_id) facts
             ORDER BY line COLLATE \"C\""
        )
        .load(tx.conn)?)
    });
    lines.into_iter().map(|line| line.line).collect()
}

#[actix_web::test]
async fn a_seed_makes_the_same_academy_at_any_hour_of_a_day() {
    let (early, late) = (facts_at(1).await, facts_at(22).await);
    assert!(early.len() > 500, "{}", early.len());
    let strange: Vec<_> = early
        .iter()
        .zip(&late)
        .filter(|(one, other)| one != other)
        .take(5)
        .collect();
    assert!(strange.is_empty() && early.len() == late.len(), "{strange:#?}");
}
