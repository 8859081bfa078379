//! The player's own files, which are part of the program.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Bytes,
};

use super::answer::{self, Kind};
use crate::{
    app::App,
    files::{Sha256, serve},
    http::{ApiError, ApiResult},
};

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const ASSETS: &[Asset] = &[
    Asset {
        name: "player.css",
        media_type: STYLE,
        bytes: include_bytes!("../player/player.css"),
    },
    Asset {
        name: "package.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/package.js"),
    },
    Asset {
        name: "transport.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/transport.js"),
    },
    Asset {
        name: "journal.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/journal.js"),
    },
    Asset {
        name: "text.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/text.js"),
    },
    Asset {
        name: "notice.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/notice.js"),
    },
    Asset {
        name: "video.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/video.js"),
    },
    Asset {
        name: "scorm12.min.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/vendor/scorm12.min.js"),
    },
    Asset {
        name: "scorm2004.min.js",
        media_type: SCRIPT,
        bytes: include_bytes!("../player/vendor/scorm2004.min.js"),
    },
];

/// Their entity tags, in the same order.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    ASSETS
        .iter()
        .map(|asset| format!("\"{}\"", Sha256::of(asset.bytes)))
        .collect()
});

/// One of them.
pub fn answer(app: &App, name: &str, request: &HttpRequest) -> ApiResult<HttpResponse> {
    let found = ASSETS.iter().zip(&*TAGS).find(|(asset, _)| asset.name == name);
    let (asset, tag) = found.ok_or_else(|| ApiError::not_found("file"))?;
    let mut answer = answer::headed(app, HttpResponse::Ok(), Kind::Ours);
    answer
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::CACHE_CONTROL, "private, max-age=600"))
        .insert_header((header::CONTENT_TYPE, asset.media_type));
    if serve::is_known(request.headers(), tag) {
        return Ok(answer.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(answer.body(Bytes::from_static(asset.bytes)))
}
