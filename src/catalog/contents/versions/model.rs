//! The types of `/v1/contents/{content_id}/versions`.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use diesel::{Queryable, QueryableByName, Selectable, sql_types};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    catalog::contents::{
        body::ContentBody,
        findings::{Finding, Findings},
    },
    db::schema::content_versions,
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
    }
}

/// What a content was at a time; it never changes once it is ready.
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
    /// What it shows; none for a package that was not read yet, or is refused.
    pub body: Option<ContentBody>,
    /// The SHA-256 of its file in the store, in hexadecimal, where it has one.
    #[serde(serialize_with = "as_hex")]
    #[schema(value_type = Option<String>)]
    pub sha256: Option<Vec<u8>>,
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

fn as_hex<S: Serializer>(sha256: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    sha256
        .as_ref()
        .map(|sha256| HEXLOWER.encode(sha256))
        .serialize(serializer)
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
