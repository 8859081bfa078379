use chrono::{Days, TimeDelta};
use serde_json::json;

use super::completion;
use crate::support::{Answer, TestApp};

async fn verify(app: &TestApp, serial: &str) -> Answer {
    app.anonymous()
        .with("Accept", "application/json")
        .get(&format!("/verify/{serial}"))
        .await
}

async fn page(app: &TestApp, serial: &str) -> Answer {
    app.anonymous()
        .with("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .get(&format!("/verify/{serial}"))
        .await
}

#[actix_web::test]
async fn a_client_that_takes_anything_gets_json() {
    let app = TestApp::start().await;

    for accept in ["*/*", "application/*"] {
        app.anonymous()
            .with("Accept", accept)
            .get("/verify/4TQ8Z-1V7NC-KM2YD-0XWPA-95HRGB")
            .await
            .assert_problem(404, "not_found");
    }
}

#[actix_web::test]
async fn anybody_may_verify_a_certificate_and_learns_what_it_shows_and_no_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);
    let serial = admin
        .get(&learner.certificate(&app).await)
        .await
        .at("/serial")
        .as_str()
        .unwrap()
        .to_owned();

    let answer = verify(&app, &serial).await.assert_status(200);

    let today = app.app.clock.now().date_naive();
    assert_eq!(
        answer.json(),
        json!({"status": "valid", "serial": serial, "name": "Ana Silva", "course": "Fire Safety", "completed_on": today,
            "valid_until": null, "counts_until": null, "issued_on": today, "revoked_on": null, "issuer": "Provost Academy"})
    );
    assert_eq!(
        answer
            .header("vary")
            .map(|vary| vary.to_lowercase().contains("accept")),
        Some(true)
    );
    let typed = serial.to_lowercase().replace('-', "");
    assert_eq!(
        verify(&app, &typed).await.assert_status(200).json(),
        answer.json()
    );
}

#[actix_web::test]
async fn people_get_a_page_that_loads_nothing_and_escapes_what_it_shows() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = completion(&app, "<script>alert('x')</script>", "Fire & \"Safety\"", None).await;
    learner.run_job(&app);
    let serial = admin
        .get(&learner.certificate(&app).await)
        .await
        .at("/serial")
        .as_str()
        .unwrap()
        .to_owned();

    let page = page(&app, &serial).await.assert_status(200);

    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let html = page.text();
    assert!(
        html.contains("<html lang=\"en\">") && html.contains("<strong>Valid</strong>"),
        "{html}"
    );
    assert!(!html.contains("<script"), "{html}");
    assert!(
        html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; Silva"),
        "{html}"
    );
    assert!(html.contains("Fire &amp; &quot;Safety&quot;"), "{html}");
}

#[actix_web::test]
async fn a_certificate_says_that_it_expired_was_revoked_or_superseded() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let today = app.app.clock.now().date_naive();
    let mut serials = Vec::new();
    for (course, valid_until) in [("A", Some(today + Days::new(10))), ("B", None), ("C", None)] {
        let learner = completion(&app, "Ana", course, valid_until).await;
        learner.run_job(&app);
        let path = learner.certificate(&app).await;
        serials.push(admin.get(&path).await.at("/serial").as_str().unwrap().to_owned());
        match course {
            "B" => admin
                .post(&format!("{path}/revocation"), json!({"reason": "secret reason"}))
                .await
                .assert_status(200),
            "C" => admin
                .post(&format!("{path}/reissues"), json!({}))
                .await
                .assert_status(201),
            _ => verify(&app, &serials[0]).await.assert_status(200),
        };
    }

    app.app.clock.advance(TimeDelta::days(11));

    for (serial, status) in serials.iter().zip(["expired", "revoked", "superseded"]) {
        assert_eq!(
            verify(&app, serial).await.assert_status(200).at("/status"),
            json!(status)
        );
        let html = page(&app, serial).await.assert_status(200).text();
        assert!(html.contains(&format!("class=\"status {status}\"")), "{html}");
        assert!(!html.contains("secret reason"), "{html}");
    }
    assert_eq!(verify(&app, &serials[1]).await.at("/revoked_on"), json!(today));
}

#[actix_web::test]
async fn an_unknown_serial_is_not_found() {
    let app = TestApp::start().await;

    for serial in [
        "00000-00000-00000-00000-000000",
        "nonsense",
        "%00",
        "%3Cscript%3E",
    ] {
        verify(&app, serial).await.assert_problem(404, "not_found");
        let page = page(&app, serial).await.assert_status(404);
        assert!(
            page.text().contains("No certificate has this serial"),
            "{}",
            page.text()
        );
        assert!(!page.text().contains("<script"), "{}", page.text());
    }
}
