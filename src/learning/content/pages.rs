//! The player's pages: plain, light, and readable without scripts as far as that goes.

use actix_web::{HttpResponse, http::StatusCode};

use super::{
    super::{
        live::{LaunchedContent, LiveLaunch},
        model::{ActivityRecord, LaunchMode},
    },
    answer::{self, Kind},
};
use crate::{
    app::App,
    catalog::contents::body::ContentBody,
    http::{ApiError, ApiResult},
};

/// The page of a launch.
pub fn page(
    app: &App,
    launch: &LiveLaunch,
    record: Option<&ActivityRecord>,
    query: &str,
) -> ApiResult<HttpResponse> {
    let content = &launch.content;
    let back = back(app, query);
    let (body, script, kind) = match &content.body {
        ContentBody::Package { .. } => (PACKAGE.to_owned(), "_/package.js", Kind::Player),
        ContentBody::Video { .. } => (video(launch, record), "_/video.js", Kind::Ours),
        ContentBody::File { media_type, .. } => (file(content, media_type), "_/notice.js", Kind::Ours),
        ContentBody::Page { html, .. } => {
            let text = format!(
                "<main lang=\"{}\" class=\"text\">{html}</main>",
                escape(&content.language)
            );
            (text, "_/notice.js", Kind::Ours)
        }
        ContentBody::Link { .. } => return Err(ApiError::not_found("page")),
    };
    let mode = match launch.mode {
        LaunchMode::Normal => "",
        LaunchMode::Review => "<p class=\"mode\">Review: nothing is recorded.</p>",
        LaunchMode::Test => "<p class=\"mode\">Test: nothing counts.</p>",
    };
    let html = shell(&launch.title, script, &format!("{back}{mode}"), &body);
    Ok(html_answer(app, StatusCode::OK, kind, html))
}

/// The page of a launch that is over.
pub fn ended(app: &App, error: &ApiError) -> HttpResponse {
    let body = format!("<main class=\"text\"><p>{}</p></main>", escape(&error.detail));
    let html = shell("This address is no longer valid", "_/notice.js", "", &body);
    html_answer(app, error.code.status(), Kind::Ours, html)
}

fn html_answer(app: &App, status: StatusCode, kind: Kind, html: String) -> HttpResponse {
    answer::headed(app, HttpResponse::build(status), kind)
        .insert_header(("Cache-Control", "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// A whole page. Its own words are English; what was uploaded says its language.
fn shell(title: &str, script: &str, top: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"_/player.css\">\n<script type=\"module\" src=\"{script}\"></script>\n</head>\n\
         <body>\n<header>\n<h1>{title}</h1>\n{top}\n<p id=\"notice\" role=\"status\"></p>\n</header>\n{body}\n</body>\n</html>\n"
    )
}

const PACKAGE: &str = "<nav id=\"parts\" aria-label=\"Contents\" hidden></nav>\n<main id=\"stage\">\
    <noscript><p>This content needs JavaScript.</p></noscript></main>";

fn file(content: &LaunchedContent, media_type: &str) -> String {
    let name = content.file_name.as_deref().unwrap_or("the file");
    let shown = escape(name);
    let language = escape(&content.language);
    let view = match media_type {
        "application/pdf" | "text/plain" => {
            format!("<iframe class=\"frame\" src=\"_/file\" title=\"{shown}\" lang=\"{language}\"></iframe>")
        }
        image if image.starts_with("image/") && !image.contains("svg") => {
            format!("<img class=\"image\" src=\"_/file\" alt=\"{shown}\">")
        }
        audio if audio.starts_with("audio/") => {
            format!("<audio controls src=\"_/file\" aria-label=\"{shown}\"></audio>")
        }
        _ => String::new(),
    };
    format!(
        "<main class=\"file\">{view}<p><a href=\"_/file\" download=\"{shown}\">Download {shown}</a></p></main>"
    )
}

fn video(launch: &LiveLaunch, record: Option<&ActivityRecord>) -> String {
    let content = &launch.content;
    let position = record
        .and_then(|record| record.position_seconds)
        .unwrap_or_default();
    let mut tracks = String::new();
    let mut transcripts = String::new();
    for (place, track) in content.tracks.iter().enumerate() {
        let language = escape(&track.language);
        if track.kind == "transcript" {
            transcripts.push_str(&format!(
                "<p><a href=\"_/tracks/{place}\">Transcript ({language})</a></p>"
            ));
            continue;
        }
        let is_default = track.kind == "captions" && track.language == content.language;
        let default = if is_default { " default" } else { "" };
        tracks.push_str(&format!(
            "<track kind=\"{}\" srclang=\"{language}\" label=\"{language}\" src=\"_/tracks/{place}\"{default}>",
            escape(&track.kind)
        ));
    }
    let mode = launch.mode.as_str();
    format!(
        "<main class=\"video\"><video id=\"video\" controls preload=\"metadata\" src=\"_/file\" lang=\"{}\" \
         data-position=\"{position}\" data-mode=\"{mode}\">{tracks}</video>{transcripts}</main>",
        escape(&content.language)
    )
}

/// The way back to the front end, where `return` names a page of one that the settings know.
fn back(app: &App, query: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let Some((_, address)) = pairs.find(|(name, _)| name == "return") else {
        return String::new();
    };
    let Ok(url) = url::Url::parse(&address) else {
        return String::new();
    };
    let origin = url.origin().ascii_serialization();
    let is_known = matches!(url.scheme(), "http" | "https")
        && app
            .config
            .cors_origins
            .iter()
            .any(|known| *known == origin || known == "*");
    match is_known {
        true => format!(
            "<p><a id=\"back\" href=\"{}\">Back to the course</a></p>",
            escape(url.as_str())
        ),
        false => String::new(),
    }
}

/// Text, as HTML writes it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
