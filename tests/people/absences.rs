use chrono::{NaiveDate, TimeDelta};
use provost::authz::Permission;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{person, unit, uuid};
use crate::support::{Answer, Client, TestApp, count, soak};

const BOTH: &[Permission] = &[Permission::AbsencesRead, Permission::AbsencesWrite];

fn absence(user: &str, starts_on: &str, ends_on: Option<&str>) -> Value {
    json!({"user_id": user, "kind": "sickness", "starts_on": starts_on, "ends_on": ends_on})
}

async fn create(client: &Client, user: &str, starts_on: &str, ends_on: Option<&str>) -> Answer {
    client
        .post("/v1/absences", absence(user, starts_on, ends_on))
        .await
}

async fn first_days(client: &Client, query: &str) -> Vec<Value> {
    let page = client
        .get(&format!("/v1/absences?{query}"))
        .await
        .assert_status(200);
    let rows = page.at("/data").as_array().cloned().unwrap();
    rows.iter().map(|row| row["starts_on"].clone()).collect()
}

#[actix_web::test]
async fn an_absence_lives_through_changes_and_keeps_its_past() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let bea = person(&admin, "bea", json!({})).await;
    create(&admin, &bea, "2027-01-04", Some("2027-01-08"))
        .await
        .assert_status(201);
    let made = create(&admin, &ana, "2027-03-01", None).await.assert_status(201);
    let path = format!("/v1/absences/{}", made.id());
    assert_eq!(
        [made.at("/ends_on"), made.at("/archived_at")],
        [Value::Null, Value::Null]
    );

    let of_ana = format!("filter=user_id%20eq%20%22{ana}%22");
    assert_eq!(first_days(&admin, &of_ana).await, ["2027-03-01"]);
    assert_eq!(
        first_days(&admin, "sort=starts_on").await,
        ["2027-01-04", "2027-03-01"]
    );
    let running = "filter=ends_on%20eq%20null%20and%20kind%20eq%20%22sickness%22";
    assert_eq!(first_days(&admin, running).await, ["2027-03-01"]);
    let shown = admin.get(&format!("{path}?expand=user")).await.assert_status(200);
    assert_eq!(shown.at("/user/username"), "ana");

    let ended = json!({"kind": "parental_leave", "ends_on": "2027-08-31"});
    let ended = admin.patch(&path, ended).await.assert_status(200);
    assert_eq!(ended.at("/version"), 2);
    admin
        .patch(&path, json!({"ends_on": "2027-02-28"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/ends_on");
    admin
        .patch(&path, json!({"user_id": bea}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/user_id");
    let archived = admin.post(&format!("{path}/archival"), json!({})).await;
    assert!(archived.assert_status(200).at("/archived_at").is_string());
    assert_eq!(
        count(
            &app,
            "SELECT count(*) FROM absence_history past JOIN absences USING (id)
             WHERE past.kind = 'sickness' AND past.ends_on IS NULL AND past.archived_at IS NULL
                OR past.kind = 'parental_leave' AND past.ends_on = '2027-08-31'
                    AND past.superseded_at = absences.updated_at",
        ),
        2
    );
    app.run_jobs();
    let events = format!("/v1/events?filter=object_id%20eq%20%22{}%22", made.id());
    let events = admin.get(&events).await.assert_status(200);
    let events = events.at("/data").as_array().cloned().unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["action"], &event["user_id"]))
        .collect();
    let of_ana = json!(ana);
    for action in ["absence.created", "absence.updated", "absence.archived"] {
        assert!(told.contains(&(&json!(action), &of_ana)), "{action}: {told:?}");
    }
}

#[actix_web::test]
async fn absences_of_one_user_do_not_overlap() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let bea = person(&admin, "bea", json!({})).await;
    let march = create(&admin, &ana, "2027-03-01", Some("2027-03-31"))
        .await
        .assert_status(201);

    for (starts_on, ends_on) in [
        ("2027-03-31", None),
        ("2027-01-01", Some("2027-03-01")),
        ("2027-03-10", Some("2027-03-10")),
        ("2027-01-01", None),
    ] {
        let refused = create(&admin, &ana, starts_on, ends_on)
            .await
            .assert_problem(409, "conflict")
            .assert_fault("/starts_on");
        assert!(
            refused.text().contains(&march.id()),
            "the other one is named: {}",
            refused.text()
        );
    }
    create(&admin, &bea, "2027-03-10", None).await.assert_status(201);
    create(&admin, &ana, "2027-02-01", Some("2027-02-28"))
        .await
        .assert_status(201);
    let april = create(&admin, &ana, "2027-04-01", None).await.assert_status(201);
    let path = format!("/v1/absences/{}", april.id());
    admin
        .patch(&path, json!({"starts_on": "2027-03-31"}))
        .await
        .assert_problem(409, "conflict")
        .assert_fault("/starts_on");
    admin
        .patch(&path, json!({"kind": "leave", "starts_on": "2027-04-02"}))
        .await
        .assert_status(200);

    let march = format!("/v1/absences/{}/archival", march.id());
    admin.post(&march, json!({})).await.assert_status(200);
    create(&admin, &ana, "2027-03-15", Some("2027-03-20"))
        .await
        .assert_status(201);
    admin
        .with("If-Match", "*")
        .delete(&march)
        .await
        .assert_problem(409, "conflict");

    let rows = [
        absence(&ana, "2028-01-01", Some("2028-01-31")),
        absence(&ana, "2026-01-01", Some("2026-01-31")),
        absence(&ana, "2026-01-31", Some("2026-02-10")),
        absence(&ana, "2026-02-01", Some("2026-02-10")),
        absence(&bea, "2026-01-31", Some("2026-01-01")),
    ];
    let answer = admin
        .bulk("/v1/absences", rows.map(|row| json!({"create": row})))
        .await;
    assert_eq!(
        answer.row_outcomes(),
        [
            "409 conflict /starts_on",
            "201",
            "409 conflict /starts_on",
            "201",
            "422 validation_failed /ends_on"
        ]
    );
}

#[actix_web::test]
async fn absences_are_seen_and_written_in_the_scope_of_their_users_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let here = unit(&admin, "here", None).await;
    let there = unit(&admin, "there", None).await;
    let ana = person(&admin, "ana", json!({"org_unit_id": here})).await;
    let bea = person(&admin, "bea", json!({"org_unit_id": there})).await;
    let of_ana = create(&admin, &ana, "2027-03-01", None).await.assert_status(201);
    let of_bea = create(&admin, &bea, "2027-04-01", None).await.assert_status(201);
    let keeper = app.holding(BOTH, "org_unit", Some(uuid(&here)));

    assert_eq!(first_days(&keeper, "").await, ["2027-03-01"]);
    let bea_path = format!("/v1/absences/{}", of_bea.id());
    keeper.get(&bea_path).await.assert_problem(404, "not_found");
    keeper
        .patch(
            &format!("/v1/absences/{}", of_ana.id()),
            json!({"ends_on": "2027-05-01"}),
        )
        .await
        .assert_status(200);

    // Whether somebody outside is away is told to nobody: neither where the user is out of sight nor where they are seen.
    let seer = person(&admin, "seer", json!({})).await;
    app.grant("user", uuid(&seer), "auditor", &[("everything", None)]);
    app.grant(
        "user",
        uuid(&seer),
        "hr_admin",
        &[("org_unit", Some(uuid(&here)))],
    );
    let seer = app.client_of(uuid(&seer));
    for day in ["2027-04-01", "2029-01-01"] {
        for user in [bea.as_str(), "01890000-0000-7000-8000-000000000000"] {
            create(&keeper, user, day, Some(day))
                .await
                .assert_problem(403, "forbidden");
        }
        create(&seer, &bea, day, Some(day))
            .await
            .assert_problem(403, "forbidden");
    }
    seer.get(&bea_path).await.assert_status(200);
    seer.patch(&bea_path, json!({"note": "x"}))
        .await
        .assert_problem(403, "forbidden");
    create(&admin, "01890000-0000-7000-8000-000000000000", "2026-01-01", None)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/user_id");
    create(&seer, &ana, "2026-01-01", Some("2026-01-02"))
        .await
        .assert_status(201);
}

