use provost::authz::Permission;
use serde_json::json;

use super::{Scim, provider, user};
use crate::support::TestApp;

async fn five(scim: &Scim) {
    for name in ["eve", "ana", "dan", "ben", "cem"] {
        let mut body = user(name);
        body["displayName"] = json!(name.to_uppercase());
        scim.post("/Users", body).await.assert_status(201);
    }
}

/// The administrator is a person too.
const OF_THE_TEST: &str = "filter=name.familyName%20eq%20%22Silva%22";

#[actix_web::test]
async fn pages_by_index_are_stable_and_know_the_total() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    five(&scim).await;
    let page = |start: i64, count: i64| format!("/Users?{OF_THE_TEST}&startIndex={start}&count={count}");
    for (start, count, expected) in [
        (1, 2, vec!["eve", "ana"]),
        (3, 2, vec!["dan", "ben"]),
        (5, 2, vec!["cem"]),
        (6, 2, vec![]),
        (-3, 100, vec!["eve", "ana", "dan", "ben", "cem"]),
        (1, 0, vec![]),
        (1, -1, vec![]),
    ] {
        let answer = scim.get(&page(start, count)).await.assert_status(200);
        assert_eq!(scim.names(&page(start, count)).await, expected, "{start} {count}");
        assert_eq!(answer.at("/totalResults"), json!(5), "{start} {count}");
        assert_eq!(answer.at("/itemsPerPage"), json!(expected.len()));
        assert_eq!(answer.at("/startIndex"), json!(start.max(1)));
        assert_eq!(answer.at("/nextCursor"), json!(null));
    }
    let unknown = scim.get("/Users?aadOptscim062020&count=1").await;
    unknown.assert_status(200);
    scim.get("/Users?count=many")
        .await
        .assert_scim_error(400, Some("invalidValue"));
}

#[actix_web::test]
async fn cursors_lead_through_all_pages() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    five(&scim).await;
    for order in [
        "",
        "&sortBy=userName",
        "&sortBy=displayName&sortOrder=descending",
        "&sortBy=meta.lastModified",
    ] {
        let mut seen = Vec::new();
        let mut cursor = Some(String::new());
        while let Some(at) = cursor {
            let path = format!("/Users?{OF_THE_TEST}&count=2{order}&cursor={at}");
            let page = scim.get(&path).await.assert_status(200);
            assert_eq!(page.at("/totalResults"), json!(5));
            assert_eq!(page.at("/startIndex"), json!(null));
            seen.extend(scim.names(&path).await);
            cursor = page.at("/nextCursor").as_str().map(str::to_owned);
        }
        let all = scim.names(&format!("/Users?{OF_THE_TEST}{order}")).await;
        assert_eq!(seen, all, "{order}");
        assert_eq!(seen.len(), 5);
    }
    scim.get("/Users?cursor=nonsense")
        .await
        .assert_scim_error(400, Some("invalidCursor"));
}

#[actix_web::test]
async fn lists_are_sorted_and_filtered_by_scims_names() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    five(&scim).await;
    let sorted = format!("/Users?{OF_THE_TEST}&sortBy=urn:ietf:params:scim:schemas:core:2.0:User:userName");
    assert_eq!(scim.names(&sorted).await, ["ana", "ben", "cem", "dan", "eve"]);
    scim.get("/Users?sortBy=shoeSize")
        .await
        .assert_scim_error(400, Some("invalidValue"));
    for (filter, expected) in [
        ("userName eq \"ANA\"", vec!["ana"]),
        ("displayName co \"E\" and userName ne \"eve\"", vec!["cem", "ben"]),
        ("active eq false", vec![]),
        ("name[familyName eq \"x\"]", vec!["fault"]),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"d\"",
            vec!["dan"],
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr",
            vec![],
        ),
        ("meta.resourceType eq \"User\" and userName in", vec!["fault"]),
        ("meta.lastModified gt \"2100-01-01T00:00:00Z\"", vec![]),
        ("not (userName pr)", vec![]),
    ] {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
            "attributes": ["userName"], "startIndex": 1, "count": 10});
        let answer = scim.post("/Users/.search", body).await;
        if expected == ["fault"] {
            answer.assert_scim_error(400, Some("invalidFilter"));
            continue;
        }
        let answer = answer.assert_status(200);
        let mut names: Vec<_> = answer.at("/Resources").as_array().unwrap().clone();
        names.retain(|one| one["userName"] != "admin");
        let names: Vec<_> = names
            .iter()
            .map(|one| one["userName"].as_str().unwrap().to_owned())
            .collect();
        let mut expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        let mut found = names.clone();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
}

