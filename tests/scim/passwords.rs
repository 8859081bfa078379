//! Passwords are nobody's but the person's: whatever clients call them, they go nowhere.

use serde_json::{Value, json};

use super::{Scim, provider, token, user};
use crate::support::{Client, TestApp, count};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const KEPT: &str = "SELECT count(*) AS count FROM (
        SELECT resource::text AS kept FROM scim_users
        UNION ALL SELECT concat(path, body, changes, detail) FROM scim_dry_runs
        UNION ALL SELECT concat(before, after) FROM events
        UNION ALL SELECT convert_from(body, 'UTF8') FROM idempotency_keys WHERE body IS NOT NULL
    ) everything WHERE kept ILIKE '%s3cret%'";

/// What a resource may hold beside its own: a password in every form.
fn members() -> Value {
    json!({
        "password": "S3cret", "PassWord": "S3cret", format!("{CORE}:password"): "S3cret",
        format!("{}:PASSWORD", CORE.to_uppercase()): "S3cret", CORE: {"password": "S3cret"},
        format!("{ENTERPRISE}:password"): "S3cret", "urn:example:custom:2.0:User:password": {"value": "S3cret"},
        ENTERPRISE: {"Password": "S3cret"}, "urn:example:custom:2.0:User": {"deep": [{"password": "S3cret"}]},
        "name.password": "S3cret", "nickName": "Nick",
    })
}

/// Operations of a PATCH: a password in every form, and a title.
fn operations() -> Value {
    let mut operations = vec![json!({"op": "replace", "value": members()})];
    let paths = [
        "password".to_owned(),
        "PASSWORD".to_owned(),
        format!("{CORE}:password"),
        format!("{ENTERPRISE}:Password"),
        "urn:example:custom:2.0:User:password".to_owned(),
        "password.value".to_owned(),
        "name.password".to_owned(),
        "password[type eq \"work\"].value".to_owned(),
    ];
    for path in paths {
        for op in ["add", "Replace", "remove"] {
            operations.push(json!({"op": op, "path": path, "value": "S3cret"}));
        }
    }
    // What holds a password only is not emptied.
    operations.push(json!({"op": "replace", "path": "name", "value": {"password": "S3cret"}}));
    operations.push(json!({"op": "replace", "path": ENTERPRISE, "value": {"password": "S3cret"}}));
    operations.push(json!({"OP": "replace", "PATH": "title", "VALUE": "Nurse"}));
    operations.into()
}

fn created() -> Value {
    let mut body = user("ben");
    let own = body.as_object_mut().unwrap();
    own.extend(members().as_object().unwrap().clone());
    body
}

fn bulk(ana: &str) -> Value {
    json!({"Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "cem", "password": "S3cret"}},
        {"method": "PATCH", "path": format!("/Users/{ana}"), "data": {"Operations": operations()}},
        {"method": "PATCH", "path": format!("/Users/{ana}"), "data": {"operations": [
            {"op": "replace", "path": "Password", "value": "S3cret"}]}},
    ]})
}

#[actix_web::test]
async fn passwords_are_passed_over_in_every_form_and_the_rest_is_done() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Entra").await.scim;
    let ana = scim.user("ana").await;
    let path = format!("/Users/{ana}");
    let employed = json!([{"op": "add", "path": format!("{ENTERPRISE}:division"), "value": "Care"}]);
    scim.patch(&path, employed).await.assert_status(200);

    let made = scim.post("/Users", created()).await.assert_status(201);
    assert_eq!(
        (made.at("/schemas"), made.at("/nickName")),
        (json!([CORE]), json!("Nick"))
    );
    let changed = scim.patch(&path, operations()).await.assert_status(200);
    assert_eq!(
        (changed.at("/title"), changed.at("/nickName")),
        (json!("Nurse"), json!("Nick"))
    );
    assert_eq!(
        changed.at("/name"),
        json!({"givenName": "ana", "familyName": "Silva"})
    );
    assert_eq!(changed.at("/schemas"), json!([CORE, ENTERPRISE]));
    assert_eq!(changed.json()[ENTERPRISE], json!({"division": "Care"}));
    let only = json!([{"op": "replace", "path": "password", "value": "S3cret"}]);
    let same = scim.patch(&path, only).await.assert_status(200);
    assert_eq!(same.json(), changed.json());
    let put = scim
        .put(&format!("/Users/{}", made.id()), created())
        .await
        .assert_status(200);
    let done = scim.post("/Bulk", bulk(&ana)).await.assert_status(200);
    let statuses: Vec<_> = (0..3)
        .map(|at| done.at(&format!("/Operations/{at}/status")))
        .collect();
    assert_eq!(
        statuses,
        [json!("201"), json!("200"), json!("200")],
        "{}",
        done.text()
    );

    for answer in [made, changed, put, done, scim.get("/Users").await] {
        assert!(
            !answer.text().to_lowercase().contains("password"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(count(&app, KEPT), 0);
}

#[actix_web::test]
async fn what_is_only_tried_is_recorded_without_passwords() {
    let app = TestApp::start().await;
    let provider = provider(&app, "Entra").await;
    let ana = provider.scim.user("ana").await;
    let trying = token(&app, &provider.account, json!({"kind": "scim", "dry_run": true})).await;
    let trying = Scim(Client::new(&app.address, Some(trying)));
    let path = format!("/Users/{ana}");

    trying.post("/Users", created()).await.assert_status(201);
    trying.put(&path, created()).await.assert_status(200);
    trying.patch(&path, operations()).await.assert_status(200);
    trying.post("/Bulk", bulk(&ana)).await.assert_status(200);
    // What is refused is recorded too.
    let wrong =
        json!([{"path": "password", "value": "S3cret"}, {"op": "add", "path": "shoeSize", "value": 43}]);
    trying
        .patch(&path, wrong)
        .await
        .assert_scim_error(400, Some("invalidPath"));
    trying
        .post("/Users", json!({"password": "S3cret"}))
        .await
        .assert_scim_error(400, Some("invalidValue"));

    let listed = app
        .admin()
        .await
        .get("/v1/scim/dry-runs")
        .await
        .assert_status(200);
    assert_eq!(listed.at("/data").as_array().unwrap().len(), 6);
    assert!(
        !listed.text().to_lowercase().contains("password"),
        "{}",
        listed.text()
    );
    assert_eq!(count(&app, KEPT), 0);
}
