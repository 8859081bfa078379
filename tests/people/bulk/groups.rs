use provost::authz::Permission;
use serde_json::{Value, json};

use super::{
    super::{names, person, uuid},
    events, id, row, send, told,
};
use crate::support::TestApp;

const PATH: &str = "/v1/groups/bulk";

fn create(key: &str, filter: Option<&str>) -> Value {
    let kind = if filter.is_some() { "dynamic" } else { "static" };
    json!({"row_key": key, "create": {"code": key, "name": key, "kind": kind, "filter": filter}})
}

fn update(key: &str, id: &str, changes: Value) -> Value {
    json!({"row_key": key, "id": id, "update": changes})
}

#[actix_web::test]
async fn a_thousand_groups_are_added_at_once_with_their_members() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (name, department) in [("ana", "d7"), ("bea", "d8")] {
        person(&admin, name, json!({"department": department})).await;
    }
    let rows: Vec<Value> = (0..1000)
        .map(|n| {
            create(
                &format!("g{n}"),
                (n % 2 == 1).then(|| format!("department eq \"d{n}\"")).as_deref(),
            )
        })
        .collect();

    let answer = send(&admin, PATH, json!(rows)).await;

    assert!(told(&answer).iter().all(|(_, status, _)| *status == 201));
    assert_eq!(
        (events(&app, "group.created"), events(&app, "group.member_added")),
        (1000, 1)
    );
    let members = |index| format!("/v1/groups/{}/members", id(&answer, index));
    assert_eq!(names(&admin, &members(7)).await, ["ana"]);
    assert!(names(&admin, &members(8)).await.is_empty());
}

#[actix_web::test]
async fn right_rows_are_written_and_wrong_ones_told_by_their_keys() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"title": "Nurse"})).await;
    person(&admin, "bea", json!({"title": "Doctor"})).await;
    let made = send(
        &admin,
        PATH,
        json!([create("list", None), create("nurses", Some("title eq \"nurse\""))]),
    )
    .await;
    let (list, nurses) = (id(&made, 0), id(&made, 1));
    admin
        .post(&format!("/v1/groups/{list}/members"), json!({"add": [ana]}))
        .await
        .assert_status(200);
    let in_list = json!({"code": "w", "name": "W", "kind": "dynamic", "filter": "groups eq \"list\""});

    let rows = json!([
        create("new", None),
        create("list", None),
        create("twice", None),
        {"row_key": "twice again", "create": {"code": "twice", "name": "Twice"}},
        create("bad filter", Some("shoe eq 1")),
        {"row_key": "of groups", "create": in_list},
        {"row_key": "no filter", "create": {"code": "n", "name": "N", "kind": "dynamic"}},
        update("static filter", &list, json!({"filter": "title pr"})),
        update("change", &nurses, json!({"filter": "title eq \"doctor\"", "name": "Doctors"})),
        update("again", &nurses, json!({"name": "Surgeons"})),
        {"row_key": "missing", "id": uuid::Uuid::now_v7(), "update": {}},
    ]);
    let answer = send(&admin, PATH, rows).await;

    assert_eq!(
        told(&answer),
        [
            row("new", 201, ""),
            row("list", 409, "already_exists /create/code"),
            row("twice", 201, ""),
            row("twice again", 409, "already_exists /create/code"),
            row("bad filter", 422, "validation_failed /create/filter"),
            row("of groups", 422, "validation_failed /create/filter"),
            row("no filter", 422, "validation_failed /create/filter"),
            row("static filter", 422, "validation_failed /update/filter"),
            row("change", 200, ""),
            row("again", 409, "conflict"),
            row("missing", 404, "not_found"),
        ]
    );
    assert_eq!(
        names(&admin, &format!("/v1/groups/{nurses}/members")).await,
        ["bea"]
    );

    let renamed = send(
        &admin,
        PATH,
        json!([
            {"row_key": "stale", "id": nurses, "version": 1, "update": {"code": "doctors"}},
            update("rename", &list, json!({"code": "aiders"})),
        ]),
    )
    .await;
    assert_eq!(
        told(&renamed),
        [row("stale", 412, "precondition_failed"), row("rename", 200, "")]
    );
    assert_eq!(
        names(&admin, "/v1/users?filter=groups%20eq%20%22aiders%22").await,
        ["ana"]
    );
    assert_eq!(events(&app, "group.updated"), 2);
}

#[actix_web::test]
async fn a_writer_of_one_group_changes_it_and_not_the_reach_of_grants() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let made = send(
        &admin,
        PATH,
        json!([create("mine", Some("title pr")), create("theirs", None)]),
    )
    .await;
    let (mine, theirs) = (id(&made, 0), id(&made, 1));
    let both = &[Permission::GroupsRead, Permission::GroupsWrite];
    let keeper = app.holding(both, "group", Some(uuid(&mine)));

    let answer = send(
        &keeper,
        PATH,
        json!([
            create("new", None),
            update("own", &mine, json!({"name": "Ours"})),
            update("unseen", &theirs, json!({"name": "x"})),
        ]),
    )
    .await;
    assert_eq!(
        told(&answer),
        [
            row("new", 403, "forbidden"),
            row("own", 200, ""),
            row("unseen", 404, "not_found")
        ]
    );

    let role = json!({"code": "reader", "name": "Reader", "permissions": ["users.read"]});
    let role = admin.post("/v1/roles", role).await.assert_status(201).id();
    let central = app.holding(both, "everything", None);
    let grant = json!({"principal_kind": "service_account", "principal_id": keeper.get("/v1/me").await.id(), "role_id": role,
        "scope_kind": "group", "scope_id": mine});
    admin.post("/v1/grants", grant).await.assert_status(201);
    for (client, code) in [(keeper, "forbidden"), (central, "grant_exceeds_caller")] {
        let refused = send(
            &client,
            PATH,
            json!([update("filter", &mine, json!({"filter": "username pr"}))]),
        )
        .await;
        assert_eq!(told(&refused), [row("filter", 403, code)]);
    }
}

/// Whoever comes second learns by row what is taken.
#[actix_web::test]
async fn bulk_requests_that_race_are_all_answered_row_by_row() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let rows: Vec<_> = (0..200)
        .map(|number| create(&format!("g{number}"), None))
        .collect();
    let body = json!({ "rows": rows });

    let racing = (0..4).map(|_| admin.post(PATH, body.clone()));
    let answers = futures_util::future::join_all(racing).await;

    let mut created = 0;
    for answer in answers {
        let answer = answer.assert_status(200);
        let rows = told(&answer);
        created += rows.iter().filter(|(_, status, _)| *status == 201).count();
        let others = rows.iter().filter(|(_, status, _)| *status != 201);
        for (key, status, problem) in others {
            assert_eq!(
                (*status, problem.as_str()),
                (409, "already_exists /create/code"),
                "{key}"
            );
        }
    }
    assert_eq!(created, 200);
}
