//! What is unique or looked up by its whole.

use provost::authz::Permission;
use serde_json::{Value, json};

use super::{escaped, found, person, post_form};
use crate::{
    import::Importing,
    scim::{provider, user},
    support::TestApp,
};

/// One name in two forms: composed, and with a mark of its own in capitals.
const COMPOSED: &str = "jürgen";
const DECOMPOSED: &str = "JU\u{308}RGEN";

#[actix_web::test]
async fn a_username_is_one_in_whatever_case_and_form_and_signs_in_by_each() {
    // Fault 1.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = admin
        .post("/v1/users", person(COMPOSED))
        .await
        .assert_status(201)
        .id();
    let password = json!({"password": "zwölf Boxkämpfer jagen"});
    admin
        .put(&format!("/v1/users/{id}/password"), password)
        .await
        .assert_status(204);

    let second = admin.post("/v1/users", person(DECOMPOSED)).await;

    second
        .assert_problem(409, "already_exists")
        .assert_fault("/username");
    for username in [COMPOSED, DECOMPOSED, "ju\u{308}rgen"] {
        for password in ["zwölf Boxkämpfer jagen", "zwo\u{308}lf Boxka\u{308}mpfer jagen"] {
            let form = [
                ("grant_type", "password"),
                ("username", username),
                ("password", password),
            ];
            post_form(&app.anonymous(), "/oauth/token", &form)
                .await
                .assert_status(200);
        }
        let filter = format!("username eq \"{username}\"");
        assert_eq!(found(&admin, "/v1/users", &filter).await, 1, "{username}");
        let filter = format!("username sw \"{}\"", &username[..username.len() - 1]);
        assert_eq!(found(&admin, "/v1/users", &filter).await, 1, "{username}");
    }
    let shown = admin.get(&format!("/v1/users/{id}")).await;
    assert_eq!(shown.at("/username"), json!(COMPOSED));
}

#[actix_web::test]
async fn codes_of_all_resources_are_one_in_whatever_case_and_form() {
    // Fault 1.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = admin
        .post(
            "/v1/courses",
            json!({"code": "c", "title": "C", "language": "en"}),
        )
        .await
        .id();
    let rule = json!({"name": "R", "audience": {"filter": "status eq \"active\""}, "targets": [{"kind": "course", "id": course}],
                "due": {"kind": "after_joining", "offset": "P30D"}});
    let resources = [
        ("/v1/org-units", "code", json!({"name": "U"})),
        ("/v1/groups", "code", json!({"name": "G"})),
        ("/v1/categories", "code", json!({"name": "C"})),
        ("/v1/courses", "code", json!({"title": "C", "language": "en"})),
        ("/v1/certificate-templates", "code", json!({"name": "T"})),
        ("/v1/rules", "code", rule),
        ("/v1/service-accounts", "name", json!({})),
    ];
    for (path, field, mut body) in resources {
        body[field] = json!("Straße-Ä");
        let first = admin.post(path, body.clone()).await.assert_status(201);
        body[field] = json!("STRASSE-A\u{308}");

        let second = admin.post(path, body).await;

        second
            .assert_problem(409, "already_exists")
            .assert_fault(&format!("/{field}"));
        let filter = format!("{field} eq \"strasse-ä\"");
        assert_eq!(found(&admin, path, &filter).await, 1, "{path}");
        // A new code is found, the old one no longer.
        let changed = json!({field: "ΟΔΟΣ"});
        admin
            .patch(&format!("{path}/{}", first.id()), changed)
            .await
            .assert_status(200);
        let filter = format!("{field} eq \"οδος\"");
        assert_eq!(found(&admin, path, &filter).await, 1, "{path}");
        let filter = format!("{field} eq \"strasse-ä\"");
        assert_eq!(found(&admin, path, &filter).await, 0, "{path}");
    }
}

#[actix_web::test]
async fn external_keys_are_one_in_whatever_form_and_differ_by_case() {
    // Fault 1.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let with_key = |name: &str, key: &str| {
        let mut body = person(name);
        body["external_keys"] = json!([{"source": "hr", "key": key}]);
        body
    };
    let first = admin
        .post("/v1/users", with_key("ana", "kü-1a"))
        .await
        .assert_status(201);

    let same = admin.post("/v1/users", with_key("bea", "ku\u{308}-1a")).await;
    let other = admin.post("/v1/users", with_key("cem", "kü-1A")).await;

    same.assert_problem(409, "already_exists");
    other.assert_status(201);
    for key in ["kü-1a", "ku\u{308}-1a"] {
        let found = admin.get(&format!("/v1/users/ext:hr:{}", escaped(key))).await;
        assert_eq!(found.id(), first.id(), "{key}");
    }
    let path = format!("/v1/users/{}/external-keys/hr", first.id());
    admin
        .delete(&format!("{path}/{}", escaped("ku\u{308}-1a")))
        .await
        .assert_status(204);
}

