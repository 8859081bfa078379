//! What filters may say about categories.

use crate::{
    app::Tx,
    db::Sql,
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiResult, filter::parse},
};

static CATEGORIES: Schema = Schema::new(&[
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

/// The categories that `text` describes, as a condition over `categories`; all of them without one.
pub fn condition(tx: &Tx, text: Option<&str>) -> ApiResult<Sql> {
    match text {
        Some(text) => Ok(parse(text, &CATEGORIES)?.to_sql(&tx.filter_clock())),
        None => Ok(Sql::always()),
    }
}
