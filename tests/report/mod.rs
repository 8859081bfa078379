mod changes;
mod compliance;
mod events;
mod overdue;
mod transcripts;

use chrono::{Days, NaiveDate};
use provost::{app::Wake, authz::Permission, db::Sql, sql};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Answer, Client, TestApp};

/// Where a requirement is to stand.
#[derive(Clone, Copy)]
pub enum Stand {
    Satisfied,
    Expired,
    Overdue,
    Open,
    Upcoming,
    Ended,
}

/// A company: `root` with `east` and `west` below it and `north` below `east`.
///
/// `boss` has no unit. `mia` (east) reports to `boss`, `nils` (north) to `mia`, `wanda` (west) to `boss`.
pub struct Company {
    pub app: TestApp,
    pub root: Uuid,
    pub east: Uuid,
    pub north: Uuid,
    pub west: Uuid,
    pub boss: Uuid,
    pub mia: Uuid,
    pub nils: Uuid,
    pub wanda: Uuid,
    pub fire: Uuid,
    pub first_aid: Uuid,
}

pub fn run(app: &TestApp, statement: Sql) {
    app.write(|tx| Ok(statement.clone().execute(tx.conn)?));
}

impl Company {
    pub async fn start() -> Self {
        let app = TestApp::start().await;
        let unit = |code: &'static str, above: &[Uuid]| {
            let id = Uuid::now_v7();
            let now = app.app.clock.now();
            run(
                &app,
                sql!(
                    "INSERT INTO org_units (id, code, code_folded, name, name_folded, parent_id,
                        created_at, updated_at)
                     VALUES ({id}, {code}, {code}, {to_uppercase}, {code}, {first}, {now}, {now})",
                    to_uppercase = code.to_uppercase(),
                    first = above.first().copied(),
                ),
            );
            for (depth, ancestor) in std::iter::once(&id).chain(above).enumerate() {
                run(
                    &app,
                    sql!(
                        "INSERT INTO org_unit_closure (ancestor_id, descendant_id, depth)
                         VALUES ({ancestor}, {id}, {depth})",
                        depth = depth as i64,
                    ),
                );
            }
            id
        };
        let root = unit("root", &[]);
        let east = unit("east", &[root]);
        let north = unit("north", &[east, root]);
        let west = unit("west", &[root]);
        let person = |name: &'static str, unit: Option<Uuid>, line: &[Uuid]| {
            let id = Uuid::now_v7();
            let now = app.app.clock.now();
            run(
                &app,
                sql!(
                    "INSERT INTO users (id, username, username_folded, email, email_folded, given_name,
                        given_name_folded, family_name, family_name_folded, status, org_unit_id,
                        manager_id, created_at, updated_at)
                     VALUES ({id}, {name}, {name}, {email}, {email}, {name}, {name}, 'Smith', 'smith',
                        'active', {unit}, {first}, {now}, {now})",
                    email = format!("{name}@example.com"),
                    first = line.first().copied(),
                ),
            );
            for (depth, ancestor) in std::iter::once(&id).chain(line).enumerate() {
                run(
                    &app,
                    sql!(
                        "INSERT INTO reporting_lines (ancestor_id, descendant_id, depth)
                         VALUES ({ancestor}, {id}, {depth})",
                        depth = depth as i64,
                    ),
                );
            }
            id
        };
        let boss = person("boss", None, &[]);
        let mia = person("mia", Some(east), &[boss]);
        let nils = person("nils", Some(north), &[mia, boss]);
        let wanda = person("wanda", Some(west), &[boss]);
        let course = |code: &'static str, title: &'static str| {
            let id = Uuid::now_v7();
            let now = app.app.clock.now();
            run(
                &app,
                sql!(
                    "INSERT INTO courses (id, code, code_folded, status, title, language, created_at,
                        updated_at)
                     VALUES ({id}, {code}, {code}, 'published', {title}, 'en', {now}, {now})"
                ),
            );
            id
        };
        let fire = course("fire", "Fire Safety");
        let first_aid = course("aid", "=First Aid");
        Company {
            root,
            east,
            north,
            west,
            boss,
            mia,
            nils,
            wanda,
            fire,
            first_aid,
            app,
        }
    }

    pub fn today(&self) -> NaiveDate {
        self.app.app.clock.now().date_naive()
    }

    /// Requires `course` of `user`.
    pub fn require(&self, user: Uuid, course: Uuid, cycle: i64, stand: Stand) -> Uuid {
        let (id, now, today) = (Uuid::now_v7(), self.app.app.clock.now(), self.today());
        let day = |days: i64| {
            if days < 0 {
                today - Days::new(days.unsigned_abs())
            } else {
                today + Days::new(days as u64)
            }
        };
        let (opens, due, done, until, ended) = match stand {
            Stand::Satisfied => (-50, -20, true, Some(day(20)), false),
            Stand::Expired => (-50, -20, true, Some(day(-1)), false),
            Stand::Overdue => (-50, -3, false, None, false),
            Stand::Open => (-50, 0, false, None, false),
            Stand::Upcoming => (1, 20, false, None, false),
            Stand::Ended => (-50, -20, false, None, true),
        };
        run(
            &self.app,
            sql!(
                "INSERT INTO requirements (id, user_id, course_id, cycle, opens_on, due_on,
                    satisfied_at, completion_id, valid_until, ended_at, end_reason, created_at,
                    updated_at)
                 VALUES ({id}, {user}, {course}, {cycle}, {opens_on}, {due_on}, {satisfied_at},
                    {completion_id}, {until}, {ended_at}, {end_reason}, {now}, {now})",
                opens_on = day(opens),
                due_on = day(due),
                satisfied_at = done.then_some(now),
                completion_id = done.then(Uuid::now_v7),
                ended_at = ended.then_some(now),
                end_reason = ended.then(|| "withdrawn".to_owned()),
            ),
        );
        id
    }

    /// A person who may run reports over their own line.
    pub fn manager(&self, user: Uuid) -> Client {
        let (role, now) = (Uuid::now_v7(), self.app.app.clock.now());
        let permissions = vec!["reports.run".to_owned(), "completions.read".to_owned()];
        self.app.write(|tx| {
            sql!(
                "INSERT INTO roles (id, code, name, permissions, created_at, updated_at)
                 VALUES ({role}, {role_name}, 'test', {permissions}, {now}, {now})",
                role_name = role.to_string(),
            )
            .execute(tx.conn)?;
            sql!(
                "INSERT INTO grants (id, principal_kind, principal_id, role_id, scope_kind, created_at,
                    updated_at) VALUES ({new_id}, 'user', {user}, {role}, 'own_reports', {now}, {now})",
                new_id = Uuid::now_v7(),
            )
            .execute(tx.conn)?;
            tx.wake(Wake::Caller(user));
            Ok(())
        });
        self.app.client_of(user)
    }

    /// A program that may run reports over a unit.
    pub fn of_unit(&self, unit: Uuid) -> Client {
        self.app.holding(
            &[Permission::ReportsRun, Permission::CompletionsRead],
            "org_unit",
            Some(unit),
        )
    }

    /// A program that may run reports over everybody.
    pub fn of_all(&self) -> Client {
        self.app.holding(
            &[Permission::ReportsRun, Permission::CompletionsRead],
            "everything",
            None,
        )
    }
}

/// The values of one member in a list of objects.
pub fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[name].clone())
        .collect()
}

/// The column of that name of a CSV.
pub fn csv_column(answer: &Answer, name: &str) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut reader = csv::Reader::from_reader(answer.bytes.as_slice());
    let index = reader
        .headers()
        .unwrap()
        .iter()
        .position(|header| header == name)
        .unwrap();
    reader
        .records()
        .map(|record| record.unwrap()[index].to_owned())
        .collect()
}
