//! Bulk requests about roles and grants: no row is let through that would be refused by itself, and no row makes another
//! possible.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use provost::authz::Permission::{self, *};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{grant_body, id, person, person_with, role, scopes::org_unit};
use crate::support::{Client, TestApp, soak};

const SEED: u64 = 20_261_129;

/// How many grants each caller asks for.
const GRANTS: usize = 600;

/// An academy with principals, roles and scopes of every kind, and callers who may grant here and there.
struct Academy {
    app: TestApp,
    principals: Vec<(&'static str, Uuid)>,
    roles: Vec<Uuid>,
    scopes: Vec<(&'static str, Option<Uuid>)>,
    callers: Vec<Client>,
}

impl Academy {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        let above = org_unit(&app, "above", None);
        let below = super::scopes::org_unit_with_id(&app, Uuid::now_v7(), "below", Some(above));
        let beside = org_unit(&app, "beside", None);
        let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": above})).await;
        let far = person(&admin, "far").await;
        let account = id(&admin.post("/v1/service-accounts", json!({"name": "feed"})).await);
        let group = json!({"code": "static", "name": "Static"});
        let group = id(&admin.post("/v1/groups", group).await.assert_status(201));
        let dynamic = json!({"code": "dynamic", "name": "Dynamic", "kind": "dynamic", "filter": "title pr"});
        let dynamic = id(&admin.post("/v1/groups", dynamic).await.assert_status(201));
        let category = json!({"code": "safety", "name": "Safety"});
        let category = id(&admin.post("/v1/categories", category).await.assert_status(201));
        let mut roles = vec![role(&admin, "lms_admin").await, Uuid::now_v7()];
        for (code, permissions) in [("reader", json!(["users.read"])), ("nothing", json!([]))] {
            let body = json!({"code": code, "name": code, "permissions": permissions});
            roles.push(id(&admin.post("/v1/roles", body).await.assert_status(201)));
        }
        let keeper: &[Permission] = &[RolesRead, RolesWrite, UsersRead];
        let callers = vec![
            app.holding(Permission::ALL, "everything", None),
            app.holding(keeper, "everything", None),
            app.holding(keeper, "org_unit", Some(above)),
            app.holding(keeper, "category", Some(category)),
            app.holding(&[UsersRead], "everything", None),
        ];
        Academy {
            app,
            principals: vec![
                ("user", ana),
                ("user", far),
                ("user", Uuid::now_v7()),
                ("group", group),
                ("group", dynamic),
                ("service_account", account),
            ],
            roles,
            scopes: vec![
                ("everything", None),
                ("org_unit", Some(above)),
                ("org_unit", Some(below)),
                ("org_unit", Some(beside)),
                ("org_unit", Some(Uuid::now_v7())),
                ("group", Some(dynamic)),
                ("category", Some(category)),
                ("own_reports", None),
                ("self", None),
            ],
            callers,
        }
    }

    /// A random grant, the same in every academy for the same random numbers.
    fn random_grant(&self, random: &mut StdRng) -> Value {
        let principal = *self.principals.choose(random).unwrap();
        let role = *self.roles.choose(random).unwrap();
        let mut body = grant_body(principal, role, *self.scopes.choose(random).unwrap());
        let now = self.app.app.clock.now();
        let mut day = |most: i64| {
            let is_given = random.random_range(0..2) == 0;
            is_given.then(|| now + TimeDelta::days(random.random_range(-2..most)))
        };
        (body["starts_at"], body["ends_at"]) = (json!(day(6)), json!(day(9)));
        body
    }
}

#[actix_web::test]
async fn bulk_grants_refuse_exactly_what_single_grants_refuse() {
    let (one_by_one, at_once) = (Academy::open().await, Academy::open().await);
    let mut seen = BTreeSet::new();
    for (caller, clients) in one_by_one.callers.iter().zip(&at_once.callers).enumerate() {
        let seed = SEED + caller as u64;
        let (mut here, mut there) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(seed));
        let (mut singly, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..soak(GRANTS) {
            let answer = clients
                .0
                .post("/v1/grants", one_by_one.random_grant(&mut here))
                .await;
            singly.push(answer.outcome());
            rows.push(json!({"create": at_once.random_grant(&mut there)}));
        }
        let answer = clients.1.bulk("/v1/grants", rows).await;
        if answer.status == 403 {
            let is_refused = |one: &String| one == "403 forbidden" || one.starts_with("422");
            assert!(singly.iter().all(is_refused), "{caller}: {singly:?}");
            continue;
        }
        assert_eq!(
            answer.assert_status(200).row_outcomes(),
            singly,
            "caller {caller}"
        );
        seen.extend(singly);
    }
    for expected in [
        "201",
        "403 grant_exceeds_caller",
        "409 already_exists /role_id",
        "422 validation_failed /principal_id",
    ] {
        assert!(seen.contains(expected), "{expected} never came up: {seen:?}");
    }
}

/// What the rows of one request, or one request after another, could add up to.
#[actix_web::test]
async fn rows_do_not_add_up_to_more_than_the_caller_holds() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let keeper = app.holding(&[RolesRead, RolesWrite, UsersRead], "everything", None);
    let me = id(&keeper.get("/v1/me").await);
    let ana = person(&admin, "ana").await;

