//! Resources and lists as SCIM answers them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    call::Client,
    projection::Projection,
    schema::{Resource, ResourceType},
    search::Search,
};
use crate::{
    http::{ApiResult, Reply},
    scim::error::MEDIA_TYPE,
};

/// A resource with what SCIM adds to it.
#[derive(Debug, Clone)]
pub struct Representation {
    /// All of it.
    pub body: Value,
    /// Where it is.
    pub location: String,
    /// Its weak entity tag.
    pub etag: String,
}

/// What `meta` says beside the address.
#[derive(Debug, Clone)]
pub struct Meta {
    /// The resource's id.
    pub id: Uuid,
    /// When it was added.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub last_modified: DateTime<Utc>,
    /// Its entity tag, without what says that it is weak.
    pub etag: String,
}

/// Adds `schemas`, `id` and `meta`.
pub fn represent(
    client: &Client,
    resource_type: &ResourceType,
    resource: Resource,
    meta: Meta,
) -> Representation {
    let location = format!("{}{}/{}", client.base, resource_type.endpoint, meta.id);
    let etag = format!("W/{}", meta.etag);
    let mut body = json!({ "schemas": resource_type.schemas_of(&resource), "id": meta.id });
    if let Value::Object(members) = &mut body {
        members.extend(resource);
    }
    body["meta"] = json!({
        "resourceType": resource_type.name, "created": meta.created, "lastModified": meta.last_modified,
        "location": location, "version": etag,
    });
    Representation { body, location, etag }
}

/// The client has it already. `etag` is weak.
pub fn not_modified(etag: &str) -> Reply {
    let headers = [("ETag", etag), ("Content-Type", MEDIA_TYPE)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Reply::stored(304, headers.to_vec(), Vec::new())
}

/// JSON of SCIM.
pub fn ok(body: &Value) -> ApiResult<Reply> {
    Ok(Reply::ok(body)?.header("Content-Type", MEDIA_TYPE))
}

/// 200 with a resource.
pub fn resource(represented: Representation, projection: &Projection) -> ApiResult<Reply> {
    let body = projection.of(represented.body);
    Ok(ok(&body)?
        .header("ETag", represented.etag)
        .header("Content-Location", represented.location))
}

/// 201 with a resource.
pub fn created(represented: Representation, projection: &Projection) -> ApiResult<Reply> {
    let location = represented.location.clone();
    let mut reply = resource(represented, projection)?.header("Location", location);
    reply.status = 201;
    Ok(reply)
}

/// A page of a list, and how many there are in all.
pub fn list(
    search: &Search,
    total: i64,
    resources: Vec<Representation>,
    next_cursor: Option<String>,
) -> ApiResult<Reply> {
    let projection = &search.projection;
    let resources: Vec<Value> = resources.into_iter().map(|one| projection.of(one.body)).collect();
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "itemsPerPage": resources.len(), "Resources": resources,
    });
    match (&search.cursor, next_cursor) {
        (None, _) => body["startIndex"] = search.start_index.into(),
        (Some(_), Some(cursor)) => body["nextCursor"] = cursor.into(),
        (Some(_), None) => {}
    }
    ok(&body)
}
