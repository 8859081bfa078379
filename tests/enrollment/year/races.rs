//! Several clients, an HR import and a worker at the same time: what comes of it is what comes of some order of what they did, as the
//! model of [`super`] has it.

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use provost::{
    cli::worker::HANDLERS,
    enrollment::rules::{
        comparison::SettleEverybody,
        courses,
        job::{ReconcileRule, SettleUsers},
    },
    jobs::Worker,
    ledger,
};
use serde_json::{Value, json};

use super::{
    academy::{Academy, Act, Fact, Made, Person, Status},
    doctor_finds_nothing, first_day,
    life::Life,
    nothing_is_left_to_do,
    outline::Outline,
    seed,
    world::{World, go_to},
};
use crate::support::{TestApp, count, soak, wait_until};

const PEOPLE: usize = 40;
const ROUNDS: usize = 80;
/// The people whom all clients of a round are about.
const FOCUS: usize = 4;
const CLIENTS: usize = 3;
const REQUESTS: usize = 2;

/// The rule for managers: it makes what becomes of one person hang on others.
const LEADING: &str = "leading";

/// What one client did, request by request.
type Done = Vec<Vec<(Act, Made)>>;

#[actix_web::test]
async fn random_races_end_as_some_order_of_them_would() {
    let mut life = Life::new(seed());
    let adjust = |config: &mut provost::config::Config| {
        config.database_connections = 4;
        config.http_threads = 2;
    };
    let app = TestApp::start_as(adjust, provost::ledger::Consumers(&[courses::CONSUMER])).await;
    go_to(&app, first_day());
    let (mut world, mut academy) = World::found(app).await;
    for acts in life.newcomers(PEOPLE, first_day()) {
        world.send(&mut academy, acts).await;
    }
    world.add_rules(&mut academy).await;
    for rule in 0..academy.rules.len() {
        if academy.rules[rule].code != LEADING {
            let active = Act::Become(rule, Status::Active);
            world.send(&mut academy, vec![active]).await;
        }
    }
    add_profile(&world).await;
    for round in 1..=soak(ROUNDS) {
        let day = first_day() + TimeDelta::days(round as i64 * 5);
        world.begin(&mut academy, day).await;
        race(&world, &mut academy, &mut life).await;
    }
    nothing_is_left_to_do(&world).await;
    doctor_finds_nothing(&world.app);
}

/// A round: clients and a worker, and then what came of it.
async fn race(world: &World, academy: &mut Academy, life: &mut Life) {
    let focus = life.some(academy, FOCUS);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| life.requests_about(academy, &focus, REQUESTS))
        .collect();
    let to_all = life
        .request_to_all(academy)
        .filter(|act| !is_of_leading(academy, act));
    let file = life.departments(&focus);
    let worker = Worker::start(world.app.app.clone(), HANDLERS, &[], ledger::seal_some, 4).unwrap();
    world.has_worker.set(true);
    enqueue_reconciles(world, academy, &focus);
    let of_all = vec![to_all.into_iter().collect::<Vec<_>>()];
    let writing = clients.into_iter().chain([of_all]);
    let writing = writing.map(|requests| write(world, academy, requests));
    let (mut done, imported) = join(join_all(writing), import(world, academy, &file)).await;
    done.push(vec![imported]);
    wait_until("all jobs are done", || {
        count(&world.app, "SELECT count(*) FROM jobs WHERE state <> 'succeeded'") == 0
    });
    worker.stop();
    world.has_worker.set(false);
    academy.now = world.app.app.clock.now();
    accept(world, academy, &done);
}

fn is_of_leading(academy: &Academy, act: &Act) -> bool {
    matches!(act, Act::Become(rule, _) | Act::Say(rule, _) if academy.rules[*rule].code == LEADING)
}

/// Work that should find nothing to do, whenever it comes.
fn enqueue_reconciles(world: &World, academy: &Academy, focus: &[usize]) {
    let user_ids: Vec<_> = focus.iter().map(|person| academy.people[*person].id).collect();
    world.app.write(|tx| {
        tx.enqueue(&SettleEverybody { operation: None })?;
        tx.enqueue(&SettleUsers {
            user_ids: user_ids.clone(),
        })?;
        for rule in &academy.rules[..3] {
            tx.enqueue(&ReconcileRule {
                rule_id: rule.id,
                operation_id: None,
                progress: 0,
            })?;
        }
        Ok(())
    });
}

/// Sends requests one after the other; answers what was not refused.
async fn write(world: &World, academy: &Academy, requests: Vec<Vec<Act>>) -> Done {
    let mut done = Vec::new();
    for acts in requests.into_iter().filter(|acts| !acts.is_empty()) {
        let made = world.request(academy, &acts).await;
        let went_through = acts.into_iter().zip(made);
        done.push(
            went_through
                .filter_map(|(act, made)| Some((act, made.ok()?)))
                .collect(),
        );
    }
    done
}