    // Nobody holds the role, so it may say what it likes; granting it is another matter.
    let wide = json!({"code": "wide", "name": "Wide", "permissions": ["users.write"]});
    let narrow = json!({"code": "narrow", "name": "Narrow", "permissions": ["users.read"]});
    let answer = keeper
        .bulk(
            "/v1/roles",
            vec![json!({"create": wide}), json!({"create": narrow})],
        )
        .await;
    assert_eq!(answer.row_outcomes(), ["201", "201"]);
    let role = |index: usize| -> Uuid {
        let id = answer.at(&format!("/results/{index}/resource/id"));
        id.as_str().unwrap().parse().unwrap()
    };
    let (wide, narrow) = (role(0), role(1));
    let grant = |principal, role| json!({"create": grant_body(principal, role, ("everything", None))});
    let rows = vec![
        grant(("service_account", me), narrow),
        grant(("service_account", me), wide),
        grant(("user", ana), narrow),
        grant(("user", ana), narrow),
        grant(("user", ana), wide),
    ];
    let answer = keeper.bulk("/v1/grants", rows).await;
    let exceeds = "403 grant_exceeds_caller";
    assert_eq!(
        answer.row_outcomes(),
        ["201", exceeds, "201", "409 already_exists /role_id", exceeds]
    );
    let detail = answer.at("/results/1/problem/detail");
    assert!(detail.as_str().unwrap().contains("users.write"), "{detail}");
    let first = answer.at("/results/2/resource/id");
    let named = answer.at("/results/3/problem/errors/0/detail");
    assert!(
        named.as_str().unwrap().contains(first.as_str().unwrap()),
        "{named}"
    );

    // Now it is held, so it does not become wider, whatever else the request says of it.
    let widen = json!({"id": narrow, "update": {"permissions": ["users.read", "users.write"]}});
    let rename = json!({"id": narrow, "update": {"name": "Narrower"}});
    assert_eq!(
        keeper.bulk("/v1/roles", vec![widen.clone()]).await.row_outcomes(),
        [exceeds]
    );
    let both = keeper.bulk("/v1/roles", vec![rename, widen]).await;
    assert_eq!(both.row_outcomes(), ["200", "409 conflict"]);
    assert_eq!(
        keeper
            .get(&format!("/v1/roles/{narrow}"))
            .await
            .at("/permissions"),
        json!(["users.read"])
    );

    // What a row takes back another does not give again, and what it takes back it can only do where the caller may.
    let revoke = json!({"id": first, "revoke": {}});
    let answer = keeper
        .bulk("/v1/grants", vec![revoke, grant(("user", ana), narrow)])
        .await;
    assert_eq!(answer.row_outcomes(), ["200", "409 already_exists /role_id"]);
    assert_ne!(answer.at("/results/0/resource/revoked_at"), Value::Null);
    let again = keeper
        .bulk("/v1/grants", vec![grant(("user", ana), narrow)])
        .await;
    assert_eq!(again.row_outcomes(), ["201"]);
    let unit = org_unit(&app, "unit", None);
    let local = app.holding(&[RolesRead, RolesWrite], "org_unit", Some(unit));
    let revoke = json!({"id": again.at("/results/0/resource/id"), "revoke": {}});
    assert_eq!(
        local.bulk("/v1/grants", vec![revoke]).await.row_outcomes(),
        ["404 not_found"]
    );
}

#[actix_web::test]
async fn roles_in_bulk_are_as_strict_as_one_by_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let built_in = role(&admin, "manager").await;
    let create = |code: &str, permissions: Value| json!({"create": {"code": code, "name": "N", "permissions": permissions}});
    let rows = vec![
        create("one", json!(["groups.read", "users.read", "users.read"])),
        create("one", json!([])),
        create("manager", json!([])),
        create("two", json!(["users.read", "users.fly"])),
        json!({"id": built_in, "update": {"name": "Boss"}}),
        json!({"id": built_in, "update": {"code": "boss"}}),
    ];
    let answer = admin.bulk("/v1/roles", rows.clone()).await;
    let expected = [
        "201",
        "409 already_exists /code",
        "409 already_exists /code",
        "422 validation_failed /permissions/1",
        "409 role_built_in",
        "422 validation_failed /update/code",
    ];
    assert_eq!(answer.row_outcomes(), expected);
    let stored = answer.at("/results/0/resource/permissions");
    assert_eq!(stored, json!(["users.read", "groups.read"]));
    let local = app.holding(
        &[RolesRead, RolesWrite],
        "org_unit",
        Some(org_unit(&app, "unit", None)),
    );
    let refused = local.bulk("/v1/roles", rows).await.row_outcomes();
    assert_eq!(refused[0], "403 forbidden");
    assert_eq!(refused[4], "403 forbidden");
}

#[actix_web::test]
async fn grants_show_their_role() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let body = grant_body(("user", ana), role(&admin, "auditor").await, ("everything", None));
    let grant = admin.post("/v1/grants", body).await.id();
    let shown = admin
        .get(&format!("/v1/grants/{grant}?expand=role"))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/role/code"), json!("auditor"));
}
