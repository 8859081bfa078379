//! The types of `/v1/categories`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    bulk_row,
    catalog::visibility,
    db::schema::categories,
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// Who sees a category and the courses in it that were published.
    CategoryVisibility {
        /// Everybody who sees the catalog.
        Everyone = "everyone",
        /// Callers with `courses.read` in a scope that covers the category or a course in it. A course is also seen by
        /// users who take, took or must take it, and by those who may see these users' courses.
        Restricted = "restricted",
    }
}

/// A category of courses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = categories)]
pub struct Category {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: CategoryFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived; null while it takes courses.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a category.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = categories)]
pub struct CategoryFields {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "safety")]
    #[record(folded, sort)]
    pub code: String,
    /// The name.
    #[schema(min_length = 1, max_length = 200, example = "Health and safety")]
    #[record(folded, sort)]
    pub name: String,
    /// Who sees it and its courses.
    #[serde(default = "everyone")]
    #[schema(default = "everyone")]
    pub visibility: CategoryVisibility,
}

fn everyone() -> CategoryVisibility {
    CategoryVisibility::Everyone
}

/// A category to be added.
pub type CreateCategory = Create<Category>;

/// Changes to a category.
pub type UpdateCategory = Update<Category>;

bulk_row! {
    /// A category to create or update: either `create`, or `id` with `update`.
    BulkCategoryRow: CreateCategory, UpdateCategory
}

resource!(Category in categories, fields: CategoryFields, name: "category", kind: "category", external: None,
    read: CoursesRead, write: CoursesWrite,
    covered: |scope| scope.categories("categories.id"),
    visible: |scope| visibility::categories(scope),
    archived: archived_at);
