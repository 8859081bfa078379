//! The document and the router know the same routes.

use std::{collections::BTreeSet, fs, path::Path};

use super::{operations, samples, story::Story};
use crate::support::TestApp;

/// Every source file with its text.
pub fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new("src").to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    files.sort();
    files
}

/// A handler that no `configure` registers, or that has no `utoipa::path`, is missing from the document.
#[test]
fn every_handler_is_in_the_document() {
    let documented: BTreeSet<String> = operations::all()
        .into_iter()
        .map(|operation| operation.id)
        .collect();
    for (file, text) in sources() {
        let mut is_handler = false;
        for line in text.lines().map(str::trim) {
            is_handler |= ["get", "post", "put", "patch", "delete"]
                .iter()
                .any(|method| line.starts_with(&format!("#[{method}(\"")));
            let name = line
                .split_once("async fn ")
                .and_then(|(_, rest)| rest.split(['(', '<']).next());
            // What a macro names, it registers.
            if let Some(name) = name.filter(|name| std::mem::take(&mut is_handler) && !name.starts_with('$'))
            {
                assert!(documented.contains(name), "{file}: {name} is not in the document");
            }
        }
    }
}

#[actix_web::test]
async fn every_documented_operation_is_answered() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    for operation in operations::all() {
        let answer = story
            .send(&admin, &operation, samples::of(&operation).as_ref())
            .await;
        let unrouted = answer.status == 405 || answer.text().contains("No such address");
        assert!(!unrouted, "{}: {}", operation.id, answer.text());
    }
}
