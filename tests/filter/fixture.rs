//! A resource with attributes of every kind, its tables, and a connection to them.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_types};
use provost::{
    filter::{Attribute, Column, CustomAttribute, CustomKind, FilterClock, Kind, Part, Schema},
    sql,
    text::fold,
};
use serde_json::{Value as Json, json};

use crate::support::postgres::{self, TestDatabase};

const TABLES: &str = r#"
    CREATE TEMPORARY TABLE people (
        id int PRIMARY KEY, name text, login text, login_folded text, code text, status text, active boolean, level int,
        score numeric, ratio float8, hired_on date, seen_at timestamptz, key uuid, tags text[],
        attributes jsonb
    );
    CREATE TEMPORARY TABLE emails (person_id int, type text, value text, verified_on date);
"#;

static ATTRIBUTES: &[Attribute] = &[
    scalar("name", Kind::String, "people.name"),
    scalar("code", Kind::Exact, "people.code"),
    scalar(
        "status",
        Kind::Enum(&["active", "on_leave", "archived"]),
        "people.status",
    ),
    scalar("active", Kind::Bool, "people.active"),
    scalar("level", Kind::Integer, "people.level"),
    scalar("score", Kind::Number, "people.score"),
    scalar("ratio", Kind::Number, "people.ratio"),
    scalar("hired_on", Kind::Date, "people.hired_on"),
    scalar("seen_at", Kind::Instant, "people.seen_at"),
    scalar("key", Kind::Id, "people.key"),
    scalar("login", Kind::Folded, "people.login"),
    Attribute {
        name: "tags",
        kind: Kind::String,
        column: Column::Exists {
            from: "unnest(people.tags) AS tag",
            on: "TRUE",
            value: "tag",
        },
        doc: "",
    },
    Attribute {
        name: "emails",
        kind: Kind::String,
        column: Column::Complex {
            from: "emails AS e",
            on: "e.person_id = people.id",
            parts: &[
                part("type", Kind::Enum(&["work", "home"]), "e.type"),
                part("value", Kind::String, "e.value"),
                part("verified_on", Kind::Date, "e.verified_on"),
            ],
        },
        doc: "",
    },
];

const fn scalar(name: &'static str, kind: Kind, column: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        column: Column::Scalar(column),
        doc: "",
    }
}

const fn part(name: &'static str, kind: Kind, value: &'static str) -> Part {
    Part {
        name,
        kind,
        value,
        doc: "",
    }
}

/// The schema of `people`.
pub fn schema() -> Schema {
    let custom = |name: &str, kind, multi_valued| CustomAttribute {
        name: name.to_owned(),
        kind,
        multi_valued,
        doc: String::new(),
    };
    let sizes = CustomKind::Enum(vec!["S".to_owned(), "M".to_owned(), "L".to_owned()]);
    let custom = vec![
        custom("nickname", CustomKind::String, false),
        custom("badge", CustomKind::Exact, false),
        custom("size", sizes, false),
        custom("remote", CustomKind::Bool, false),
        custom("floor", CustomKind::Integer, false),
        custom("fte", CustomKind::Number, false),
        custom("certified_on", CustomKind::Date, false),
        custom("languages", CustomKind::String, true),
        custom("lucky", CustomKind::Number, true),
    ];
    Schema::new(ATTRIBUTES).with_custom("people.attributes", custom)
}

/// The clock that all tests share; the day has no like in most months.
pub fn clock() -> FilterClock {
    FilterClock {
        today: "2026-01-31".parse().unwrap(),
        now: "2026-01-31T08:30:00.5Z".parse().unwrap(),
    }
}

/// A day within reach of the tests' durations.
pub fn day(offset: i64) -> NaiveDate {
    clock().today + chrono::TimeDelta::days(offset)
}

/// An instant within reach of the tests' durations.
pub fn moment(offset_microseconds: i64) -> DateTime<Utc> {
    clock().now + chrono::TimeDelta::microseconds(offset_microseconds)
}

/// A connection that has the tables, empty.
pub fn connect() -> (PgConnection, TestDatabase) {
    let database = postgres::create_database(crate::support::app::migrate);
    let mut conn = PgConnection::establish(&database.url).unwrap();
    conn.batch_execute(TABLES).unwrap();
    (conn, database)
}

/// Replaces the tables' rows by `people`, whose members are the columns and `emails`.
pub fn store(conn: &mut PgConnection, people: &[Json]) {
    let people: Vec<_> = people
        .iter()
        .enumerate()
        .map(|(id, person)| with_id(person, id))
        .collect();
    conn.batch_execute("TRUNCATE people, emails").unwrap();
    sql!(
        "INSERT INTO people SELECT * FROM jsonb_populate_recordset(NULL::people, {people})",
        people = json!(people),
    )
    .execute(conn)
    .unwrap();
    sql!(
        "INSERT INTO emails SELECT (person ->> 'id')::int, e.type, e.value, e.verified_on
         FROM jsonb_array_elements({people}) AS person,
            jsonb_populate_recordset(NULL::emails, person -> 'emails') AS e",
        people = json!(people),
    )
    .execute(conn)
    .unwrap();
}

fn with_id(person: &Json, id: usize) -> Json {
    let mut person = person.clone();
    person["id"] = json!(id);
    person["login_folded"] = json!(person["login"].as_str().map(fold));
    person
}

/// What PostgreSQL answers about one person.
#[derive(diesel::QueryableByName)]
pub struct Answer {
    #[diesel(sql_type = sql_types::Bool)]
    pub matches: bool,
    #[diesel(sql_type = sql_types::Jsonb)]
    pub facts: Json,
}

/// PostgreSQL's answers about all people, in the order in which they were stored.
pub fn ask(conn: &mut PgConnection, filter: &provost::filter::Filter) -> Vec<Answer> {
    sql!(
        "SELECT ({filter}) IS TRUE AS matches, {facts} AS facts FROM people ORDER BY id",
        filter = filter.to_sql(&clock()),
        facts = filter.facts_sql(),
    )
    .load(conn)
    .unwrap()
}
