//! `/v1/groups`.

use actix_web::{delete, get, post, put, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    members,
    model::{
        BulkGroupRow, CreateGroup, Group, GroupMember, GroupMembersChanged, UpdateGroup, UpdateGroupMembers,
    },
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    http::{ApiError, ApiResult, Code, IfMatch, ListQuery, Page, Query, Ref, RefKind, Reply, Valid},
    people::{external_keys, users::model::User},
    resource::list::SearchQuery,
    resource_endpoints,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/groups")
            .configure(endpoints::configure)
            .service(list_group_members)
            .service(change_group_members)
            .service(add_group_member)
            .service(remove_group_member)
            .configure(external_keys::routes::groups::configure),
    );
}

resource_endpoints! {
    (Group, tag: "groups", id: "group_id", path: "/{group_id}", archival: "/{group_id}/archival",
        read: "groups.read", write: "groups.write")
    /// List groups.
    ///
    /// What the caller may see, with archived units: `filter=archived_at eq null` leaves them out.
    list list_groups(SearchQuery);
    /// Create a group.
    ///
    /// A dynamic group has its members from the start, and they follow people's changes.
    create create_group(CreateGroup);
    /// Create and update groups in bulk.
    ///
    /// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
    /// others are written, and dynamic groups have their members at once. With an `Idempotency-Key` you can safely repeat
    /// the whole request.
    bulk bulk_write_groups(BulkGroupRow);
    /// Get a group.
    get get_group;
    /// Update a group.
    ///
    /// With another filter it has other members at once.
    update update_group(UpdateGroup);
    /// Archive a group.
    ///
    /// All its memberships end, and with them the roles that members hold by it.
    archive archive_group;
    /// Restore a group.
    ///
    /// A dynamic group contains the users that its filter finds at once; a static group starts empty.
    restore restore_group;
}

/// List the members of a group.
///
/// Members that the caller may see; `filter` is the one of `/v1/users`.
#[utoipa::path(tag = "groups", params(("group_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<GroupMember>)), extensions(("x-permission" = json!("groups.read"))))]
#[get("/{group_id}/members")]
async fn list_group_members(call: Call, id: Path<Ref<Group>>, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let group = authz::read(tx, &id)?;
        Reply::page(&members::list(tx, group.id, &query.0)?)
    })
    .await
}

/// Add and remove members of a group.
///
/// Of a static group, up to 1,000 at once, all or nothing.
#[utoipa::path(tag = "groups", params(("group_id" = String, Path)), request_body = UpdateGroupMembers,
    responses((status = 200, body = GroupMembersChanged)), extensions(("x-permission" = json!("groups.write"))))]
#[post("/{group_id}/members")]
async fn change_group_members(
    call: Call,
    id: Path<Ref<Group>>,
    body: Valid<UpdateGroupMembers>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let group = authz::authorize(tx, &id, Permission::GroupsWrite)?;
        Reply::ok(&members::change(tx, &group, &body.0)?)
    })
    .await
}

/// Add a member to a group.
///
/// To a static group. `If-Match` takes the group's ETag.
#[utoipa::path(tag = "groups", params(("group_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 204, description = "They are a member.")),
    extensions(("x-permission" = json!("groups.write"))))]
#[put("/{group_id}/members/{user_id}")]
async fn add_group_member(
    call: Call,
    ids: Path<(Ref<Group>, Ref<User>)>,
    known: IfMatch,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        change_one(tx, &ids, &known, |user| UpdateGroupMembers {
            add: vec![user],
            remove: Vec::new(),
        })?;
        Ok(Reply::no_content())
    })
    .await
}

/// Remove a member from a group.
///
/// From a static group. `If-Match` takes the group's ETag.
#[utoipa::path(tag = "groups", params(("group_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 204, description = "They are no member.")),
    extensions(("x-permission" = json!("groups.write"))))]
#[delete("/{group_id}/members/{user_id}")]
async fn remove_group_member(
    call: Call,
    ids: Path<(Ref<Group>, Ref<User>)>,
    known: IfMatch,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let changed = change_one(tx, &ids, &known, |user| UpdateGroupMembers {
            add: Vec::new(),
            remove: vec![user],
        })?;
        if changed.removed.is_empty() {
            return Err(ApiError::not_found("member"));
        }
        Ok(Reply::no_content())
    })
    .await
}

/// The person stands in the path here, so an unknown one is 404.
fn change_one(
    tx: &mut Tx,
    (group, user): &(Ref<Group>, Ref<User>),
    known: &IfMatch,
    change: impl Fn(Uuid) -> UpdateGroupMembers,
) -> ApiResult<GroupMembersChanged> {
    let group = authz::authorize(tx, group, Permission::GroupsWrite)?;
    known.check(&*group)?;
    let user = match user.kind {
        RefKind::Id(id) => id,
        RefKind::External { .. } => authz::read(tx, user)?.id,
    };
    members::change(tx, &group, &change(user)).map_err(|error| match error.code {
        Code::ValidationFailed => ApiError::not_found("user"),
        _ => error,
    })
}
