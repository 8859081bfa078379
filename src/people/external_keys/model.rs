//! The type of external keys.

use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::db::schema::external_keys;

/// What another system calls a thing: no two things of a kind have the same key of the same source.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = external_keys)]
pub struct ExternalKey {
    /// The other system.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^:/\s\u0000-\u001f\u007f-\u009f]+$",
        example = "hr"
    )]
    pub source: String,
    /// Its key.
    #[schema(min_length = 1, max_length = 200, example = "10084")]
    pub key: String,
}
