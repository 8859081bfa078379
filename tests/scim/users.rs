use awc::http::Method;
use provost::authz::Permission;
use serde_json::{Value, json};

use super::{Scim, provider, token, user};
use crate::support::{Client, TestApp};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PROVOST: &str = "urn:ietf:params:scim:schemas:extension:provost:2.0:User";

/// All that RFC 7643 shows of a user (section 8.2), but for what is read-only or another system's.
fn full() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:example:custom:2.0:User"],
        "externalId": "701984", "userName": "bjensen@example.com",
        "name": { "formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara",
            "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III" },
        "displayName": "Babs Jensen", "nickName": "Babs", "profileUrl": "https://login.example.com/bjensen",
        "emails": [{ "value": "babs@jensen.org", "type": "home" },
            { "value": "bjensen@example.com", "type": "work", "primary": true }],
        "addresses": [{ "type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood",
            "region": "CA", "postalCode": "91608", "country": "US",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA", "primary": true }],
        "phoneNumbers": [{ "value": "555-555-5555", "type": "work" }, { "value": "555-555-4444", "type": "mobile" }],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        "photos": [{ "value": "https://photos.example.com/F", "type": "photo" }],
        "userType": "Employee", "title": "Tour Guide", "preferredLanguage": "en-US", "locale": "en_US",
        "timezone": "America/Los_Angeles", "active": true,
        "x509Certificates": [{ "value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMx" }],
        "roles": [{ "value": "guide", "primary": true }], "entitlements": [{ "value": "bus" }],
        ENTERPRISE: { "employeeNumber": "701984", "costCenter": "4130", "organization": "Universal Studios",
            "division": "Theme Park", "department": "Tour Operations" },
        "urn:example:custom:2.0:User": { "badge": { "colour": "blue", "numbers": [1, 2] } },
    })
}

fn without(mut body: Value, names: &[&str]) -> Value {
    for name in names {
        body.as_object_mut().unwrap().remove(*name);
    }
    body
}

#[actix_web::test]
async fn a_put_comes_back_whole_and_putting_back_what_was_read_changes_nothing() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let id = scim.user("bjensen").await;
    let path = format!("/Users/{id}");

    let put = scim.put(&path, full()).await.assert_status(200);
    let added = ["id", "meta"];
    let mut shown = without(put.json(), &added);
    shown["schemas"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(ToString::to_string);
    let mut wanted = full();
    wanted["schemas"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(ToString::to_string);
    assert_eq!(shown, wanted);

    let read = scim.get(&path).await.assert_status(200);
    let again = scim.put(&path, read.json()).await.assert_status(200);
    assert_eq!(
        (again.json(), again.header("etag")),
        (read.json(), read.header("etag"))
    );
}

#[actix_web::test]
async fn attributes_have_their_home_in_the_person() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let definition = json!({"name": "employee_number", "label": "Employee number", "kind": "string"});
    admin
        .post("/v1/attribute-definitions", definition)
        .await
        .assert_status(201);
    admin
        .post("/v1/org-units", json!({"code": "parks", "name": "Theme parks"}))
        .await
        .assert_status(201);
    let mut body = full();
    body[PROVOST] = json!({"orgUnit": "Parks"});
    let id = scim.post("/Users", body).await.assert_status(201).id();

    let person = admin.get(&format!("/v1/users/{id}")).await.assert_status(200);
    for (pointer, value) in [
        ("/username", json!("bjensen@example.com")),
        ("/email", json!("bjensen@example.com")),
        ("/given_name", json!("Barbara")),
        ("/family_name", json!("Jensen")),
        ("/status", json!("active")),
        ("/locale", json!("en-US")),
        ("/time_zone", json!("America/Los_Angeles")),
        ("/title", json!("Tour Guide")),
        ("/employment_type", json!("Employee")),
        ("/department", json!("Tour Operations")),
        ("/cost_centre", json!("4130")),
        ("/attributes/employee_number", json!("701984")),
    ] {
        assert_eq!(person.at(pointer), value, "{pointer}");
    }
    let found =
        "/v1/users?filter=attributes.employee_number%20eq%20%22701984%22%20and%20org_unit%20eq%20%22parks%22";
    assert_eq!(admin.get(found).await.at("/data/0/id"), json!(id));

    // What changes here is shown there.
    let change = json!({"title": "Chief guide", "email": "b@example.com", "status": "suspended",
        "attributes": {"employee_number": "7"}});
    admin
        .patch(&format!("/v1/users/{id}"), change)
        .await
        .assert_status(200);
    let seen = scim.get(&format!("/Users/{id}")).await.assert_status(200);
    assert_eq!(seen.at("/title"), json!("Chief guide"));
    assert_eq!(seen.at("/active"), json!(false));
    assert_eq!(seen.at("/emails/0/value"), json!("babs@jensen.org"));
    assert_eq!(seen.at("/emails/1/value"), json!("b@example.com"));
    assert_eq!(seen.at("/nickName"), json!("Babs"));
    assert_eq!(seen.json()[ENTERPRISE]["employeeNumber"], json!("7"));
    assert_eq!(seen.json()[PROVOST]["orgUnit"], json!("parks"));
}

