use chrono::{Days, TimeDelta};
use provost::{
    authz::Permission,
    jobs::{Handler, Worker},
    ledger::{self, consumers::Consume},
    sql,
};
use serde_json::json;

use super::{completion, pdf_text};
use crate::support::TestApp;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn count(app: &TestApp, query: provost::db::Sql) -> i64 {
    app.write(|tx| {
        let rows: Vec<Count> = diesel::RunQueryDsl::load(query.clone(), tx.conn)?;
        Ok(rows[0].count)
    })
}

#[actix_web::test]
async fn a_completion_brings_a_certificate_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    let queued = sql!(
        "SELECT count(*) AS count FROM jobs
         WHERE kind = 'issue_certificate' AND payload ->> 'completion_id' = {completion}",
        completion = learner.completion.to_string(),
    );
    ledger::seal(&app.app).unwrap();
    Worker::drain(&app.app, &[Handler::of::<Consume>()]).unwrap();
    assert_eq!(count(&app, queued), 1);

    learner.run_job(&app);
    learner.run_job(&app);

    let page = admin.get("/v1/certificates").await.assert_status(200);
    assert_eq!(page.at("/data").as_array().unwrap().len(), 1);
    let certificate = page.at("/data/0");
    assert_eq!(
        (
            &certificate["state"],
            &certificate["shown"]["name"],
            &certificate["shown"]["course"]
        ),
        (&json!("issued"), &json!("Ana Silva"), &json!("Fire Safety"))
    );
    assert_eq!(certificate["course_id"], json!(learner.course));
    let events = sql!("SELECT count(*) AS count FROM events WHERE action = 'certificate.issued'");
    assert_eq!(count(&app, events), 1);
}

#[actix_web::test]
async fn the_file_shows_name_course_and_serial_also_before_it_is_kept() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    let job = provost::credential::certificates::issue::IssueCertificate {
        user_id: learner.id,
        completion_id: learner.completion,
    };
    app.write(|tx| job.issue(tx));
    let path = learner.certificate(&app).await;
    let serial = admin.get(&path).await.at("/serial").as_str().unwrap().to_owned();

    let before = admin.get(&format!("{path}/file")).await.assert_status(200);
    learner.run_job(&app);
    let after = admin.get(&format!("{path}/file")).await.assert_status(200);

    assert_eq!(before.bytes, after.bytes);
    assert_eq!(after.header("content-type"), Some("application/pdf"));
    assert_eq!(
        after.header("content-disposition"),
        Some(format!("attachment; filename=\"certificate-{serial}.pdf\"").as_str())
    );
    let text = pdf_text(&after.bytes);
    for expected in ["Ana Silva", "Fire Safety", &serial, "/verify/"] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
}

#[actix_web::test]
async fn people_see_their_own_certificates_only() {
    let app = TestApp::start().await;
    let ana = completion(&app, "Ana", "Fire Safety", None).await;
    let bea = completion(&app, "Bea", "First Aid", None).await;
    ana.run_job(&app);
    bea.run_job(&app);
    let (of_ana, of_bea) = (ana.certificate(&app).await, bea.certificate(&app).await);
    let client = app.client_of(ana.id);

    let page = client.get("/v1/certificates").await.assert_status(200);
    assert_eq!(page.at("/data").as_array().unwrap().len(), 1);
    assert_eq!(page.at("/data/0/user_id"), json!(ana.id));
    client.get(&of_ana).await.assert_status(200);
    client.get(&format!("{of_ana}/file")).await.assert_status(200);
    client.get(&of_bea).await.assert_problem(404, "not_found");
    client
        .get(&format!("{of_bea}/file"))
        .await
        .assert_problem(404, "not_found");
    client
        .post(&format!("{of_ana}/revocation"), json!({"reason": "mine"}))
        .await
        .assert_problem(403, "forbidden");
    let of_course = app.holding(&[Permission::CertificatesRead], "course", Some(bea.course));
    of_course.get(&of_bea).await.assert_status(200);
    of_course.get(&of_ana).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_certificate_is_revoked_once_and_with_a_reason() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);
    let path = learner.certificate(&app).await;

    admin
        .post(&format!("{path}/revocation"), json!({"reason": " "}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/reason");
    let revoked = admin
        .post(
            &format!("{path}/revocation"),
            json!({"reason": "Entered by mistake"}),
        )
        .await
        .assert_status(200);
    assert_eq!(
        (revoked.at("/state"), revoked.at("/revoke_reason")),
        (json!("revoked"), json!("Entered by mistake"))
    );
    admin
        .post(&format!("{path}/revocation"), json!({"reason": "again"}))
        .await
        .assert_problem(409, "certificate_not_issued");

    learner.run_job(&app);
    let page = admin.get("/v1/certificates").await;
    assert_eq!(
        page.at("/data").as_array().unwrap().len(),
        1,
        "a revoked one stays the last word"
    );
}

#[actix_web::test]
async fn a_reissue_shows_the_new_name_and_supersedes_the_old_certificate() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);
    let path = learner.certificate(&app).await;
    let old = admin.get(&path).await;
    admin
        .patch(
            &format!("/v1/users/{}", learner.id),
            json!({"family_name": "Souza"}),
        )
        .await
        .assert_status(200);
    assert_eq!(admin.get(&path).await.at("/shown/name"), json!("Ana Silva"));

    let new = admin
        .post(&format!("{path}/reissues"), json!({"reason": "married"}))
        .await
        .assert_status(201);

    assert_eq!(new.at("/shown/name"), json!("Ana Souza"));
    assert_ne!(new.at("/serial"), old.at("/serial"));
    let old = admin.get(&path).await;
    assert_eq!(
        (old.at("/state"), old.at("/superseded_by"), old.at("/shown/name")),
        (json!("superseded"), new.at("/id"), json!("Ana Silva"))
    );
    admin
        .post(&format!("{path}/reissues"), json!({}))
        .await
        .assert_problem(409, "certificate_not_issued");
    learner.run_job(&app);
    let file = admin.get(&format!("/v1/certificates/{}/file", new.id())).await;
    assert!(pdf_text(&file.bytes).contains("Ana Souza"));
}

