//! The types of `/v1/contents`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::body::ContentKind;
use crate::{
    bulk_row,
    catalog::tags,
    db::{Sql, schema::contents},
    resource,
    resource::{Create, Record, Update},
    sql,
};

/// A content of the library: what courses are made of. What it shows stands in its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = contents)]
pub struct Content {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: ContentFields,
    /// The latest version that is ready; null before the first.
    #[record(opaque)]
    pub current_version_id: Option<Uuid>,
    /// The number of the current version.
    #[schema(example = 1)]
    pub current_version_number: Option<i32>,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[record(sort)]
    pub updated_at: DateTime<Utc>,
    /// When it was archived. Courses that were published with it keep it, and no draft gets it.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a content.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = contents)]
pub struct ContentFields {
    /// A short name for programs; unique, whatever the case of its letters.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "fire-doors")]
    #[record(folded, sort)]
    pub code: String,
    /// What kind of thing it is; this stays.
    #[record(fixed)]
    pub kind: ContentKind,
    /// The title.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Fire doors")]
    #[record(sort)]
    pub title: String,
    /// What it is about.
    #[serde(default)]
    #[schema(default = "", max_length = 20000, format = "multiline")]
    #[record(opaque)]
    pub description: String,
    /// Its language: a BCP 47 primary tag.
    #[schema(pattern = "^[a-z]{2,3}$", example = "en")]
    #[record(kind = Exact)]
    pub language: String,
    /// The category that it is in; null for the whole academy.
    #[serde(default)]
    pub category_id: Option<Uuid>,
    /// Tags, in lower case and alphabetical order.
    #[serde(default, deserialize_with = "tags::normalized")]
    #[schema(max_items = 50, schema_with = tags::schema)]
    #[record(opaque)]
    pub tags: Vec<String>,
    /// The user who looks after it. A new content that names nobody gets the user who creates it.
    #[serde(default)]
    pub owner_id: Option<Uuid>,
}

/// A content to be added.
pub type CreateContent = Create<Content>;

/// Changes to a content.
pub type UpdateContent = Update<Content>;

bulk_row! {
    /// A content to create or update: either `create`, or `id` with `update`.
    BulkContentRow: CreateContent, UpdateContent
}

// Contents without a category belong to the whole academy: everyone who reads contents sees them, and only callers with the
// scope of everything write them.
resource!(Content in contents, fields: ContentFields, name: "content", kind: "content", external: None,
    read: ContentsRead, write: ContentsWrite,
    covered: |scope| scope.categories("contents.category_id"),
    visible: |scope| Sql::any([scope.categories("contents.category_id"), sql!("contents.category_id IS NULL")]),
    new: { current_version_id: None, current_version_number: None },
    archived: archived_at);
