//! The demo academy, made small.

use provost::{
    cli::demo::{self, Built},
    sql,
};

use crate::support::TestApp;

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

fn counts(app: &TestApp) -> Counts {
    use diesel::RunQueryDsl;
    app.write(|tx| {
        Ok(sql![
            "SELECT (SELECT count(*) FROM users WHERE status <> 'archived') AS people,
                (SELECT count(*) FROM courses WHERE status = 'published') AS courses,
                (SELECT count(*) FROM rules) AS rules,
                (SELECT count(*) FROM requirements WHERE satisfied_at IS NOT NULL) AS satisfied,
                (SELECT count(*) FROM requirements WHERE satisfied_at IS NULL AND ended_at IS NULL
                    AND due_on < ",
            provost::db::bind(tx.today()),
            ") AS overdue, (SELECT count(*) FROM events) AS events"
        ]
        .get_result(tx.conn)?)
    })
}

#[actix_web::test]
async fn the_demo_academy_has_people_courses_rules_and_history_and_is_built_once() {
    let app = TestApp::start().await;

    let built = demo::build(&app.app, 7, 120, &|_| ()).unwrap();

    assert_eq!(built, Built::Now);
    let first = counts(&app);
    assert_eq!((first.people, first.courses, first.rules), (120, 200, 9));
    assert!(first.satisfied > 300, "{first:?}");
    assert!(
        first.overdue > 0 && first.overdue < first.satisfied / 4,
        "{first:?}"
    );

    let again = demo::build(&app.app, 8, 200, &|_| ()).unwrap();

    assert_eq!(again, Built::InUseAlready);
    assert_eq!(counts(&app).events, first.events);
}