#[actix_web::test]
async fn identity_providers_find_people_and_groups_in_whatever_form() {
    // Fault 1.
    let app = TestApp::start().await;
    let scim = provider(&app, "idp").await.scim;
    let mut first = user(COMPOSED);
    first["externalId"] = json!("kü-1");
    first["emails"] = json!([{"value": "a@example.com", "type": "work"}]);
    scim.post("/Users", first).await.assert_status(201);

    scim.post("/Users", user(DECOMPOSED))
        .await
        .assert_scim_error(409, Some("uniqueness"));

    for filter in [
        format!("userName eq \"{DECOMPOSED}\""),
        "externalId eq \"ku\u{308}-1\"".to_owned(),
        "emails.value eq \"A@EXAMPLE.COM\"".to_owned(),
    ] {
        assert_eq!(found(&scim.0, "/scim/v2/Users", &filter).await, 1, "{filter}");
    }
    let group = |name: &str| json!({"displayName": name});
    scim.post("/Groups", group("Pflege Süd")).await.assert_status(201);
    scim.post("/Groups", group("PFLEGE SU\u{308}D"))
        .await
        .assert_scim_error(409, Some("uniqueness"));
    let filter = "displayName eq \"pflege su\u{308}d\"";
    assert_eq!(found(&scim.0, "/scim/v2/Groups", filter).await, 1);
}

/// People whose managers are named by `by`.
fn profile(by: &str) -> Value {
    json!({ "code": "people", "name": "People", "resource": "users", "mapping": {
        "key": { "source": "hr", "value": { "column": "id" } },
        "fields": {
            "username": { "column": "login" },
            "given_name": { "column": "given" },
            "family_name": { "column": "family" },
        },
        "references": { "manager": { "by": by, "value": { "column": "boss" }, "on_missing": "error" } },
    }})
}

#[actix_web::test]
async fn files_find_managers_and_people_in_whatever_case_and_form() {
    // Fault 1.
    for (by, boss) in [
        ("name", "ΓΙΏΡΓΟΣ ΠΑΠΑΔΌΠΟΥΛΟΣ"),
        ("name", "γιώργος παπαδόπουλοσ"),
        ("name", "Γιω\u{301}ργος Παπαδο\u{301}πουλος"),
        ("username", "ΓΙΏΡΓΟΣ"),
    ] {
        let mut profile = profile(by);
        profile["mapping"]["key"]["match_by"] = json!("username");
        let importing = Importing::with(profile).await;
        let here = json!({"username": "Γιώργος", "given_name": "Γιώργος", "family_name": "Παπαδόπουλος"});
        let giorgos = importing
            .admin
            .post("/v1/users", here)
            .await
            .assert_status(201)
            .id();
        let file = format!(
            "id,login,given,family,boss\n1,bea,Bea,B,{boss}\n2,ΓΙΩ\u{301}ΡΓΟΣ,Γιώργος,Παπαδόπουλος,\n"
        );

        let import = importing.plan("people", file).await;
        importing.applied(&import).await;

        assert_eq!(
            importing.user("1").await.at("/manager_id"),
            json!(giorgos),
            "{boss}"
        );
        assert_eq!(importing.user("2").await.id(), giorgos);
        let again = "id,login,given,family,boss\n3,γιώργοσ,Γ,Π,\n";
        let import = importing.plan("people", again).await;
        assert_eq!(import.at("/counts/refuse"), json!(1));
    }
}

#[actix_web::test]
async fn the_command_line_finds_an_administrator_in_whatever_form() {
    // Fault 1.
    let app = TestApp::start().await;
    let create = |name: &str| provost::cli::create_admin::create(&app.app, name, "a long password").unwrap();

    assert_eq!(create(COMPOSED), create(DECOMPOSED));
    assert!(
        app.holding(&[Permission::UsersRead], "everything", None)
            .get("/v1/users")
            .await
            .status
            == 200
    );
}
