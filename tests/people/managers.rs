use provost::authz::Permission;
use serde_json::json;

use super::{names, person, unit, uuid};
use crate::support::TestApp;

const BOTH: &[Permission] = &[Permission::UsersRead, Permission::UsersWrite];

#[actix_web::test]
async fn nobody_reports_to_themselves_however_far_round() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let bea = person(&admin, "bea", json!({"manager_id": ana})).await;
    let cid = person(&admin, "cid", json!({"manager_id": bea})).await;

    for manager in [&ana, &bea, &cid] {
        admin
            .patch(&format!("/v1/users/{ana}"), json!({"manager_id": manager}))
            .await
            .assert_problem(409, "manager_cycle")
            .assert_fault("/manager_id");
    }
    let below = format!("/v1/users?filter=line_manager_id%20eq%20%22{ana}%22");
    assert_eq!(names(&admin, &below).await, ["bea", "cid"]);

    admin
        .patch(&format!("/v1/users/{bea}"), json!({"manager_id": null}))
        .await
        .assert_status(200);
    assert!(names(&admin, &below).await.is_empty());
}

#[actix_web::test]
async fn writers_of_one_unit_keep_people_within_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let a = unit(&admin, "a", None).await;
    let b = unit(&admin, "b", None).await;
    let of_b = person(&admin, "of-b", json!({"org_unit_id": b})).await;
    let keeper = app.holding(BOTH, "org_unit", Some(uuid(&a)));

    let ana = person(&keeper, "ana", json!({"org_unit_id": a})).await;
    for (unit, status, code) in [
        (json!(b), 422, "validation_failed"),
        (json!(null), 403, "forbidden"),
    ] {
        let stranger = json!({"username": "x", "given_name": "X", "family_name": "Y", "org_unit_id": unit});
        keeper
            .post("/v1/users", stranger)
            .await
            .assert_problem(status, code);
        keeper
            .patch(&format!("/v1/users/{ana}"), json!({"org_unit_id": unit}))
            .await
            .assert_problem(status, code);
    }
    for path in [format!("/v1/users/{of_b}"), format!("/v1/users/{of_b}/history")] {
        keeper.get(&path).await.assert_problem(404, "not_found");
    }
    keeper
        .with("If-Match", "*")
        .put(
            &format!("/v1/users/{of_b}/password"),
            json!({"password": "long enough"}),
        )
        .await
        .assert_problem(404, "not_found");
    assert_eq!(
        names(&admin, "/v1/users?filter=username%20eq%20%22x%22")
            .await
            .len(),
        0
    );
}

#[actix_web::test]
async fn a_manager_who_may_adds_people_to_their_own_line_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let boss = person(&admin, "boss", json!({})).await;
    let lead = person(&admin, "lead", json!({"manager_id": boss})).await;
    let other = person(&admin, "other", json!({})).await;
    app.write(|tx| {
        use provost::sql;
        sql!(
            "WITH role AS (INSERT INTO roles (id, code, name, permissions, created_at, updated_at)
                VALUES (gen_random_uuid(), 'line', 'line', '{users.read,users.write}', now(), now())
                RETURNING id)
             INSERT INTO grants (id, principal_kind, principal_id, role_id, scope_kind, created_at,
                updated_at)
             SELECT gen_random_uuid(), 'user', {uuid}, role.id, 'own_reports', now(), now() FROM role",
            uuid = uuid(&boss),
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let boss = app.client_of(uuid(&boss));

    person(&boss, "new", json!({"manager_id": lead})).await;
    let stranger = json!({"username": "x", "given_name": "X", "family_name": "Y", "manager_id": other});
    boss.post("/v1/users", stranger)
        .await
        .assert_problem(422, "validation_failed");
}

#[actix_web::test]
async fn a_suspended_person_is_refused_at_the_next_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let path = format!("/v1/users/{ana}");
    let client = app.client_of(uuid(&ana));
    client.get(&path).await.assert_status(200);

    for status in ["suspended", "archived", "invited"] {
        admin
            .patch(&path, json!({"status": status}))
            .await
            .assert_status(200);
        client.get(&path).await.assert_problem(401, "unauthenticated");
        admin
            .patch(&path, json!({"status": "active"}))
            .await
            .assert_status(200);
        client.get(&path).await.assert_status(200);
    }
}

#[actix_web::test]
async fn a_password_that_was_set_signs_in() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let path = format!("/v1/users/{ana}/password");
    let admin = admin.with("If-Match", "*");

    admin
        .put(&path, json!({"password": "short"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/password");
    admin
        .put(&path, json!({"password": "a horse, of course"}))
        .await
        .assert_status(204);

    let form = |password: &str| format!("grant_type=password&username=ana&password={password}").into_bytes();
    let sign_in = |password: &str| {
        let body = form(password);
        let client = app.anonymous();
        async move {
            client
                .send(
                    awc::http::Method::POST,
                    "/oauth/token",
                    Some(body),
                    "application/x-www-form-urlencoded",
                )
                .await
        }
    };
    sign_in("a+horse%2C+of+course").await.assert_status(200);
    sign_in("another").await.assert_status(400);
    let events: i64 = app.write(|tx| {
        use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
        use provost::db::schema::events::dsl::{action, events};
        Ok(events
            .filter(action.eq("user.password_set"))
            .count()
            .get_result(tx.conn)?)
    });
    assert_eq!(events, 2, "the administrator's and this one");
}
