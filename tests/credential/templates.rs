use provost::authz::Permission;
use serde_json::json;

use super::{completion, pdf_text};
use crate::support::TestApp;

const PATH: &str = "/v1/certificate-templates";

#[actix_web::test]
async fn an_academy_begins_with_a_default_template() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let page = admin.get(PATH).await.assert_status(200);

    assert_eq!(page.at("/data").as_array().unwrap().len(), 1);
    assert_eq!(
        (page.at("/data/0/code"), page.at("/data/0/is_default")),
        (json!("default"), json!(true))
    );
}

#[actix_web::test]
async fn a_template_with_faults_names_each_of_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let bad = json!({"code": "plain", "name": "Plain", "layout": {
        "heading": "Well done, {nmae}", "language": "no language",
        "lines": [{"text": "{name}"}, {"text": "{course"}]}});
    let answer = admin
        .post(PATH, bad)
        .await
        .assert_problem(422, "validation_failed");
    for pointer in ["/layout/heading", "/layout/language", "/layout/lines/1/text"] {
        answer.clone().assert_fault(pointer);
    }

    let worse =
        json!({"code": "plain", "name": "Plain", "layout": {"colors": {"primary": "red"}, "paper": "A3"}});
    let answer = admin
        .post(PATH, worse)
        .await
        .assert_problem(422, "validation_failed");
    for pointer in ["/layout/colors/primary", "/layout/paper"] {
        answer.clone().assert_fault(pointer);
    }
}

#[actix_web::test]
async fn a_new_default_takes_over_and_new_certificates_look_like_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let first = admin
        .get(PATH)
        .await
        .at("/data/0/id")
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({"code": "diploma", "name": "Diploma", "is_default": true, "layout": {"heading": "Grand Diploma"}});
    let created = admin.post(PATH, body).await.assert_status(201);
    assert_eq!(created.at("/layout/footer"), json!("Certificate no. {serial}"));
    assert_eq!(
        admin.get(&format!("{PATH}/{first}")).await.at("/is_default"),
        json!(false)
    );

    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);
    let path = learner.certificate(&app).await;
    let template = format!("{PATH}/{}", created.id());
    admin
        .patch(&template, json!({"layout": {"heading": "Another Heading"}}))
        .await
        .assert_status(200);

    let file = admin.get(&format!("{path}/file")).await.assert_status(200);
    assert!(pdf_text(&file.bytes).contains("Grand Diploma"));
}

#[actix_web::test]
async fn a_template_is_changed_in_part_and_stays_valid() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = admin
        .get(PATH)
        .await
        .at("/data/0/id")
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{PATH}/{id}");

    let changed = admin
        .patch(&path, json!({"layout": {"colors": {"primary": "#004400"}, "signature": {"name": "Iris", "title": "Head"}}}))
        .await
        .assert_status(200);
    assert_eq!(
        (
            changed.at("/layout/colors/primary"),
            changed.at("/layout/colors/text"),
            changed.at("/version")
        ),
        (json!("#004400"), json!("#222222"), json!(2))
    );
    let back = admin
        .patch(&path, json!({"layout": {"signature": null}}))
        .await
        .assert_status(200);
    assert_eq!(back.at("/layout/signature"), json!(null));
    admin
        .patch(&path, json!({"layout": {"lines": []}}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/layout/lines");
    admin
        .patch(&path, json!({"is_default": false}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/is_default");
}

#[actix_web::test]
async fn the_default_cannot_be_archived_and_others_can() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let default = admin
        .get(PATH)
        .await
        .at("/data/0/id")
        .as_str()
        .unwrap()
        .to_owned();
    let other = admin
        .post(PATH, json!({"code": "other", "name": "Other"}))
        .await
        .assert_status(201);
    let path = format!("{PATH}/{}", other.id());

    admin
        .post(&format!("{PATH}/{default}/archival"), json!({}))
        .await
        .assert_problem(409, "conflict");
    admin
        .post(&format!("{path}/archival"), json!({}))
        .await
        .assert_status(200);

    admin
        .patch(&path, json!({"is_default": true}))
        .await
        .assert_problem(409, "conflict");
}

#[actix_web::test]
async fn a_preview_shows_the_layout_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = admin
        .get(PATH)
        .await
        .at("/data/0/id")
        .as_str()
        .unwrap()
        .to_owned();

    let preview = admin
        .post(&format!("{PATH}/{id}/previews"), json!({}))
        .await
        .assert_status(200);

    assert_eq!(preview.header("content-type"), Some("application/pdf"));
    assert!(pdf_text(&preview.bytes).contains("(sample)"));
    assert_eq!(admin.get(&format!("{PATH}/{id}")).await.at("/version"), json!(1));
}

#[actix_web::test]
async fn templates_are_the_whole_academys() {
    let app = TestApp::start().await;
    app.admin().await;
    let reader = app.holding(&[Permission::CertificatesRead], "everything", None);
    let elsewhere = app.holding(
        &[Permission::CertificatesRead, Permission::CertificatesWrite],
        "self",
        None,
    );
    let id = reader
        .get(PATH)
        .await
        .at("/data/0/id")
        .as_str()
        .unwrap()
        .to_owned();

    reader
        .patch(&format!("{PATH}/{id}"), json!({"name": "Mine"}))
        .await
        .assert_problem(403, "forbidden");
    assert_eq!(
        elsewhere.get(PATH).await.assert_status(200).at("/data"),
        json!([])
    );
    elsewhere
        .get(&format!("{PATH}/{id}"))
        .await
        .assert_problem(404, "not_found");
    elsewhere
        .post(PATH, json!({"code": "x", "name": "X"}))
        .await
        .assert_problem(403, "forbidden");
}
