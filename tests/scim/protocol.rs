use awc::http::Method;
use serde_json::{Value, json};

use super::provider;
use crate::support::TestApp;

#[actix_web::test]
async fn what_scim_can_do_here_is_told() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Entra").await.scim;
    let config = scim.get("/ServiceProviderConfig").await.assert_status(200);
    assert_eq!(config.header("content-type"), Some("application/scim+json"));
    for what in ["patch", "filter", "sort", "etag"] {
        assert_eq!(config.at(&format!("/{what}/supported")), json!(true), "{what}");
    }
    assert_eq!(config.at("/pagination/cursor"), json!(true));
    assert_eq!(config.at("/changePassword/supported"), json!(false));

    let types = scim.get("/ResourceTypes").await.assert_status(200);
    assert_eq!(types.at("/totalResults"), json!(2));
    let kind = scim.get("/ResourceTypes/User").await.assert_status(200);
    assert_eq!(kind.at("/endpoint"), json!("/Users"));
    let schemas = scim.get("/Schemas").await.assert_status(200);
    for schema in schemas.at("/Resources").as_array().unwrap() {
        let urn = schema["id"].as_str().unwrap();
        let one = scim.get(&format!("/Schemas/{urn}")).await.assert_status(200);
        assert_eq!(&one.json(), schema);
        let attributes = schema["attributes"].as_array().unwrap();
        assert!(
            attributes
                .iter()
                .all(|one: &Value| one["description"].is_string())
        );
    }
    scim.get("/Schemas/urn:none").await.assert_scim_error(404, None);
}

#[actix_web::test]
async fn every_error_below_scim_is_one_of_scim() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Entra").await.scim;
    for path in ["/Nothing", "/Users/none", "/Users/ext:hr:1", "/Groups/%00", ""] {
        scim.get(path).await.assert_scim_error(404, None);
    }
    let wrong = scim.send(Method::DELETE, "/Users", None).await;
    let wrong = wrong.assert_scim_error(405, None);
    assert_eq!(wrong.header("allow"), Some("GET, HEAD, POST"));
    let anonymous = app.anonymous().get("/scim/v2/Nothing").await;
    let refused = anonymous.assert_scim_error(401, None);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    // Elsewhere problems stay what they are.
    app.anonymous()
        .get("/scim/v3/Users")
        .await
        .assert_problem(404, "not_found");
}
