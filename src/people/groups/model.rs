//! The types of `/v1/groups`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    bulk_row,
    db::schema::{group_members, groups, users},
    http::{
        FieldError,
        rules::{complaints, rule},
    },
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// Where a group's members come from.
    GroupKind {
        /// They are added and removed one by one.
        Static = "static",
        /// They are the users that its filter finds.
        Dynamic = "dynamic",
    }
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = groups)]
pub struct Group {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: GroupFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed; its members' coming and going leaves this as it is.
    pub updated_at: DateTime<Utc>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a group.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = groups)]
#[validate(schema(function = only_dynamic_groups_have_filters, skip_on_field_errors = false))]
pub struct GroupFields {
    /// What filters call it; unique, whatever the case of its letters. Filters that name an old code find nobody by it any
    /// more.
    #[schema(min_length = 1, max_length = 100, example = "first-aiders")]
    #[record(folded, sort)]
    pub code: String,
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, example = "First aiders")]
    #[record(folded, sort)]
    pub name: String,
    /// Where its members come from; this stays.
    #[serde(default = "by_hand")]
    #[schema(default = "static")]
    #[record(fixed)]
    pub kind: GroupKind,
    /// Of a dynamic group: who belongs to it, in the filter language over people. It may not name `groups`.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 4096,
        format = "multiline",
        example = "department eq \"Nursing\""
    )]
    #[record(opaque)]
    pub filter: Option<String>,
}

/// A group to be added.
pub type CreateGroup = Create<Group>;

/// Changes to a group.
pub type UpdateGroup = Update<Group>;

bulk_row! {
    /// A group to create or update: either `create`, or `id` with `update`.
    BulkGroupRow: CreateGroup, UpdateGroup
}

resource!(Group in groups, fields: GroupFields, name: "group", kind: "group", external: Some("group"),
    read: GroupsRead, write: GroupsWrite,
    covered: |scope| scope.groups("groups.id"),
    archived: archived_at);

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
pub struct GroupMember {
    /// The person.
    #[diesel(column_name = id)]
    pub user_id: Uuid,
    /// The new password.
    pub username: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Since when they have been in the group.
    #[diesel(select_expression = group_members::added_at)]
    pub added_at: DateTime<Utc>,
}

/// Users to add to a static group and to remove from it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = nobody_is_in_both, skip_on_field_errors = false))]
pub struct UpdateGroupMembers {
    /// User ids to add; existing members are ignored.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub add: Vec<Uuid>,
    /// User ids to remove; non-members are ignored.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub remove: Vec<Uuid>,
}

/// Whose membership changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupMembersChanged {
    /// Who became a member.
    pub added: Vec<Uuid>,
    /// Who was a member.
    pub removed: Vec<Uuid>,
}

fn by_hand() -> GroupKind {
    GroupKind::Static
}

fn only_dynamic_groups_have_filters(group: &GroupFields) -> Result<(), validator::ValidationError> {
    match (group.kind, &group.filter) {
        (GroupKind::Dynamic, None) => rule("/filter", "is required of a dynamic group"),
        (GroupKind::Static, Some(_)) => rule("/filter", "belongs to dynamic groups only"),
        _ => Ok(()),
    }
}

const MOST_AT_ONCE: usize = 1_000;

fn nobody_is_in_both(changes: &UpdateGroupMembers) -> Result<(), validator::ValidationError> {
    if changes.add.len() + changes.remove.len() > MOST_AT_ONCE {
        return rule("", "must not name more than 1,000 people at once");
    }
    let removed: std::collections::HashSet<_> = changes.remove.iter().collect();
    let added = changes.add.iter().enumerate();
    let both = added.filter(|(_, user)| removed.contains(user));
    complaints(
        both.map(|(index, _)| FieldError::new(format!("/add/{index}"), "is in /remove, too; choose one")),
    )
}
