//! Names that show something, and fields of one line that are one.

use serde_json::{Value, json};

use super::person;
use crate::{
    import::{Importing, outline, small_profile},
    scim::{provider, user},
    support::{Client, TestApp},
};

/// What shows nothing, in several ways.
const BLANK: [&str; 5] = [" ", "\u{200b}", "\u{3000}\u{feff}", "\u{2800}", "\u{e0041}"];

/// What is no line, in several ways.
const BROKEN: [&str; 4] = [
    "Ana\r\nBcc: x@example.com",
    "Ana\u{7}",
    "Ana\u{2028}Silva",
    "Ana\u{85}",
];

/// What has a name: where it is made, by what body, and the field.
async fn named(admin: &Client) -> Vec<(&'static str, Value, &'static str)> {
    let course = json!({"code": "c", "title": "C", "language": "en"});
    let course_id = admin
        .post("/v1/courses", course.clone())
        .await
        .assert_status(201)
        .id();
    let mapping = small_profile()["mapping"].clone();
    vec![
        ("/v1/users", person("ana"), "given_name"),
        ("/v1/org-units", json!({"code": "u"}), "name"),
        ("/v1/groups", json!({"code": "g"}), "name"),
        (
            "/v1/attribute-definitions",
            json!({"name": "a", "kind": "string"}),
            "label",
        ),
        (
            "/v1/roles",
            json!({"code": "r", "permissions": ["users.read"]}),
            "name",
        ),
        ("/v1/service-accounts", json!({}), "name"),
        ("/v1/categories", json!({"code": "k"}), "name"),
        ("/v1/courses", json!({"code": "d", "language": "en"}), "title"),
        ("/v1/certificate-templates", json!({"code": "t"}), "name"),
        (
            "/v1/rules",
            json!({"code": "q", "audience": {"filter": "status eq \"active\""}, "targets": [{"kind": "course", "id": course_id}],
                "due": {"kind": "after_joining", "offset": "P30D"}}),
            "name",
        ),
        (
            "/v1/identity-providers",
            json!({"code": "p", "issuer": "https://login.example.com", "client_id": "provost",
                "redirect_uris": ["https://learn.example.com/"]}),
            "name",
        ),
        (
            "/v1/import-profiles",
            json!({"code": "i", "resource": "users", "mapping": mapping}),
            "name",
        ),
    ]
}

#[actix_web::test]
async fn names_show_something_on_one_line_and_lose_their_outer_spaces() {
    // Faults 3 and 29.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (path, mut body, field) in named(&admin).await {
        for name in BLANK.iter().chain(&BROKEN) {
            body[field] = json!(name);
            let refused = admin.post(path, body.clone()).await;
            refused
                .assert_problem(422, "validation_failed")
                .assert_fault(&format!("/{field}"));
        }
        body[field] = json!("\u{feff} Ana\u{a0}e\u{301} \u{200b}");

        let made = admin.post(path, body).await.assert_status(201);

        assert_eq!(made.at(&format!("/{field}")), json!("Ana\u{a0}\u{e9}"), "{path}");
        if path != "/v1/import-profiles" {
            let path = format!("{path}/{}", made.id());
            for name in ["\u{200b}", "A\nB"] {
                admin
                    .patch(&path, json!({field: name}))
                    .await
                    .assert_problem(422, "validation_failed");
            }
        }
    }
}

#[actix_web::test]
async fn every_line_of_a_person_is_one_and_an_empty_one_is_empty() {
    // Faults 3 and 29.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fields = [
        "given_name",
        "family_name",
        "title",
        "job_code",
        "department",
        "location",
        "cost_centre",
        "employment_type",
    ];
    for field in fields.into_iter().chain(["username"]) {
        for line in BROKEN {
            let mut body = person("ana");
            body[field] = json!(line);
            admin
                .post("/v1/users", body)
                .await
                .assert_problem(422, "validation_failed")
                .assert_fault(&format!("/{field}"));
        }
    }
    for username in ["a\u{200b}na", "\u{2800}", "a na"] {
        let refused = admin.post("/v1/users", person(username)).await;
        refused.assert_fault("/username");
    }
    let mut body = person("ana");
    body["family_name"] = json!(" \u{200b}");
    body["title"] = json!("\tNurse");
    let refused = admin.post("/v1/users", body.clone()).await;
    assert!(
        refused
            .text()
            .contains("must hold no line breaks and no other control characters"),
        "{}",
        refused.text()
    );
    body["title"] = json!(" Nurse ");
    let made = admin.post("/v1/users", body).await.assert_status(201);
    assert_eq!(
        (made.at("/family_name"), made.at("/title")),
        (json!(""), json!("Nurse"))
    );
}

