//! Which of a user's addresses is their e-mail, and who may change that.

use awc::http::Method;
use provost::authz::Permission;
use serde_json::{Value, json};

use super::{Scim, provider, token, user};
use crate::support::{Answer, Client, TestApp};

const WORK: &str = "emails[type eq \"work\"]";

fn addresses(values: &[(&str, &str, bool)]) -> Value {
    let email = |(value, kind, primary): &(&str, &str, bool)| json!({"value": value, "type": kind, "primary": primary});
    values.iter().map(email).collect()
}

// Fault 23.
#[actix_web::test]
async fn a_patch_makes_only_what_it_names_the_clients_word() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let unit = admin
        .post("/v1/org-units", json!({"code": "care", "name": "Care"}))
        .await
        .id();
    let boss = scim.user("boss").await;
    let of_hr = json!({
        "username": "ana", "given_name": "ana", "family_name": "Silva", "email": "ana@example.com",
        "org_unit_id": unit, "manager_id": boss, "department": "Care", "title": "Nurse", "cost_centre": "7",
    });
    let id = admin
        .post("/v1/users", of_hr.clone())
        .await
        .assert_status(201)
        .id();
    let (person, resource) = (format!("/v1/users/{id}"), format!("/Users/{id}"));
    let operations = [
        json!([{"op": "replace", "path": "active", "value": true}]),
        json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": "ana@home.example"}]),
        json!([{"op": "add", "path": format!("{WORK}.display"), "value": "Ana"}]),
        json!([{"op": "replace", "value": {"nickName": "An", "urn:example:tags:2.0:User:tag": "x"}}]),
        json!([{"op": "remove", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division"}]),
    ];
    for operation in operations {
        scim.patch(&resource, operation.clone()).await.assert_status(200);
        scim.put(&resource, user("ana")).await.assert_status(200);
        let person = admin.get(&person).await;
        for (field, value) in of_hr.as_object().unwrap() {
            assert_eq!(
                person.at(&format!("/{field}")),
                *value,
                "{field} after {operation}"
            );
        }
    }
    let bulk = json!({"Operations": [
        {"method": "PATCH", "path": resource, "data": {"Operations": [{"op": "add", "path": "title", "value": "Nurse"}]}},
        {"method": "PUT", "path": resource, "data": user("ana")},
    ]});
    scim.post("/Bulk", bulk).await.assert_status(200);
    let person = admin.get(&person).await;
    // The client said this one, though HR had.
    assert_eq!(person.at("/title"), json!(null));
    assert_eq!(person.at("/department"), json!("Care"));
}

// Fault 12.
#[actix_web::test]
async fn another_address_takes_the_place_of_one_that_goes_the_primary_one_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let id = scim.user("ana").await;
    let path = format!("/Users/{id}");
    let three = addresses(&[
        ("work@example.com", "work", false),
        ("old@example.com", "home", false),
        ("home@example.com", "other", true),
    ]);
    let value = format!("{WORK}.value");
    for operation in [
        json!({"op": "remove", "path": value}),
        json!({"op": "remove", "path": WORK}),
        json!({"op": "replace", "path": value, "value": ""}),
        json!({"op": "replace", "path": value, "value": null}),
        json!({"op": "replace", "path": WORK, "value": {"value": ""}}),
        json!({"op": "replace", "value": { value.clone(): "" }}),
        json!({"op": "replace", "value": { value.clone(): null }}),
        json!({"op": "remove", "path": "emails", "value": [{"value": "work@example.com"}]}),
    ] {
        scim.patch(
            &path,
            json!([{"op": "replace", "path": "emails", "value": three}]),
        )
        .await
        .assert_status(200);
        scim.patch(&path, json!([operation])).await.assert_status(200);
        let person = admin.get(&format!("/v1/users/{id}")).await;
        assert_eq!(person.at("/email"), json!("home@example.com"), "{operation}");
    }
    let rest = json!([{"op": "remove", "path": "emails[type eq \"other\"].value"}]);
    scim.patch(&path, rest).await.assert_status(200);
    assert_eq!(
        admin.get(&format!("/v1/users/{id}")).await.at("/email"),
        json!("old@example.com")
    );
    let rest = json!([{"op": "remove", "path": "emails.value"}]);
    scim.patch(&path, rest).await.assert_status(200);
    assert_eq!(
        admin.get(&format!("/v1/users/{id}")).await.at("/email"),
        json!(null)
    );
}

/// A SCIM client of an account, and the account itself.
async fn of_account(app: &TestApp, holder: Client) -> (Client, Scim) {
    let account = holder.get("/v1/me").await.id();
    let token = token(app, &account, json!({"kind": "scim"})).await;
    (holder, Scim(Client::new(&app.address, Some(token))))
}

// Fault 24.
#[actix_web::test]
async fn nobody_plants_or_takes_an_address_of_somebody_who_may_do_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = admin
        .post("/v1/org-units", json!({"code": "care", "name": "Care"}))
        .await
        .id();
    let unit_id = Some(unit.parse().unwrap());
    let person = async |name: &str| {
        let email = format!("{name}@example.com");
        let body = json!({"username": name, "given_name": name, "family_name": "Silva", "email": email, "org_unit_id": unit});
        admin.post("/v1/users", body).await.assert_status(201).id()
    };
    let (ana, boss) = (person("ana").await, person("boss").await);
    app.grant(
        "user",
        boss.parse().unwrap(),
        "lms_admin",
        &[("everything", None)],
    );
    let hr = app.holding(
        &[Permission::UsersRead, Permission::UsersWrite],
        "org_unit",
        unit_id,
    );
    let (hr, narrow) = of_account(&app, hr).await;
    let (_, wide) = of_account(&app, app.holding_role("lms_admin", &[("everything", None)])).await;

    let with_another = |name: &str| {
        let mut body = user(name);
        body["emails"] = addresses(&[
            (&format!("{name}@example.com"), "work", true),
            ("planted@example.com", "home", false),
        ]);
        body
    };
    let another = json!([{"op": "add", "path": "emails",
        "value": [{"value": "planted@example.com", "type": "home"}]}]);
    let made =
        json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": "planted@example.com"}]);
    let none = json!([{"op": "remove", "path": "emails"}]);
    let all = async |id: &str, name: &str| -> Vec<Answer> {
        let (resource, row) = (format!("/Users/{id}"), format!("/v1/users/{id}"));
        let bulk = json!({"rows": [{"row_key": "1", "id": id, "update": {"email": null}}]});
        let scim_bulk = json!({"Operations": [
            {"method": "PUT", "path": resource, "data": with_another(name)}]});
        vec![
            narrow.patch(&resource, another.clone()).await,
            narrow.patch(&resource, made.clone()).await,
            narrow.put(&resource, with_another(name)).await,
            narrow.post("/Bulk", scim_bulk).await,
            hr.patch(&row, json!({"email": "planted@example.com"})).await,
            hr.patch(&row, json!({"email": null})).await,
            hr.post("/v1/users/bulk", bulk).await,
            narrow.patch(&resource, none.clone()).await,
        ]
    };
    // A bulk request tells the status inside.
    let status = |answer: &Answer| {
        let inside = answer.at("/results/0/status");
        let inside = inside.as_u64().or(answer
            .at("/Operations/0/status")
            .as_str()
            .and_then(|status| status.parse().ok()));
        inside.unwrap_or(answer.status.into())
    };
    for answer in all(&boss, "boss").await {
        assert_eq!(status(&answer), 403, "{}: {}", answer.request, answer.text());
    }
    // What leaves the addresses as they are is no change of them.
    let mut same = user("boss");
    same["emails"] = addresses(&[("boss@example.com", "work", true)]);
    narrow
        .put(&format!("/Users/{boss}"), same)
        .await
        .assert_status(200);
    for answer in all(&ana, "ana").await {
        assert!(status(&answer) < 300, "{}: {}", answer.request, answer.text());
    }

    // Who holds as much may, and then the address follows.
    let resource = format!("/Users/{boss}");
    wide.patch(&resource, made.clone()).await.assert_status(200);
    let remove = json!([{"op": "remove", "path": WORK}]);
    narrow
        .patch(&resource, remove.clone())
        .await
        .assert_scim_error(403, None);
    wide.patch(&resource, remove).await.assert_status(200);
    let email = admin.get(&format!("/v1/users/{boss}")).await.at("/email");
    assert_eq!(email, json!("planted@example.com"));

    // Emptied here, nothing comes back by itself.
    admin
        .patch(&format!("/v1/users/{boss}"), json!({"email": null}))
        .await
        .assert_status(200);
    let active = json!([{"op": "replace", "path": "active", "value": true}]);
    narrow.patch(&resource, active).await.assert_status(200);
    let seen = narrow.send(Method::GET, &resource, None).await;
    assert_eq!(seen.at("/emails"), json!(null));
    assert_eq!(
        admin.get(&format!("/v1/users/{boss}")).await.at("/email"),
        json!(null)
    );
}