#[actix_web::test]
async fn ids_are_any_text_to_filters() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let group = json!({"displayName": "Aiders", "members": [{"value": ana}]});
    let group = scim.post("/Groups", group).await.assert_status(201).id();
    for (path, filter, found) in [
        ("/Users", "id eq \"00u1abcd\"".to_owned(), 0),
        ("/Users", "manager.value eq \"26118915\"".to_owned(), 0),
        ("/Users", "groups[value eq \"g1\"]".to_owned(), 0),
        (
            "/Users",
            "userName eq \"ana\" and id ne \"00u1abcd\"".to_owned(),
            1,
        ),
        ("/Users", format!("id eq \"x\" or id eq \"{ana}\""), 1),
        ("/Groups", "id eq \"g1\" and members eq \"u1\"".to_owned(), 0),
        ("/Groups", format!("id eq \"{group}\" and members eq \"u1\""), 0),
    ] {
        let search = json!({"filter": filter});
        let listed = scim
            .post(&format!("{path}/.search"), search)
            .await
            .assert_status(200);
        assert_eq!(listed.at("/totalResults"), json!(found), "{filter}");
    }
    scim.post("/Users/.search", json!({"filter": "id eq 5"}))
        .await
        .assert_scim_error(400, Some("invalidFilter"));
    // Elsewhere an id is a UUID.
    let listed = app.admin().await.get("/v1/users?filter=id%20eq%20%22x%22").await;
    listed.assert_problem(400, "invalid_filter");

    let path = format!("/Groups/{group}");
    let leave = json!([{"op": "remove", "path": "members[value ne \"u1\" and value eq \"u1\"]"}]);
    scim.patch(&path, leave).await.assert_status(204);
    let kept = scim.get(&path).await.assert_status(200);
    assert_eq!(kept.at("/members/0/value"), json!(ana));
}

#[actix_web::test]
async fn answers_hold_what_is_asked_for() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let id = scim.user("ana").await;
    let keys = |answer: crate::support::Answer| {
        let mut keys: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let only = scim
        .get(&format!("/Users/{id}?attributes=USERNAME,name.familyName"))
        .await
        .assert_status(200);
    assert_eq!(only.at("/name"), json!({"familyName": "Silva"}));
    assert_eq!(keys(only), ["id", "name", "schemas", "userName"]);
    let own = scim
        .get(&format!(
            "/Users/{id}?attributes=urn:ietf:params:scim:schemas:core:2.0:User"
        ))
        .await
        .assert_status(200);
    assert_eq!(
        (own.at("/userName"), own.at("/active")),
        (json!("ana"), json!(true))
    );
    let but = scim
        .get(&format!("/Users/{id}?excludedAttributes=meta,name.givenName,id"))
        .await
        .assert_status(200);
    assert_eq!(but.at("/name"), json!({"familyName": "Silva"}));
    assert!(keys(but).contains(&"id".to_owned()));
    let listed = scim
        .get("/Users?attributes=urn:ietf:params:scim:schemas:core:2.0:User:userName&filter=userName%20eq%20%22ana%22")
        .await;
    assert_eq!(listed.at("/Resources/0/userName"), json!("ana"));
    assert_eq!(listed.at("/Resources/0/name"), json!(null));
    let changed = scim
        .send(
            awc::http::Method::PATCH,
            &format!("/Users/{id}?attributes=title"),
            Some(json!({"Operations": [{"op": "add", "path": "title", "value": "Nurse"}]})),
        )
        .await
        .assert_status(200);
    assert_eq!(keys(changed), ["id", "schemas", "title"]);
}

#[actix_web::test]
async fn filters_find_people_by_the_groups_that_the_caller_may_see() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let mut groups = Vec::new();
    for name in ["Aiders", "Drivers"] {
        let group = json!({"displayName": name, "members": [{"value": ana}]});
        groups.push(scim.post("/Groups", group).await.assert_status(201).id());
    }
    let unaware = Scim(app.holding(&[Permission::UsersRead], "everything", None));
    let narrow = Scim(app.holding(&[Permission::UsersRead], "everything", None));
    let role = json!({"code": "watcher", "name": "Watcher", "permissions": ["groups.read"]});
    app.admin().await.post("/v1/roles", role).await.assert_status(201);
    let account = narrow.0.get("/v1/me").await.id();
    let of_one = [("group", Some(groups[0].parse().unwrap()))];
    app.grant("service_account", account.parse().unwrap(), "watcher", &of_one);
    for (who, seen) in [(&scim, [1, 1]), (&unaware, [0, 0]), (&narrow, [1, 0])] {
        for (group, seen) in groups.iter().zip(seen) {
            for filter in [
                format!("groups eq \"{group}\""),
                format!("groups.value eq \"{group}\""),
                format!("groups[value eq \"{group}\" and display pr]"),
            ] {
                let found = who
                    .post("/Users/.search", json!({"filter": filter}))
                    .await
                    .assert_status(200);
                assert_eq!(found.at("/totalResults"), json!(seen), "{filter}");
            }
        }
    }
}

#[actix_web::test]
async fn filters_find_groups_by_the_members_whom_the_caller_may_see() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let group = json!({"displayName": "Aiders", "members": [{"value": ana}]});
    scim.post("/Groups", group).await.assert_status(201);
    let unaware = Scim(app.holding(&[Permission::GroupsRead], "everything", None));
    for (who, seen) in [(&scim, 1), (&unaware, 0)] {
        for filter in [
            format!("members eq \"{ana}\""),
            format!("members[value eq \"{ana}\"]"),
            "members pr".to_owned(),
        ] {
            let found = who
                .post("/Groups/.search", json!({"filter": filter}))
                .await
                .assert_status(200);
            assert_eq!(found.at("/totalResults"), json!(seen), "{filter}");
        }
    }
}
