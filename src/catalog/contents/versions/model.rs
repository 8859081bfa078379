//! The types of `/v1/contents/{content_id}/versions`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, QueryableByName, Selectable, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    catalog::contents::{
        body::{ContentBody, PageFormat},
        findings::{Finding, Findings},
    },
    db::schema::content_versions,
    files::Sha256,
    http::Versioned,
    text_enum,
};

text_enum! {
    /// How far a content version is.
    ContentVersionState {
        /// The package is being read.
        Importing = "importing",
        /// Courses can use it.
        Ready = "ready",
        /// It cannot be used; its findings say why.
        Refused = "refused",
        /// It was deleted: what it showed is gone.
        Deleted = "deleted",
    }
}

/// What a content was at a time; it never changes once it is ready, until it is deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = content_versions)]
pub struct ContentVersion {
    /// Our id.
    pub id: Uuid,
    /// The content.
    pub content_id: Uuid,
    /// Counts up from 1 within the content.
    pub number: i32,
    /// How far it is.
    pub state: ContentVersionState,
    /// What it shows; none for a package that was not read yet, or is refused, and for what is deleted.
    pub body: Option<ContentBody>,
    /// The SHA-256 of its file in the store, where it has one.
    #[schema(value_type = Option<String>)]
    pub sha256: Option<Sha256>,
    /// The name of its file.
    pub file_name: Option<String>,
    /// What was found wrong with it.
    #[schema(value_type = Vec<Finding>)]
    pub findings: Findings,
    /// What its author noted.
    pub note: Option<String>,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Versioned for ContentVersion {
    fn version(&self) -> i64 {
        match self.state {
            ContentVersionState::Importing => 1,
            ContentVersionState::Ready | ContentVersionState::Refused => 2,
            ContentVersionState::Deleted => 3,
        }
    }
}

impl Versioned for ContentVersionDetails {
    fn version(&self) -> i64 {
        self.version.version()
    }
}

text_enum! {
    /// What a track of a video is for.
    ContentTrackKind {
        /// What is said, and sounds that matter, for who cannot hear them.
        Captions = "captions",
        /// What is said, in another language.
        Subtitles = "subtitles",
        /// What is to be seen, for who cannot see it.
        Descriptions = "descriptions",
        /// All that is said, to read.
        Transcript = "transcript",
    }
}

/// A text that goes with a video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, QueryableByName)]
pub struct ContentTrack {
    /// Its language: a BCP 47 tag.
    #[schema(example = "pt-BR")]
    #[diesel(sql_type = sql_types::Text)]
    pub language: String,
    /// What it is for.
    #[diesel(sql_type = sql_types::Text)]
    pub kind: ContentTrackKind,
    /// The SHA-256 of its file in the store, which is WebVTT.
    #[diesel(sql_type = sql_types::Binary)]
    pub sha256: Sha256,
}

/// A version of a content, with what was found wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ContentVersionDetails {
    /// The version.
    #[serde(flatten)]
    pub version: ContentVersion,
    /// The tracks of a video.
    pub tracks: Vec<ContentTrack>,
}

/// A version of a content, without what it shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, QueryableByName)]
pub struct ContentVersionSummary {
    /// Our id.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// The content.
    #[diesel(sql_type = sql_types::Uuid)]
    pub content_id: Uuid,
    /// Counts up from 1 within the content.
    #[diesel(sql_type = sql_types::Integer)]
    pub number: i32,
    /// How far it is.
    #[diesel(sql_type = sql_types::Text)]
    pub state: ContentVersionState,
    /// The name of its file.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub file_name: Option<String>,
    /// The SHA-256 of its file in the store, where it has one.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Binary>)]
    #[schema(value_type = Option<String>)]
    pub sha256: Option<Sha256>,
    /// How many findings are errors.
    #[diesel(sql_type = sql_types::Integer)]
    pub errors: i32,
    /// How many findings are warnings.
    #[diesel(sql_type = sql_types::Integer)]
    pub warnings: i32,
    /// What its author noted.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub note: Option<String>,
    /// Who made it.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub created_by: Option<Uuid>,
    /// When it was made.
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// A version to be added. What it needs depends on the kind of the content: `upload_id` of a file, video or package, `text` and
/// `format` of a page, `url` of a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateContentVersion {
    /// A complete upload of the caller's own.
    #[serde(default)]
    pub upload_id: Option<Uuid>,
    /// How the text is written.
    #[serde(default)]
    pub format: Option<PageFormat>,
    /// The text of a page.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 500_000,
        format = "multiline",
        example = "# Fire doors\n\nKeep them shut."
    )]
    pub text: Option<String>,
    /// The address of a link.
    #[serde(default)]
    #[schema(
        pattern = r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$",
        max_length = 2000,
        example = "https://learn.example.com/fire-doors"
    )]
    pub url: Option<String>,
    /// Captions and the like of a video, each from an upload of its own, as WebVTT or SubRip (SRT).
    #[serde(default)]
    #[schema(max_items = 100)]
    pub tracks: Vec<CreateContentTrack>,
    /// What is new, for colleagues.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub note: Option<String>,
}

/// A track of a video to be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateContentTrack {
    /// Its language: a BCP 47 tag.
    #[schema(
        pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length = 35,
        example = "en"
    )]
    pub language: String,
    /// What it is for.
    pub kind: ContentTrackKind,
    /// A complete upload of the caller's own: WebVTT or SubRip (SRT).
    pub upload_id: Uuid,
}

/// What became of a package: the result of the operation `contents.import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentImport {
    /// The content.
    pub content_id: Uuid,
    /// The version, which is ready.
    pub content_version_id: Uuid,
    /// Its number.
    pub number: i32,
    /// How many files the package has.
    pub files: i32,
    /// How many findings are errors.
    pub errors: i32,
    /// How many findings are warnings.
    pub warnings: i32,
}

text_enum! {
    /// How the archive holds a file.
    PackageMethod {
        /// As it is.
        Stored = "stored",
        /// Compressed by DEFLATE.
        Deflated = "deflated",
    }
}

/// A file inside a package: where its bytes are in the archive, which stays one blob.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct PackageFile {
    /// Its path in the package.
    #[diesel(sql_type = sql_types::Text)]
    pub path: String,
    /// Where its data begins in the archive.
    #[diesel(sql_type = sql_types::BigInt)]
    pub position: i64,
    /// How many bytes the archive holds of it.
    #[diesel(sql_type = sql_types::BigInt)]
    pub compressed: i64,
    /// How the archive holds it.
    #[diesel(sql_type = sql_types::Text)]
    pub method: PackageMethod,
    /// The CRC-32 of the file.
    #[diesel(sql_type = sql_types::BigInt)]
    pub crc32: i64,
    /// Its size.
    #[diesel(sql_type = sql_types::BigInt)]
    pub bytes: i64,
    /// What it is, by its name.
    #[diesel(sql_type = sql_types::Text)]
    pub media_type: String,
}