#[actix_web::test]
async fn put_takes_away_what_scim_gave_and_leaves_what_came_another_way() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let id = scim.post("/Users", full()).await.assert_status(201).id();
    let person = format!("/v1/users/{id}");
    admin
        .patch(&person, json!({"location": "Lisbon", "job_code": "N1"}))
        .await
        .assert_status(200);
    let second = scim.user("second").await;
    admin
        .patch(&format!("/v1/users/{second}"), json!({"department": "Care"}))
        .await
        .assert_status(200);

    scim.put(&format!("/Users/{id}"), user("bjensen@example.com"))
        .await
        .assert_status(200);
    scim.put(&format!("/Users/{second}"), user("second"))
        .await
        .assert_status(200);
    let person = admin.get(&person).await;
    for pointer in [
        "/email",
        "/title",
        "/department",
        "/cost_centre",
        "/employment_type",
    ] {
        assert_eq!(person.at(pointer), json!(null), "{pointer}");
    }
    assert_eq!(person.at("/location"), json!("Lisbon"));
    let second = admin.get(&format!("/v1/users/{second}")).await;
    assert_eq!(second.at("/department"), json!("Care"));
}

#[actix_web::test]
async fn entity_tags_are_weak_and_guard_changes_where_they_are_sent() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let id = scim.user("ana").await;
    let path = format!("/Users/{id}");
    let read = scim.get(&path).await.assert_status(200);
    let etag = read.header("etag").unwrap().to_owned();
    assert!(etag.starts_with("W/\""));
    assert_eq!(read.at("/meta/version"), json!(etag));
    assert_eq!(read.header("content-type"), Some("application/scim+json"));
    assert_eq!(
        read.at("/meta/location"),
        json!(format!("{}/scim/v2{path}", app.address))
    );

    let holding = Scim(scim.0.with("If-None-Match", &etag));
    holding.get(&path).await.assert_status(304);
    let guarded = Scim(scim.0.with("If-Match", &etag));
    let nick = |name: &str| json!([{"op": "add", "path": "nickName", "value": name}]);
    guarded.patch(&path, nick("A")).await.assert_status(200);
    holding.get(&path).await.assert_status(200);
    guarded.patch(&path, nick("B")).await.assert_scim_error(412, None);
    guarded.delete(&path).await.assert_scim_error(412, None);
    guarded.put(&path, user("ana")).await.assert_scim_error(412, None);
    scim.patch(&path, nick("C")).await.assert_status(200);
}

