//! The types of `/v1/categories`.

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{catalog::visibility, db::schema::categories, http::Versioned, protected, text_enum};

text_enum! {
    /// Who sees a category and the courses in it that were published.
    CategoryVisibility {
        /// Whoever sees the catalog.
        Everyone = "everyone",
        /// Those who hold `courses.read` in a scope that covers the category or a course in it; of a course also those who
        /// take, took or must take it, and those who see such people's courses.
        Restricted = "restricted",
    }
}

/// A category of courses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = categories)]
pub struct Category {
    /// Our id.
    pub id: Uuid,
    /// A short name for programs; unique.
    #[schema(example = "safety")]
    pub code: String,
    /// The name.
    #[schema(example = "Health and safety")]
    pub name: String,
    /// Who sees it and its courses.
    pub visibility: CategoryVisibility,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived; null while it takes courses.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Versioned for Category {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(Category in categories, name: "category", external: None, read: CoursesRead,
    covered: |scope| scope.categories("categories.id"),
    visible: |scope| visibility::categories(scope));

/// A category to be added.
#[derive(Debug, Clone, Serialize, Deserialize, Insertable, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = categories)]
pub struct CreateCategory {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "safety")]
    pub code: String,
    /// The name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Health and safety"
    )]
    pub name: String,
    /// Who sees it and its courses.
    #[serde(default = "everyone")]
    #[schema(default = "everyone")]
    pub visibility: CategoryVisibility,
}

fn everyone() -> CategoryVisibility {
    CategoryVisibility::Everyone
}

/// Changes to a category: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, AsChangeset, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = categories)]
pub struct UpdateCategory {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", nullable = false)]
    pub code: Option<String>,
    /// The name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", nullable = false)]
    pub name: Option<String>,
    /// Who sees it and its courses.
    #[schema(nullable = false)]
    pub visibility: Option<CategoryVisibility>,
}
