//! Random steps (two thousand in `make soak`, a tenth elsewhere) of people and programs who begin, list, watch and cancel
//! operations, some in other people's place, while what they hold changes. A plain model says what each of them sees and
//! may cancel.

use std::collections::BTreeMap;

use provost::{authz::Permission, operations};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{exchange::acting, grant_body, id, person, scopes::org_unit},
    support::{Client, TestApp, soak},
};

const STEPS: usize = 2_000;
const PEOPLE: usize = 4;
const ACCOUNTS: usize = 2;
/// The administrator, who holds everything.
const ADMIN: usize = PEOPLE + ACCOUNTS;

/// What changes hands.
const HELD: [Permission; 3] = [
    Permission::EventsRead,
    Permission::OperationsRead,
    Permission::JobsWrite,
];

struct Grant {
    id: Uuid,
    holder: usize,
    permission: Permission,
    is_everywhere: bool,
}

/// Whose it is, if it is somebody's, and whether it has ended.
struct Operation {
    owner: Option<usize>,
    has_ended: bool,
}

#[derive(Default)]
struct Model {
    grants: Vec<Grant>,
    operations: BTreeMap<String, Operation>,
}

impl Model {
    fn holds_everywhere(&self, principal: usize, permission: Permission) -> bool {
        let is_it = |grant: &Grant| {
            grant.is_everywhere && grant.holder == principal && grant.permission == permission
        };
        principal == ADMIN || self.grants.iter().any(is_it)
    }

    fn sees(&self, principal: usize, operation: &Operation) -> bool {
        operation.owner == Some(principal) || self.holds_everywhere(principal, Permission::OperationsRead)
    }

    fn may_cancel(&self, principal: usize, operation: &Operation) -> bool {
        operation.owner == Some(principal) || self.holds_everywhere(principal, Permission::JobsWrite)
    }
}

/// All ids that a caller lists, page by page.
async fn listed(client: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = client.get(&format!("/v1/operations?limit=7{cursor}")).await;
        let answer = answer.assert_status(200).json();
        let data = answer["data"].as_array().unwrap().iter();
        ids.extend(data.map(|operation| operation["id"].as_str().unwrap().to_owned()));
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    ids.sort();
    ids
}

/// Fault 26.
#[actix_web::test]
async fn random_callers_see_and_cancel_what_is_theirs_or_in_their_scope() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.run_jobs();
    let unit = org_unit(&app, "unit", None);
    let mut principals = Vec::new();
    // Each caller, and whose grants count.
    let mut callers = vec![(admin.clone(), ADMIN)];
    for number in 0..PEOPLE {
        let user = person(&admin, &format!("person{number}")).await;
        let change = json!({"org_unit_id": unit});
        admin
            .patch(&format!("/v1/users/{user}"), change)
            .await
            .assert_status(200);
        callers.push((app.client_of(user), number));
        callers.push((acting(&app, &admin, user).await, number));
        principals.push(("user", user));
    }
    for number in PEOPLE..PEOPLE + ACCOUNTS {
        let client = app.holding(&[], "everything", None);
        let account = client.get("/v1/me").await.assert_status(200).id();
        principals.push(("service_account", account.parse().unwrap()));
        callers.push((client, number));
    }
    let mut roles = Vec::new();
    for (number, permission) in HELD.iter().enumerate() {
        let code = format!("role{number}");
        let body = json!({"code": code, "name": code, "permissions": [permission]});
        roles.push(id(&admin.post("/v1/roles", body).await.assert_status(201)));
    }

    let mut random = StdRng::seed_from_u64(26);
    let mut model = Model::default();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for step in 0..soak(STEPS) {
        let (client, principal) = callers[random.random_range(0..callers.len())].clone();
        let some = random.random_range(0..model.operations.len().max(1));
        let some = model.operations.keys().nth(some).cloned();
        let outcome = match (random.random_range(0..100), some) {
            (0..25, _) => {
                let (holder, permission) =
                    (random.random_range(0..ADMIN), random.random_range(0..HELD.len()));
                let is_everywhere = random.random_bool(0.6);
                let scope = if is_everywhere {
                    ("everything", None)
                } else {
                    ("org_unit", Some(unit))
                };
                let answer = admin
                    .post(
                        "/v1/grants",
                        grant_body(principals[holder], roles[permission], scope),
                    )
                    .await;
                if answer.status == 201 {
                    model.grants.push(Grant {
                        id: id(&answer),
                        holder,
                        permission: HELD[permission],
                        is_everywhere,
                    });
                }
                "grant".to_owned()
            }
            (25..40, _) if !model.grants.is_empty() => {
                let grant = model.grants.remove(random.random_range(0..model.grants.len()));
                let path = format!("/v1/grants/{}", grant.id);
                admin.with("If-Match", "*").delete(&path).await;
                "revoke".to_owned()
            }
            (40..60, _) => {
                let answer = client.post("/v1/ledger/verifications", json!({})).await;
                let expected = match model.holds_everywhere(principal, Permission::EventsRead) {
                    true => 202,
                    false => 403,
                };
                assert_eq!(answer.status, expected, "step {step}: {}", answer.text());
                if expected == 202 {
                    let owner = Some(principal);
                    model.operations.insert(
                        answer.id(),
                        Operation {
                            owner,
                            has_ended: false,
                        },
                    );
                }
                format!("begin {expected}")
            }
            (60..62, _) => {
                let begun = app.write(|tx| operations::begin(tx, "ledger.verification", None));
                let operation = Operation {
                    owner: None,
                    has_ended: false,
                };
                model.operations.insert(begun.id.to_string(), operation);
                "begin by Provost".to_owned()
            }
            (62..75, _) => {
                let seen = model
                    .operations
                    .iter()
                    .filter(|(_, operation)| model.sees(principal, operation));
                let seen: Vec<String> = seen.map(|(id, _)| id.clone()).collect();
                assert_eq!(listed(&client).await, seen, "step {step}");
                "list".to_owned()
            }
            (75..85, Some(some)) => {
                let expected = match model.sees(principal, &model.operations[&some]) {
                    true => 200,
                    false => 404,
                };
                client
                    .get(&format!("/v1/operations/{some}"))
                    .await
                    .assert_status(expected);
                format!("get {expected}")
            }
            (85..98, Some(some)) => {
                let operation = &model.operations[&some];
                let expected = match operation {
                    operation if !model.sees(principal, operation) => 404,
                    operation if !model.may_cancel(principal, operation) => 403,
                    operation if operation.has_ended => 409,
                    _ => 202,
                };
                let path = format!("/v1/operations/{some}/cancellation");
                client.post(&path, json!({})).await.assert_status(expected);
                if let Some(operation) = model.operations.get_mut(&some) {
                    operation.has_ended |= expected == 202;
                }
                format!("cancel {expected}")
            }
            (98.., _) => {
                app.run_jobs();
                // Provost's own have no jobs.
                let mine = model
                    .operations
                    .values_mut()
                    .filter(|operation| operation.owner.is_some());
                mine.for_each(|operation| operation.has_ended = true);
                "run".to_owned()
            }
            _ => "nothing to do".to_owned(),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    for outcome in [
        "begin 202",
        "begin 403",
        "list",
        "get 200",
        "get 404",
        "cancel 202",
        "cancel 403",
        "cancel 404",
    ] {
        assert!(counts.contains_key(outcome), "{counts:?}");
    }
}
