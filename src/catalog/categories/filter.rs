//! What filters may say about categories.

use super::model::CategoryVisibility;
use crate::filter::{Attribute, Kind, Schema};

/// The attributes of categories.
pub static CATEGORIES: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "categories.id", "Our id."),
    Attribute::scalar("code", Kind::Folded, "categories.code", "The code."),
    Attribute::scalar("name", Kind::Folded, "categories.name", "The name."),
    Attribute::scalar(
        "visibility",
        Kind::Enum(CategoryVisibility::WORDS),
        "categories.visibility",
        "Who sees it and its courses.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "categories.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "updated_at",
        Kind::Instant,
        "categories.updated_at",
        "When it was last changed.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "categories.archived_at",
        "When it was archived: `archived_at eq null` finds those that take courses.",
    ),
]);
