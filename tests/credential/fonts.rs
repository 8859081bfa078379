//! Certificates show names in every script, or the operator is told that a font is missing. Fault 13.

use provost::credential::pdf::fonts_with;
use serde_json::{Value, json};

use super::{completion, pdf_text};
use crate::support::TestApp;

/// A font from the source tree under another name, as an administrator would put one into the folder.
fn folder_with(fonts: &[&str]) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("fonts-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    for font in fonts {
        std::fs::copy(format!("tests/data/{font}"), folder.join(font)).unwrap();
    }
    folder
}

async fn certificate(app: &TestApp, name: &str) -> (Value, String) {
    let learner = completion(app, name, "Fire Safety", None).await;
    learner.run_job(app);
    let path = learner.certificate(app).await;
    let admin = app.admin().await;
    let shown = admin.get(&path).await.assert_status(200).json();
    let file = admin.get(&format!("{path}/file")).await.assert_status(200);
    (shown, pdf_text(&file.bytes))
}

async fn missing(app: &TestApp) -> Vec<Value> {
    provost::ledger::seal(&app.app).unwrap();
    let page = app
        .admin()
        .await
        .get("/v1/events?limit=200")
        .await
        .assert_status(200);
    let events = page.at("/data").as_array().unwrap().clone();
    let is_missing = |event: &Value| event["action"] == "certificate.glyphs_missing";
    events.into_iter().filter(is_missing).collect()
}

#[actix_web::test]
async fn names_of_every_script_in_use_are_on_the_certificate() {
    let app = TestApp::start().await;
    for name in [
        "陈喆",
        "李珺",
        "髙橋",
        "朱镕基",
        "𠮷野家",
        "뷁쀍",
        "އަލީ",
        "བསྟན་འཛིན",
        "ⴰⵎⵉⵏⴰ",
    ] {
        let (_, text) = certificate(&app, name).await;
        // Not in their order, which pdftotext makes up where marks stand over letters from right to left.
        assert!(
            name.chars().all(|character| text.contains(character)),
            "{name} in {text}"
        );
        assert!(!text.contains('\u{FFFD}'), "{name} in {text}");
    }
    assert_eq!(missing(&app).await, Vec::<Value>::new());
}

#[actix_web::test]
async fn a_character_without_a_font_is_told_and_the_page_shows_it() {
    let app = TestApp::start().await;
    let (certificate, text) = certificate(&app, "Ana 🧨").await;

    assert!(text.contains("Ana \u{FFFD} Silva"), "{text}");
    let missing = missing(&app).await;
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0]["object_id"], certificate["id"]);
    assert_eq!(missing[0]["after"]["characters"], json!(["U+1F9E8 (🧨)"]));
    let font = "Noto Emoji (NotoEmoji-Regular.ttf)";
    assert_eq!(missing[0]["after"]["fonts"], json!([font]));
    let reason = missing[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains(font) && reason.contains("PROVOST_FONT_DIR"),
        "{reason}"
    );
    let page = app
        .anonymous()
        .with("Accept", "text/html")
        .get(&format!("/verify/{}", certificate["serial"].as_str().unwrap()))
        .await
        .assert_status(200);
    assert!(page.text().contains("Ana 🧨 Silva"), "{}", page.text());
}

#[actix_web::test]
async fn certificates_issued_together_tell_of_missing_characters_at_once() {
    let app = TestApp::start().await;
    let learners = [
        completion(&app, "Ana 🧨", "Fire Safety", None).await,
        completion(&app, "Béa", "Fire Safety", None).await,
    ];
    app.run_jobs();

    let told = missing(&app).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["user_id"], json!(learners[0].id));
    assert_eq!(told[0]["after"]["characters"], json!(["U+1F9E8 (🧨)"]));
    // The files come later and say nothing more.
    app.run_jobs();
    assert_eq!(missing(&app).await.len(), 1);
}

#[actix_web::test]
async fn a_font_of_the_folder_is_used_for_what_the_others_lack() {
    let folder = folder_with(&["NotoSansOgham-Regular.ttf"]);
    let app = TestApp::start_with(|config| config.font_dir = Some(folder.clone())).await;
    let (_, text) = certificate(&app, "ᚐᚅᚐ").await;
    assert!(text.contains("ᚐᚅᚐ"), "{text}");
    assert_eq!(missing(&app).await, Vec::<Value>::new());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_missing_character_leads_to_a_font() {
    let known = |character| fonts_with(&[character]);
    assert_eq!(known('ᚐ'), ["Noto Sans Ogham (NotoSansOgham-Regular.ttf)"]);
    assert_eq!(known('🧨'), ["Noto Emoji (NotoEmoji-Regular.ttf)"]);
    assert_eq!(known('ߊ'), ["Noto Sans NKo (NotoSansNKo-Regular.ttf)"]);
    assert_eq!(known('𗀀'), ["Noto Serif Tangut (NotoSerifTangut-Regular.ttf)"]);
    assert_eq!(known('𝒜'), ["Noto Sans Math (NotoSansMath-Regular.ttf)"]);
    assert_eq!(known('\u{30000}'), ["BabelStone Han (BabelStoneHan.ttf)"]);
    assert_eq!(known('\u{E000}'), [""; 0]);
}
