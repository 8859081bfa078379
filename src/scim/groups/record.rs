//! A group as SCIM shows it.

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, sql_types};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    http::{ApiResult, IfMatch, Versioned, showing},
    people::groups::model::Group,
    scim::{
        call::Client,
        respond::{Meta, Representation, represent},
        schema::{EXTERNAL_ID, GROUP, Resource, USER},
    },
};

/// A group with what the client calls it.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its row.
    pub group: Group,
    /// What the client calls it.
    pub external_id: Option<String>,
}

/// Somebody who is in a group.
#[derive(Debug, Clone, QueryableByName)]
pub struct Member {
    /// The group.
    #[diesel(sql_type = sql_types::Uuid)]
    pub group_id: Uuid,
    /// Who.
    #[diesel(sql_type = sql_types::Uuid)]
    pub user_id: Uuid,
    /// Their name.
    #[diesel(sql_type = sql_types::Text)]
    pub name: String,
    /// Since when.
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub added_at: DateTime<Utc>,
}

/// The group's entity tag: its row's version and, where its members are shown, how many they are and when the last of
/// them came. A membership that ends leaves fewer, and one that begins is later than all before.
pub fn etag(group: &Group, members: Option<&[Member]>) -> String {
    match members {
        None => format!("\"{}\"", group.version),
        Some(members) => {
            let last = members
                .iter()
                .map(|member| member.added_at.timestamp_micros())
                .max();
            format!("\"{}.{}.{}\"", group.version, members.len(), last.unwrap_or(0))
        }
    }
}

/// A group under the entity tag of one of its representations.
struct Tagged {
    version: i64,
    etag: String,
}

impl Versioned for Tagged {
    fn version(&self) -> i64 {
        self.version
    }

    fn etag(&self) -> String {
        self.etag.clone()
    }
}

/// Refuses with 412 if the group is not as the client read it, with its members or without.
pub fn check(
    known: &IfMatch,
    group: &Group,
    members: impl FnOnce() -> ApiResult<Vec<Member>>,
) -> ApiResult<()> {
    let tagged = |members: Option<&[Member]>| Tagged {
        version: group.version,
        etag: etag(group, members),
    };
    if known.check(&tagged(None)).is_ok() {
        return Ok(());
    }
    known.check(&tagged(Some(&members()?)))
}

impl Record {
    /// What clients can change of it, but for its members.
    pub fn resource(&self) -> Resource {
        let mut resource = Resource::new();
        resource.insert("displayName".into(), self.group.name.as_str().into());
        if let Some(id) = &self.external_id {
            resource.insert(EXTERNAL_ID.name.into(), id.as_str().into());
        }
        resource
    }

    /// All of it, with `members` where they are wanted.
    pub fn represent(&self, client: &Client, members: Option<&[Member]>) -> Representation {
        let mut resource = self.resource();
        let shown = members
            .unwrap_or_default()
            .iter()
            .map(|member| show(client, member));
        let shown: Vec<Value> = shown.collect();
        let etag = showing(&etag(&self.group, members), &shown);
        if !shown.is_empty() {
            resource.insert("members".into(), shown.into());
        }
        let meta = Meta {
            id: self.group.id,
            created: self.group.created_at,
            last_modified: self.group.updated_at,
            etag,
        };
        represent(client, &GROUP, resource, meta)
    }
}

fn show(client: &Client, member: &Member) -> Value {
    let location = format!("{}{}/{}", client.base, USER.endpoint, member.user_id);
    json!({ "value": member.user_id, "$ref": location, "display": member.name, "type": "User" })
}