#[actix_web::test]
async fn what_is_wrong_is_told_in_scims_words() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let id = scim.user("ana").await;
    let path = format!("/Users/{id}");
    for (body, scim_type, says) in [
        (json!({"active": true}), "invalidValue", "userName is required"),
        (
            json!({"userName": "a b"}),
            "invalidValue",
            "userName must hold no spaces",
        ),
        (
            json!({"userName": "a", "active": "perhaps"}),
            "invalidValue",
            "active must be true or false",
        ),
        (
            json!({"userName": "a", "emails": [{"value": "none"}]}),
            "invalidValue",
            "emails.value must be an e-mail address",
        ),
        (
            json!({"userName": "a", "timezone": "Mars/Base"}),
            "invalidValue",
            "timezone must be an IANA time zone",
        ),
        (
            json!({"userName": "a", "name": 5}),
            "invalidValue",
            "name must be an object",
        ),
        (
            json!({"userName": "a", PROVOST: {"orgUnit": "no"}}),
            "invalidValue",
            "names no unit",
        ),
        (
            json!({"userName": "a", ENTERPRISE: {"manager": "x"}}),
            "invalidValue",
            "manager",
        ),
        (json!({"userName": "a\u{0}"}), "invalidValue", "U+0000"),
        (json!([]), "invalidValue", "must be an object"),
    ] {
        let answer = scim.post("/Users", body.clone()).await;
        let answer = answer.assert_scim_error(400, Some(scim_type));
        assert!(
            answer.at("/detail").as_str().unwrap().contains(says),
            "{body}: {}",
            answer.text()
        );
    }
    for (operations, scim_type) in [
        (
            json!([{"op": "replace", "path": "shoeSize", "value": 43}]),
            "invalidPath",
        ),
        (
            json!([{"op": "replace", "path": "emails[", "value": 43}]),
            "invalidPath",
        ),
        (
            json!([{"op": "replace", "path": "emails[kind eq \"a\"].value", "value": "a"}]),
            "invalidPath",
        ),
        (
            json!([{"op": "replace", "path": "emails[value co \"a\"].type", "value": "a"}]),
            "noTarget",
        ),
        (
            json!([{"op": "replace", "path": "id", "value": "a"}]),
            "mutability",
        ),
        (
            json!([{"op": "replace", "path": "groups", "value": []}]),
            "mutability",
        ),
        (
            json!([{"op": "copy", "path": "title", "value": "a"}]),
            "invalidSyntax",
        ),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "remove", "path": "userName"}]), "invalidValue"),
        (json!("none"), "invalidSyntax"),
    ] {
        let answer = scim.patch(&path, operations).await;
        answer.assert_scim_error(400, Some(scim_type));
    }
    let half = scim
        .0
        .send(
            Method::POST,
            "/scim/v2/Users",
            Some(b"{\"a\":".to_vec()),
            "application/scim+json",
        )
        .await;
    half.assert_scim_error(400, Some("invalidSyntax"));
    let form = scim
        .0
        .send(
            Method::POST,
            "/scim/v2/Users",
            Some(b"a=b".to_vec()),
            "text/plain",
        )
        .await;
    form.assert_scim_error(415, None);
    scim.get("/Users?filter=shoeSize%20eq%205")
        .await
        .assert_scim_error(400, Some("invalidFilter"));
}

#[actix_web::test]
async fn a_provider_with_a_narrow_scope_sees_and_writes_its_own_people() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = |code: &str| json!({"code": code, "name": code});
    let franchise = admin.post("/v1/org-units", unit("franchise")).await.id();
    admin
        .post("/v1/org-units", unit("staff"))
        .await
        .assert_status(201);
    let everywhere = provider(&app, "Entra").await.scim;
    let stranger = everywhere.user("stranger").await;
    let needed = [Permission::UsersRead, Permission::UsersWrite];
    let holder = app.holding(&needed, "org_unit", Some(franchise.parse().unwrap()));
    let account = holder.get("/v1/me").await.id();
    let token = token(&app, &account, json!({"kind": "scim"})).await;
    let narrow = Scim(Client::new(&app.address, Some(token)));

    let mut body = user("partner");
    narrow
        .post("/Users", body.clone())
        .await
        .assert_scim_error(403, None);
    body[PROVOST] = json!({"orgUnit": "franchise"});
    narrow.post("/Users", body).await.assert_status(201);
    let seen = narrow.get("/Users").await.assert_status(200);
    assert_eq!(seen.at("/totalResults"), json!(1));
    // Who is out of reach is not named, as a manager either.
    let partner = seen.at("/Resources/0/id");
    let change = json!({"manager_id": stranger});
    let path = format!("/v1/users/{}", partner.as_str().unwrap());
    admin.patch(&path, change).await.assert_status(200);
    let seen = narrow.get(&format!("/Users/{}", partner.as_str().unwrap())).await;
    let manager = &seen.json()[ENTERPRISE]["manager"];
    assert_eq!(
        (&manager["value"], &manager["displayName"]),
        (&json!(stranger), &Value::Null)
    );
    narrow
        .get(&format!("/Users/{stranger}"))
        .await
        .assert_scim_error(404, None);
    narrow
        .delete(&format!("/Users/{stranger}"))
        .await
        .assert_scim_error(404, None);
}
