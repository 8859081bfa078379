//! The types of `/v1/uploads`.

use chrono::{DateTime, Utc};
use diesel::{NullableExpressionMethods, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};
use uuid::Uuid;

use crate::{
    db::schema::{blobs, uploads},
    files::Sha256,
    http::Parameters,
    text_enum,
};

text_enum! {
    /// How far an upload is.
    UploadState {
        /// Bytes are missing.
        Receiving = "receiving",
        /// All bytes are there, and Provost puts them together; takes seconds.
        Assembling = "assembling",
        /// It can be used.
        Complete = "complete",
    }
}

/// An upload: a file on its way in, or one that waits to be used. It expires a day after its last bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// Our id.
    pub id: Uuid,
    /// How far it is.
    pub state: UploadState,
    /// The file's name, as its sender gave it.
    #[schema(example = "fire-safety.pdf")]
    pub file_name: String,
    /// How many bytes it is to have.
    #[schema(minimum = 0)]
    pub bytes: i64,
    /// How many of them are there.
    #[schema(minimum = 0)]
    pub received: i64,
    /// The SHA-256 of the bytes, in hexadecimal; null until it is complete.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub sha256: Option<Sha256>,
    /// What the first bytes say that it is; null until it is complete.
    #[schema(example = "application/pdf")]
    pub media_type: Option<String>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When bytes last came.
    pub updated_at: DateTime<Utc>,
    /// When it is deleted. What was made of it by then stays.
    pub expires_at: DateTime<Utc>,
}

/// A row of an upload and of its blob, if it is complete.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = uploads)]
pub(super) struct UploadRow {
    pub id: Uuid,
    file_name: String,
    pub bytes: i64,
    pub received: i64,
    pub sha256: Option<Sha256>,
    #[diesel(select_expression = blobs::media_type.nullable())]
    media_type: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl From<UploadRow> for Upload {
    fn from(row: UploadRow) -> Self {
        Upload {
            id: row.id,
            state: match row.sha256 {
                Some(_) => UploadState::Complete,
                None if row.received == row.bytes => UploadState::Assembling,
                None => UploadState::Receiving,
            },
            file_name: row.file_name,
            bytes: row.bytes,
            received: row.received,
            sha256: row.sha256,
            media_type: row.media_type,
            created_at: row.created_at,
            updated_at: row.updated_at,
            expires_at: row.expires_at,
        }
    }
}

/// The parameters of an upload at once.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PutUpload {
    /// The file's name.
    #[param(min_length = 1, max_length = 255, example = "fire-safety.pdf")]
    pub file_name: String,
}

impl Parameters for PutUpload {}

/// The bytes of a file, as the document has them.
#[derive(Debug)]
pub struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for FileBytes {}
