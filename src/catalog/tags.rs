//! Tags of courses and contents.

use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::Array;

/// Tags as they are kept: trimmed, in lower case, each once, in order.
pub fn normalize<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> = tags
        .into_iter()
        .map(|tag| {
            tag.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        })
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort();
    tags.dedup();
    tags
}

/// Reads tags in the form in which they are kept.
pub fn normalized<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let tags = Vec::<String>::deserialize(deserializer)?;
    Ok(normalize(tags.iter().map(String::as_str)))
}

/// The schema of tags.
pub fn schema() -> Array {
    use utoipa::openapi::{ArrayBuilder, ObjectBuilder, schema::Type};
    let tag = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(100))
        .pattern(Some(r"\S"));
    ArrayBuilder::new()
        .items(tag)
        .max_items(Some(50))
        .description(Some(
            "Tags, in lower case and alphabetical order; in a request case, order and repeats do not count.",
        ))
        .build()
}
