//! The server and the worker are killed at random moments (100 in `make soak`, a tenth elsewhere) while rules are activated, paused
//! and applied by plan, people move, complete and are excepted, groups and units change, and comparisons run. In the end nothing is
//! left half done.

use std::{
    net::{SocketAddr, TcpStream},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use awc::http::Method;
use provost::ledger;
use serde_json::{Value, json};

use super::{
    academy::{Academy, Act},
    doctor_finds_nothing,
    life::Life,
    nothing_is_left_to_do, said, seed,
    world::World,
};
use crate::support::{
    Client, TestApp, count,
    process::{Process, free_address},
    soak, wait_until,
};

const KILLS: usize = 100;
const PEOPLE: usize = 600;
/// To how many people something happens at once.
const AT_ONCE: usize = 80;
/// The longest time between a request and a kill.
const LONGEST: u64 = 250;

const UNFINISHED: &str = "SELECT count(*) FROM jobs WHERE state <> 'succeeded'";

/// A server with a worker inside, and another worker.
struct Processes {
    url: String,
    /// The address of the academy, which tokens name.
    academy: String,
    address: SocketAddr,
    running: [Option<Process>; 2],
}

impl Processes {
    /// Starts what does not run, and waits for the server.
    fn start(&mut self) {
        let listen = self.address.to_string();
        let serve = ["serve", "--listen", &listen, "--public-url", &self.academy];
        let commands: [&[&str]; 2] = [&serve, &["worker", "--public-url", &self.academy]];
        for (process, arguments) in self.running.iter_mut().zip(commands) {
            process.get_or_insert_with(|| Process::start(&self.url, arguments));
        }
        wait_until("the server answers", || TcpStream::connect(self.address).is_ok());
    }

    /// Kills some of them after a while.
    fn kill(&mut self, life: &mut Life) -> JoinHandle<()> {
        let pause = Duration::from_millis(life.below(LONGEST as usize) as u64);
        let chosen = life.below(3);
        let killed = self.running.iter_mut().enumerate();
        let killed = killed.filter(|(index, _)| chosen == 2 || chosen == *index);
        let killed: Vec<Process> = killed.filter_map(|(_, process)| process.take()).collect();
        std::thread::spawn(move || {
            let begun = Instant::now();
            wait_until("the moment has come", || begun.elapsed() >= pause);
            killed.into_iter().for_each(Process::kill);
        })
    }
}

#[actix_web::test]
async fn random_kills_while_requirements_are_settled_change_nothing_in_the_end() {
    let mut life = Life::new(seed());
    let (world, mut academy) = World::found(TestApp::start().await).await;
    for acts in life.newcomers(soak(PEOPLE) * 3, academy.now.date_naive()) {
        world.send(&mut academy, acts).await;
    }
    world.add_rules(&mut academy).await;
    world.app.run_jobs();
    let address = free_address();
    let mut processes = Processes {
        url: world.app.database.url.clone(),
        academy: world.app.address.clone(),
        address,
        running: [None, None],
    };
    let client = Client::new(&format!("http://{address}"), Some(world.admin.token().to_owned()));
    for round in 0..soak(KILLS) {
        processes.start();
        let wish = wish(&world, &academy, &mut life, round).await;
        let killing = processes.kill(&mut life);
        let sent = send(&client, wish).await;
        killing.join().unwrap();
        if let Some(status) = sent {
            assert!(status < 500, "{status}");
        }
        // A job that a worker dies of time and again is dead; these die of something else.
        if life.below(2) == 0 {
            processes.start();
            wait_until("all is done", || count(&world.app, UNFINISHED) == 0);
        }
    }
    processes.start();
    wait_until("all is done", || count(&world.app, UNFINISHED) == 0);
    drop(processes);
    nothing_is_half_done(&world).await;
}

/// A request: method, path and body.
type Wish = (Method, String, Value);

/// Something to ask for.
async fn wish(world: &World, academy: &Academy, life: &mut Life, round: usize) -> Wish {
    let rule = format!("/v1/rules/{}", academy.rules[life.below(academy.rules.len())].id);
    // First of all, rules become active.
    match if round < 3 { round } else { life.below(9) } {
        0 => (Method::POST, format!("{rule}/activation"), json!({})),
        1 | 2 => {
            let hash = planned(world, &format!("{rule}/plans")).await;
            let body = json!({"plan_hash": hash, "allow_removals_percent": 100});
            (Method::POST, format!("{rule}/applications"), body)
        }
        3 => (Method::POST, format!("{rule}/pause"), json!({})),
        4 => {
            let people: Vec<_> = academy.people.iter().step_by(2).map(|person| person.id).collect();
            let change = ["add", "remove"][life.below(2)];
            let path = format!("/v1/groups/{}/members", academy.groups[0]);
            (Method::POST, path, json!({ change: people }))
        }
        5 => {
            let (unit, below) = (&academy.units[2], &academy.units[[1, 4][life.below(2)]]);
            let path = format!("/v1/org-units/{}", unit.id);
            (Method::PATCH, path, json!({ "parent_id": below.id }))
        }
        6 => {
            let hash = planned(world, "/v1/requirements/comparisons").await;
            let body = json!({ "plan_hash": hash, "allow_removals_percent": 100 });
            (Method::POST, "/v1/requirements/applications".into(), body)
        }
        _ => loop {
            let people = life.some(academy, AT_ONCE);
            let request = life.requests_about(academy, &people, 1).into_iter().next();
            let Some(acts) = request.filter(|acts| !matches!(acts[0], Act::Archive(..))) else {
                continue;
            };
            let rows = acts.iter().enumerate().map(|(number, act)| {
                let mut row = said::row(academy, act);
                row["row_key"] = json!(number.to_string());
                row
            });
            let body = json!({ "rows": rows.collect::<Vec<_>>() });
            let path = format!("{}/bulk", said::bulk_path(&acts[0]).unwrap());
            return (Method::POST, path, body);
        },
    }
}

/// Plans something; answers the hash.
async fn planned(world: &World, path: &str) -> Value {
    let begun = world.admin.post(path, json!({})).await;
    let path = begun.assert_status(202).header("location").unwrap().to_owned();
    loop {
        let operation = world.admin.get(&path).await.assert_status(200);
        if !operation.at("/finished_at").is_null() {
            return operation.at("/result/plan_hash");
        }
    }
}

/// Sends it; answers the status, if there was an answer.
async fn send(client: &Client, (method, path, body): Wish) -> Option<u16> {
    let client = match method == Method::PATCH {
        true => client.with("If-Match", "*"),
        false => client.clone(),
    };
    let body = Some(body.to_string().into_bytes());
    let answer = client.try_send(method, &path, body, "application/json").await;
    answer.ok().map(|answer| answer.status)
}

async fn nothing_is_half_done(world: &World) {
    nothing_is_left_to_do(world).await;
    doctor_finds_nothing(&world.app);
    let number = |statement| count(&world.app, statement);
    assert!(number("SELECT count(*) FROM requirements") > 0);
    assert_eq!(
        number("SELECT count(*) FROM operations WHERE finished_at IS NULL"),
        0
    );
    let opened = number("SELECT count(*) FROM events WHERE action = 'requirement.opened'");
    assert_eq!(opened, number("SELECT count(*) FROM requirements"));
    ledger::seal(&world.app.app).unwrap();
    let mut conn = world.app.app.db.connection().unwrap();
    assert_eq!(ledger::count_lost(&mut conn).unwrap(), 0);
    assert!(ledger::verify(&mut conn, 0).unwrap().intact);
}
