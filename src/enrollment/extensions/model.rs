//! The types of `/v1/extensions`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    bulk_row,
    db::{Sql, schema::extensions},
    enrollment::target::Target,
    http::rules::rule,
    resource,
    resource::{Create, Record, Update},
    sql,
};

/// More time for a user, or for the members of a group: what they must complete for the target is due on this day at the soonest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = extensions)]
pub struct Extension {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: ExtensionFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived: it counts no more.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of an extension.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = extensions)]
#[validate(schema(function = has_one_holder, skip_on_field_errors = false))]
pub struct ExtensionFields {
    /// The user who gets more time; null if a group does.
    #[serde(default)]
    #[record(fixed)]
    pub user_id: Option<Uuid>,
    /// The group whose members get more time, as long as they are members; null if a user does.
    #[serde(default)]
    #[record(fixed)]
    pub group_id: Option<Uuid>,
    /// What it is about.
    #[record(fixed, opaque)]
    pub target: Target,
    /// The day on which it is due at the soonest.
    #[record(sort)]
    pub due_on: NaiveDate,
    /// Why, for those who ask later.
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "The training room was flooded."
    )]
    pub reason: String,
}

/// An extension to be added.
pub type CreateExtension = Create<Extension>;

/// Changes to an extension.
pub type UpdateExtension = Update<Extension>;

bulk_row! {
    /// An extension to create or update: either `create`, or `id` with `update`.
    BulkExtensionRow: CreateExtension, UpdateExtension
}

resource!(Extension in extensions, fields: ExtensionFields, name: "extension", kind: "extension", external: None,
    read: ExtensionsRead, write: ExtensionsWrite,
    covered: |scope| Sql::any([scope.users("extensions.user_id"), scope.groups("extensions.group_id")]),
    // What a group gets is an extension of each of its members.
    visible: |scope| Sql::any([
        scope.users("extensions.user_id"),
        scope.groups("extensions.group_id"),
        sql!(
            "extensions.group_id IN (SELECT getting.group_id FROM group_members getting WHERE {members})",
            members = scope.users("getting.user_id"),
        ),
    ]),
    archived: archived_at);

fn has_one_holder(extension: &ExtensionFields) -> Result<(), ValidationError> {
    match (extension.user_id, extension.group_id) {
        (None, None) => rule("/user_id", "is required, unless group_id is given"),
        (Some(_), Some(_)) => rule(
            "/group_id",
            "must be left out where user_id is given: add an extension for each",
        ),
        _ => Ok(()),
    }
}
