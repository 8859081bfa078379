//! Downloads: a signed address for a blob, and the content listener's answer to it.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Addresses, Sha256, blobs,
    serve::{self, Served},
};
use crate::{
    app::{App, Tx},
    http::{ApiError, ApiResult, Code},
};

/// A download address is good for so long.
const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Keeps addresses of downloads apart from others.
const KIND: &str = "file";

/// An address that gives a file to everybody who has it, until it expires. It answers ranges, so that media can be played from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Download {
    /// The address; it takes no token.
    #[schema(
        format = "uri",
        example = "https://content.example.com/f/AAAA/fire-safety.pdf"
    )]
    pub url: String,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// What an address says of its file.
#[derive(Debug, PartialEq)]
struct Signed {
    sha256: Sha256,
    bytes: u64,
    media_type: String,
    is_inline: bool,
}

impl Signed {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.sha256.as_bytes().to_vec();
        bytes.extend(self.bytes.to_be_bytes());
        bytes.push(self.is_inline.into());
        bytes.extend(self.media_type.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sha256, rest) = bytes.split_first_chunk::<32>()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let (is_inline, media_type) = rest.split_first()?;
        Some(Signed {
            sha256: Sha256::try_from(&sha256[..]).ok()?,
            bytes: u64::from_be_bytes(*bytes),
            media_type: str::from_utf8(media_type).ok()?.to_owned(),
            is_inline: *is_inline == 1,
        })
    }
}

/// An address at which a blob can be downloaded under a file name. With `is_inline` browsers show the file, if its type does no harm:
/// PDF, images but SVG, audio, video and plain text. `content_version_id` is whose file it is. Check before that the caller may have
/// it.
pub fn download(
    tx: &mut Tx,
    content_version_id: Uuid,
    sha256: &Sha256,
    file_name: &str,
    media_type: &str,
    is_inline: bool,
) -> ApiResult<Download> {
    let blob =
        blobs::find(tx, sha256)?.ok_or_else(|| ApiError::internal(format!("there is no blob {sha256}")))?;
    let signed = Signed {
        sha256: *sha256,
        bytes: u64::try_from(blob.bytes).map_err(ApiError::internal)?,
        media_type: media_type.to_owned(),
        is_inline,
    };
    let expires_at = tx.now + LIFETIME;
    let segment = tx
        .app
        .part::<Addresses>()
        .sign(KIND, &signed.to_bytes(), expires_at);
    let mut url =
        Url::parse(&tx.app.config.content_url_of(content_version_id)).map_err(ApiError::internal)?;
    url.path_segments_mut()
        .map_err(|()| ApiError::internal("PROVOST_CONTENT_URL has no path"))?
        .pop_if_empty()
        .extend(["f", &segment, file_name]);
    Ok(Download {
        url: url.into(),
        expires_at,
    })
}

/// The addresses of the content listener that serve downloads.
pub fn configure_content(config: &mut ServiceConfig) {
    config.route("/f/{signed}/{file_name}", web::get().to(get_file));
}

async fn get_file(
    app: Data<App>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let (segment, file_name) = path.into_inner();
    let opened = app.part::<Addresses>().open(KIND, &segment, app.clock.now());
    let signed = opened
        .and_then(|payload| Signed::from_bytes(&payload))
        .ok_or_else(|| {
            ApiError::new(
                Code::NotFound,
                "This address has expired, or never was one; ask for a new one where you got it.",
            )
        })?;
    let file = Served {
        is_inline: signed.is_inline && serve::is_harmless(&signed.media_type),
        etag: format!("\"{}\"", signed.sha256),
        sha256: signed.sha256,
        start: 0,
        bytes: signed.bytes,
        media_type: signed.media_type,
        file_name: Some(file_name),
    };
    serve::answer(&app.into_inner(), &request, file).await
}