#[actix_web::test]
async fn of_requests_at_the_same_time_one_writes_the_period() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let path = "/v1/absences";
    let rival = |day: usize| admin.post(path, absence(&ana, &format!("2027-03-0{day}"), None));
    let mut statuses: Vec<u16> = futures_util::future::join_all((1..=6).map(rival))
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}

#[actix_web::test]
async fn who_is_away_today_is_a_filter() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let today = app.app.clock.now().date_naive();
    let day = |days: i64| (today + TimeDelta::days(days)).to_string();
    for (from, to) in [(-9, -1), (0, 0), (1, 9)] {
        create(&admin, &ana, &day(from), Some(&day(to)))
            .await
            .assert_status(201);
    }
    let away_today = "filter=starts_on%20le%20%22P0D%22%20and%20not%20(ends_on%20lt%20%22P0D%22)";
    assert_eq!(first_days(&admin, away_today).await, [day(0)]);
}

/// A period as days from the first of January 2027, and whether it is archived.
#[derive(Debug)]
struct Period {
    id: String,
    user: usize,
    first: i64,
    last: Option<i64>,
    is_archived: bool,
}

impl Period {
    fn overlaps(&self, user: usize, first: i64, last: Option<i64>) -> bool {
        let ends = |last: Option<i64>| last.unwrap_or(i64::MAX);
        !self.is_archived && self.user == user && self.first <= ends(last) && first <= ends(self.last)
    }
}