#[actix_web::test]
async fn a_revoked_certificate_may_be_followed_by_another() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);
    let path = learner.certificate(&app).await;
    admin
        .post(&format!("{path}/revocation"), json!({"reason": "misprint"}))
        .await
        .assert_status(200);

    admin
        .post(&format!("{path}/reissues"), json!({}))
        .await
        .assert_status(201);

    assert_eq!(admin.get(&path).await.at("/state"), json!("revoked"));
    admin
        .post(&format!("{path}/reissues"), json!({}))
        .await
        .assert_problem(409, "certificate_not_issued");
}

#[actix_web::test]
async fn a_corrected_completion_brings_a_certificate_in_place_of_the_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);
    let path = learner.certificate(&app).await;

    let corrected = correct(&app, learner, false);
    corrected.run_job(&app);

    assert_eq!(admin.get(&path).await.at("/state"), json!("superseded"));
}

/// Corrects the completion without asking for a certificate.
fn correct(app: &TestApp, learner: super::Learner, is_void: bool) -> super::Learner {
    let correction = uuid::Uuid::now_v7();
    app.write(|tx| {
        sql!(
            "INSERT INTO completions (id, user_id, course_id, course_version_id, occurred_at,
                occurred_on, recorded_at, source, supersedes_id, is_void)
             SELECT {correction}, user_id, course_id, course_version_id, occurred_at, occurred_on,
                recorded_at, source, id, {is_void}
             FROM completions WHERE id = {learner.completion}"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    super::Learner {
        completion: correction,
        ..learner
    }
}

#[actix_web::test]
async fn of_corrections_in_a_row_the_last_one_decides_about_all_certificates() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (name, is_void, state) in [("Ana", true, "revoked"), ("Bea", false, "superseded")] {
        let learner = completion(&app, name, "Fire Safety", None).await;
        learner.run_job(&app);
        let path = learner.certificate(&app).await;
        let first = correct(&app, learner, false);
        let between = first.completion;
        let last = correct(&app, first, is_void);
        last.run_job(&app);
        // The job of the correction between comes late.
        let late = super::Learner {
            completion: between,
            ..last
        };
        late.run_job(&app);

        assert_eq!(admin.get(&path).await.at("/state"), json!(state), "{name}");
    }
    let issued = sql!("SELECT count(*) FROM certificates WHERE state = 'issued'");
    assert_eq!(count(&app, issued), 1, "Bea's last");
}

#[actix_web::test]
async fn a_certificate_expires_by_the_calendar_and_its_etag_tells() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let today = app.app.clock.now().date_naive();
    let learner = completion(&app, "Ana", "Fire Safety", Some(today + Days::new(10))).await;
    learner.run_job(&app);
    let path = learner.certificate(&app).await;
    let issued = admin.get(&path).await.assert_status(200);
    let knowing = admin.with("If-None-Match", issued.header("etag").unwrap());
    knowing.get(&path).await.assert_status(304);

    app.app.clock.advance(TimeDelta::days(11));

    let admin = app.admin().await;
    let expired = admin
        .with("If-None-Match", issued.header("etag").unwrap())
        .get(&path)
        .await
        .assert_status(200);
    assert_eq!(expired.at("/state"), json!("expired"));
}