async fn add_profile(world: &World) {
    let body = json!({"code": "hr", "name": "HR", "resource": "users", "mapping": {
        "key": {"source": "hr", "value": {"column": "id"}},
        "fields": {"username": {"column": "id"}, "given_name": {"column": "id"}, "department": {"column": "department"}}}});
    let path = "/v1/import-profiles";
    world.admin.post(path, body).await.assert_status(201);
}

/// Imports a file that says where people work; answers whom it moved.
async fn import(world: &World, academy: &Academy, file: &[(usize, &'static str)]) -> Vec<(Act, Made)> {
    let rows = file
        .iter()
        .map(|(person, department)| format!("{},{department}\n", academy.people[*person].name));
    let text = format!("id,department\n{}", rows.collect::<String>());
    let path = "/v1/imports?profile=hr";
    let post = awc::http::Method::POST;
    let sent = world.admin.send(post, path, Some(text.into()), "text/csv").await;
    let sent = sent.assert_status(202);
    let path = format!("/v1/imports/{}", sent.id());
    world.finish(&sent.at("/operation_id")).await;
    let planned = world.admin.get(&path).await.assert_status(200);
    let hash = json!({"plan_hash": planned.at("/plan_hash")});
    let begun = world.admin.post(&format!("{path}/application"), hash).await;
    assert!(begun.status < 500, "{}", begun.text());
    if begun.status != 202 {
        return Vec::new();
    }
    world.finish(&begun.at("/id")).await;
    if world.admin.get(&path).await.at("/status") != "applied" {
        return Vec::new();
    }
    let rows = world
        .admin
        .get(&format!("{path}/rows?limit=200"))
        .await
        .assert_status(200);
    let rows = rows.at("/data").as_array().unwrap().clone();
    let is_moved = |person: &usize| {
        let is_theirs = |row: &&Value| row["key"] == json!(academy.people[*person].name);
        rows.iter()
            .find(is_theirs)
            .is_some_and(|row| row["action"] == "update")
    };
    let moved = file.iter().filter(|(person, _)| is_moved(person));
    let moved = moved.map(|(person, department)| {
        let act = Act::Change(*person, vec![Fact::Department(department)]);
        (act, Made::default())
    });
    moved.collect()
}

/// Finds for each person an order of what was done that leads to what the product has, and takes it over.
fn accept(world: &World, academy: &mut Academy, done: &[Done]) {
    let outline = world.outline(academy);
    let mut people = Vec::new();
    for (number, person) in academy.people.iter().enumerate() {
        let product = outline.iter().filter(|(key, _)| key.0 == person.id);
        let product: Outline = product.map(|(key, line)| (*key, line.clone())).collect();
        let about = |request: &Vec<(Act, Made)>| -> Vec<(Act, Made)> {
            let acts = request.iter().filter(|(act, _)| act.concerns(number));
            acts.cloned().collect()
        };
        let clients = done
            .iter()
            .map(|client| client.iter().map(about).filter(|acts| !acts.is_empty()).collect());
        let clients: Vec<Done> = clients.collect();
        let mut alone = Academy {
            people: vec![Person::default(); academy.people.len()],
            ..academy.clone()
        };
        alone.people[number] = person.clone();
        let mut seen = Vec::new();
        let accepted = some_order(&alone, number, &clients, &product, &mut seen);
        people.push(accepted.unwrap_or_else(|| {
            panic!(
                "person {number}: no order of {clients:#?}\n leads to {product:#?}\n but to {seen:#?}\n from {person:#?}\n {:#?}",
                academy.rules
            )
        }));
    }
    for request in done.iter().flatten() {
        academy.take(request);
    }
    academy.people = people;
}

/// The person after an order of what clients did that leads to `product`. Each client waits for its answers.
fn some_order(
    academy: &Academy,
    number: usize,
    clients: &[Done],
    product: &Outline,
    seen: &mut Vec<Outline>,
) -> Option<Person> {
    if clients.iter().all(Vec::is_empty) {
        let mut outline = Outline::new();
        academy.outline_of(&academy.people[number], &mut outline);
        if outline == *product {
            return Some(academy.people[number].clone());
        }
        seen.push(outline);
        return None;
    }
    let next = clients
        .iter()
        .enumerate()
        .filter(|(_, client)| !client.is_empty());
    next.into_iter().find_map(|(index, client)| {
        let mut after = academy.clone();
        after.take_for(number, &client[0]);
        let mut rest = clients.to_vec();
        rest[index].remove(0);
        some_order(&after, number, &rest, product, seen)
    })
}