/// Random bulk requests, archivals and restorations against a list of periods.
#[actix_web::test]
async fn random_absences_are_refused_where_they_overlap_and_nowhere_else() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut random = StdRng::seed_from_u64(15);
    let mut users = Vec::new();
    for name in ["ana", "bea", "cem"] {
        users.push(person(&admin, name, json!({})).await);
    }
    let date = |days: i64| (NaiveDate::from_ymd_opt(2027, 1, 1).unwrap() + TimeDelta::days(days)).to_string();
    let mut known: Vec<Period> = Vec::new();
    for _ in 0..soak(400) {
        if random.random_bool(0.3) && !known.is_empty() {
            let place = random.random_range(0..known.len());
            let path = format!("/v1/absences/{}/archival", known[place].id);
            let Period {
                user, first, last, ..
            } = known[place];
            let (answer, expected) = match known[place].is_archived {
                false => (admin.post(&path, json!({})).await, 200),
                true => {
                    let is_taken = known.iter().any(|other| other.overlaps(user, first, last));
                    let answer = admin.with("If-Match", "*").delete(&path).await;
                    (answer, if is_taken { 409 } else { 200 })
                }
            };
            assert_eq!(answer.status, expected, "{:?} {known:?}", known[place]);
            if expected == 200 {
                known[place].is_archived = !known[place].is_archived;
            }
            continue;
        }
        let (mut rows, mut periods, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..random.random_range(1..5) {
            let user = random.random_range(0..users.len());
            let first = random.random_range(0..300);
            let last = random
                .random_bool(0.95)
                .then(|| first + random.random_range(0..12));
            let (starts_on, ends_on) = (date(first), last.map(date));
            let changes = random.random_bool(0.4).then(|| {
                let places = 0..known.len();
                places.clone().find(|place| {
                    known[*place].user == user && !known[*place].is_archived && {
                        let id = &known[*place].id;
                        !periods.iter().any(|(_, period): &(_, Period)| period.id == *id)
                    }
                })
            });
            let changed = changes.flatten();
            rows.push(match changed {
                Some(place) => {
                    let update = json!({"starts_on": starts_on, "ends_on": ends_on});
                    json!({"id": known[place].id, "update": update})
                }
                None => json!({"create": absence(&users[user], &starts_on, ends_on.as_deref())}),
            });
            let id = changed.map_or_else(String::new, |place| known[place].id.clone());
            let stored = known
                .iter()
                .enumerate()
                .filter(|(place, _)| Some(*place) != changed);
            let earlier = periods
                .iter()
                .zip(&expected)
                .filter(|(_, status)| **status != 409);
            let others = stored
                .map(|(_, period)| period)
                .chain(earlier.map(|((_, period), _)| period));
            let is_taken = others
                .into_iter()
                .any(|period| period.overlaps(user, first, last));
            expected.push(match (is_taken, changed) {
                (true, _) => 409,
                (false, Some(_)) => 200,
                (false, None) => 201,
            });
            let is_archived = false;
            periods.push((
                changed,
                Period {
                    id,
                    user,
                    first,
                    last,
                    is_archived,
                },
            ));
        }
        let answer = admin.bulk("/v1/absences", rows).await.assert_status(200);
        for (index, ((changed, mut period), expected)) in periods.into_iter().zip(expected).enumerate() {
            let status = answer.at(&format!("/results/{index}/status"));
            assert_eq!(status, expected, "row {index}: {}", answer.text());
            match (expected, changed) {
                (409, _) => {}
                (_, Some(place)) => known[place] = period,
                (_, None) => {
                    let id = answer.at(&format!("/results/{index}/resource/id"));
                    period.id = id.as_str().unwrap().to_owned();
                    known.push(period);
                }
            }
        }
    }
    let overlapping = "SELECT count(*) FROM absences one JOIN absences other ON other.user_id = one.user_id
        AND other.id > one.id AND one.archived_at IS NULL AND other.archived_at IS NULL
        AND daterange(one.starts_on, one.ends_on, '[]') && daterange(other.starts_on, other.ends_on, '[]')";
    assert_eq!(count(&app, overlapping), 0);
    assert!(known.len() > soak(400) / 5, "{}", known.len());
}
