//! What filters may say about categories.

use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of categories.
pub static CATEGORIES: Schema = Schema::new(&[
    scalar("id", Kind::Id, "categories.id", "Our id."),
    scalar("code", Kind::Exact, "categories.code", "The code."),
    scalar("name", Kind::String, "categories.name", "The name."),
    scalar(
        "created_at",
        Kind::Instant,
        "categories.created_at",
        "When it was added.",
    ),
    scalar(
        "updated_at",
        Kind::Instant,
        "categories.updated_at",
        "When it was last changed.",
    ),
    scalar(
        "archived_at",
        Kind::Instant,
        "categories.archived_at",
        "When it was archived: `archived_at eq null` finds those that take courses.",
    ),
]);

const fn scalar(name: &'static str, kind: Kind, column: &'static str, doc: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        column: Column::Scalar(column),
        doc,
    }
}
