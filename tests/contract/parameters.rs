//! Query parameters that are wrong, over every operation that takes them.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    inputs::assert_refused,
    operations::{self, Operation},
    samples,
    story::Story,
};
use crate::support::TestApp;

#[actix_web::test]
async fn nul_in_a_parameter_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    for operation in operations::private() {
        for name in operation
            .parameters("query")
            .into_iter()
            .filter(|_| operation.is_read())
        {
            let path = format!("{}?{name}=a%00b", operation.path_with(&story.ids));
            let answer = admin.get(&path).await;
            assert_refused(&operation, &answer, &format!("U+0000 in ?{name}"));
        }
        for name in operation.parameters("path") {
            let nul: BTreeMap<_, _> = [(name.clone(), "ext:a%00:b%00".to_owned())].into();
            let known = std::mem::replace(&mut story.ids, nul);
            let answer = story
                .send(&admin, &operation, samples::of(&operation).as_ref())
                .await;
            story.ids = known;
            assert_refused(&operation, &answer, &format!("U+0000 in {{{name}}}"));
        }
    }
}

#[actix_web::test]
async fn a_parameter_that_cannot_be_read_is_named() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (query, pointer) in [
        ("limit=99999999999999999999", "?limit"),
        ("limit=a", "?limit"),
        ("colour=red", "?colour"),
        ("limit=1&limit=2", "?limit"),
    ] {
        let answer = admin.get(&format!("/v1/users?{query}")).await;
        let answer = answer.assert_problem(400, "invalid_parameter");
        assert_eq!(answer.at("/errors/0/pointer"), json!(pointer), "{query}");
    }
}

#[actix_web::test]
async fn all_parameters_that_are_wrong_are_named_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (query, pointers) in [
        (
            "limit=a&colour=red&limit=2&sort=name",
            json!(["?limit", "?colour", "?sort"]),
        ),
        ("limit=0&sort=nobody", json!(["?limit", "?sort"])),
    ] {
        let answer = admin.get(&format!("/v1/users?{query}")).await;
        let answer = answer.assert_problem(400, "invalid_parameter");
        let named: Vec<_> = answer
            .at("/errors")
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["pointer"].clone())
            .collect();
        assert_eq!(json!(named), pointers, "{query}");
    }
}

#[actix_web::test]
async fn parameters_out_of_range_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let story = Story::tell(&app, |_, _| ()).await;
    for operation in operations::private().into_iter().filter(Operation::is_read) {
        let path = operation.path_with(&story.ids);
        let names = operation.parameters("query");
        let cases = [
            ("limit", "0"),
            ("limit", "201"),
            ("limit", "a"),
            ("limit", "99999999999999999999"),
            ("cursor", "a"),
            ("cursor", "eyJ9"),
            ("sort", "nobody_knows_this"),
            ("filter", "nobody_knows_this%20eq%201"),
            ("filter", "("),
        ];
        for (name, value) in cases
            .into_iter()
            .filter(|(name, _)| names.iter().any(|known| known == name))
        {
            let answer = admin.get(&format!("{path}?{name}={value}")).await;
            assert_refused(&operation, &answer, &format!("{name}={value}"));
            // What takes a filter reads it.
            let is_filter = name == "filter" && answer.status == 400;
            assert!(
                !is_filter
                    || answer.at("/code") == "invalid_filter"
                    || answer.at("/scimType") == "invalidFilter",
                "{}: {}",
                operation.id,
                answer.text()
            );
        }
    }
}

#[actix_web::test]
async fn unknown_parameters_are_refused_whatever_is_asked() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    // Entra adds flags of its own to the addresses of SCIM.
    let operations = operations::private().into_iter();
    let mut faults = Vec::new();
    for operation in operations.filter(|operation| !operation.is_scim()) {
        let sample = samples::of(&operation).map(|mut sample| {
            sample.query = "?nobody_knows_this=1";
            sample
        });
        let answer = match sample {
            Some(sample) => story.send(&admin, &operation, Some(&sample)).await,
            None => {
                let path = operation.path_with(&story.ids) + "?nobody_knows_this=1";
                let any = admin.with("If-Match", "*");
                any.send(operation.method.clone(), &path, None, "").await
            }
        };
        if answer.status != 400 || answer.at("/code") != "invalid_parameter" {
            faults.push(format!("{}: {}", operation.id, answer.status));
        }
    }
    assert!(faults.is_empty(), "take it:\n{}", faults.join("\n"));
}
