//! What content versions show, by kind of content; kept as JSON in `content_versions.body`.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::package::manifest::PackageManifest;
use crate::{json_column, text_enum};

text_enum! {
    /// What kind of thing a content is.
    ContentKind {
        /// A document, an image or an audio file.
        File = "file",
        /// A text, written as Markdown or HTML.
        Page = "page",
        /// A video, with captions.
        Video = "video",
        /// An address elsewhere.
        Link = "link",
        /// A course package: SCORM 1.2, or SCORM 2004 3rd or 4th edition.
        Package = "package",
    }
}

text_enum! {
    /// How the text of a page is written.
    PageFormat {
        /// CommonMark with tables and strikethrough.
        Markdown = "markdown",
        /// HTML. What could run or load code is left out of what is shown.
        Html = "html",
    }
}

/// What a content version shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[diesel(sql_type = Jsonb)]
pub enum ContentBody {
    /// An uploaded file.
    File {
        /// What it is.
        #[schema(example = "application/pdf")]
        media_type: String,
        /// Its size.
        bytes: i64,
    },
    /// A text.
    Page {
        /// How `text` is written.
        format: PageFormat,
        /// The text as it was sent.
        text: String,
        /// What learners see: HTML without anything that could run or load code.
        html: String,
    },
    /// An uploaded video.
    Video {
        /// What it is.
        #[schema(example = "video/mp4")]
        media_type: String,
        /// Its size.
        bytes: i64,
        /// How long it is, in whole seconds, by its own header; none where that does not say it.
        #[serde(default)]
        duration_seconds: Option<i32>,
    },
    /// An address elsewhere.
    Link {
        /// The address.
        #[schema(example = "https://example.com/fire-doors")]
        url: String,
    },
    /// An uploaded package.
    Package {
        /// What its manifest says.
        manifest: Box<PackageManifest>,
        /// How many files it has.
        files: i32,
        /// The size of all its files together.
        bytes: i64,
    },
}

json_column!(ContentBody);

impl ContentBody {
    /// The kind of content that it is of.
    pub fn kind(&self) -> ContentKind {
        match self {
            ContentBody::File { .. } => ContentKind::File,
            ContentBody::Page { .. } => ContentKind::Page,
            ContentBody::Video { .. } => ContentKind::Video,
            ContentBody::Link { .. } => ContentKind::Link,
            ContentBody::Package { .. } => ContentKind::Package,
        }
    }
}
