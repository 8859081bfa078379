use serde_json::json;

use super::{Company, Stand, column, csv_column};

#[actix_web::test]
async fn a_transcript_holds_completions_requirements_and_certificates() {
    let app = crate::support::TestApp::start().await;
    let admin = app.admin().await;
    let learner = crate::credential::completion(&app, "Ana", "Fire Safety", None).await;
    learner.run_job(&app);

    let path = format!("/v1/reports/transcripts/{}", learner.id);
    let own = app.client_of(learner.id).get(&path).await.assert_status(200);

    assert_eq!(own.json(), admin.get(&path).await.assert_status(200).json());
    assert_eq!(own.at("/learner/given_name"), json!("Ana"));
    assert_eq!(
        column(&own.at("/entries"), "kind"),
        [json!("certificate"), json!("completion")]
    );
    assert_eq!(
        column(&own.at("/entries"), "status"),
        [json!("issued"), json!("valid")]
    );
    let csv = admin.get(&format!("{path}?format=csv")).await;
    assert_eq!(csv_column(&csv, "course_title"), ["Fire Safety", "Fire Safety"]);
}

/// Fault 17.
#[actix_web::test]
async fn csv_begins_with_a_byte_order_mark_where_it_is_asked_for() {
    let company = Company::start().await;
    let admin = company.app.admin().await;
    for path in [
        "/v1/reports/compliance".to_owned(),
        "/v1/reports/overdue".to_owned(),
        format!("/v1/reports/transcripts/{}", company.nils),
    ] {
        let mark = "\u{feff}".as_bytes();
        let plain = admin.get(&format!("{path}?format=csv")).await.assert_status(200);
        let marked = admin
            .get(&format!("{path}?format=csv&bom=true"))
            .await
            .assert_status(200);
        let json = admin.get(&format!("{path}?bom=true")).await.assert_status(200);

        assert!(!plain.bytes.starts_with(mark), "{path}");
        assert_eq!(marked.bytes, [mark, &plain.bytes].concat(), "{path}");
        json.json();
    }
}

#[actix_web::test]
async fn transcripts_are_for_the_person_and_their_managers_and_administrators() {
    let company = Company::start().await;
    company.require(company.nils, company.fire, 1, Stand::Overdue);
    company.require(company.wanda, company.first_aid, 1, Stand::Open);
    let of_nils = format!("/v1/reports/transcripts/{}", company.nils);
    let of_wanda = format!("/v1/reports/transcripts/{}", company.wanda);

    for client in [
        company.manager(company.mia),
        company.of_unit(company.east),
        company.app.client_of(company.nils),
    ] {
        let transcript = client.get(&of_nils).await.assert_status(200);
        assert_eq!(column(&transcript.at("/entries"), "status"), [json!("overdue")]);
        let csv = client.get(&format!("{of_nils}?format=csv")).await;
        assert_eq!(csv_column(&csv, "kind"), ["requirement"]);
        for format in ["json", "csv"] {
            client
                .get(&format!("{of_wanda}?format={format}"))
                .await
                .assert_problem(404, "not_found");
        }
    }
    company
        .of_unit(company.west)
        .get(&of_wanda)
        .await
        .assert_status(200);
}