#[actix_web::test]
async fn text_of_several_lines_keeps_them_and_holds_no_other_control_characters() {
    // Fault 29.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = |text: &str| json!({"code": "c", "title": "C", "language": "en", "description": text});
    admin
        .post("/v1/courses", course("a\u{7}"))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/description");
    let lines = " First,\r\n\tsecond.\n";
    let made = admin.post("/v1/courses", course(lines)).await.assert_status(201);
    assert_eq!(made.at("/description"), json!(lines));

    let definition = json!({"name": "note", "label": "Note", "kind": "string"});
    admin
        .post("/v1/attribute-definitions", definition)
        .await
        .assert_status(201);
    let with_note = |text: &str| {
        let mut body = person("ana");
        body["attributes"] = json!({"note": text});
        body
    };
    admin
        .post("/v1/users", with_note("a\u{1b}[0m"))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/attributes/note");
    admin.post("/v1/users", with_note(lines)).await.assert_status(201);
}

#[actix_web::test]
async fn bulk_requests_and_identity_providers_give_no_blank_or_broken_names() {
    // Faults 3 and 29.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "idp").await.scim;
    // Also where no pattern can say so: beyond U+FFFF.
    for username in ["ad\u{200b}min", "admin\u{e0020}", "admin\u{e0100}"] {
        let rows = json!({"rows": [{"row_key": "1", "create": person(username)}]});
        let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
        assert_eq!(answer.at("/results/0/status"), json!(422), "{username:?}");
        let refused = admin.post("/v1/users", person(username)).await;
        refused.assert_problem(422, "validation_failed");
        let refused = scim.post("/Users", user(username)).await;
        refused.assert_scim_error(400, Some("invalidValue"));
    }
    for name in ["\u{200b}", "Ana\r\nSilva"] {
        let mut row = person("ana");
        row["given_name"] = json!(name);
        let rows = json!({"rows": [{"row_key": " 1\n", "create": row}]});
        let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
        assert_eq!(
            answer.at("/results/0/row_key"),
            json!(" 1\n"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.at("/results/0/status"), json!(422), "{}", answer.text());

        let mut one = user("ana");
        one["name"]["givenName"] = json!(name);
        let refused = scim.post("/Users", one).await;
        refused.assert_scim_error(400, Some("invalidValue"));
        let refused = scim.post("/Groups", json!({"displayName": name})).await;
        refused.assert_scim_error(400, Some("invalidValue"));
    }
}

#[actix_web::test]
async fn rows_with_blank_or_broken_names_are_refused_and_others_are_trimmed() {
    // Faults 3 and 29.
    let importing = Importing::with(small_profile()).await;
    let file = "id,name,boss\n1,\u{200b},\n2,\"Ana\nSilva\",\n3,\u{feff} Bea\u{a0},\n4,Jo\u{308}rg,\n";

    let import = importing.plan("small", file).await;

    let rows = importing.rows(&import, "action eq \"refuse\"").await;
    assert_eq!(
        outline(&rows),
        [
            (2, "given_name:required".into()),
            (3, "given_name:not_valid".into())
        ]
    );
    importing.applied(&import).await;
    assert_eq!(importing.user("3").await.at("/given_name"), json!("Bea"));
    assert_eq!(importing.user("4").await.at("/given_name"), json!("Jörg"));
}

#[actix_web::test]
async fn no_administrator_is_made_with_a_broken_name() {
    // Fault 29.
    let app = TestApp::start().await;
    let create = |name: &str| provost::cli::create_admin::create(&app.app, name, "a long password");

    assert!(create("ad\nmin").is_err() && create("\u{200b}").is_err());
    assert!(create("admin\u{e0020}").is_err());
}
