//! A person as SCIM shows them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::mapped::{CUSTOM, HOMES, is_made_up};
use crate::{
    http::{Versioned, showing},
    people::users::model::{User, UserStatus},
    scim::{
        call::Client,
        respond::{Meta, Representation, represent},
        schema::{ENTERPRISE_USER, EXTERNAL_ID, Resource, USER, set_text, text_at},
    },
};

/// A person with what SCIM knows of them beside their row.
#[derive(Debug, Clone)]
pub struct Record {
    /// Their row.
    pub user: User,
    /// What the client calls them.
    pub external_id: Option<String>,
    /// What SCIM clients last said of them, and how often they said another thing.
    pub said: Option<Said>,
    /// The code of their org unit.
    pub org_unit: Option<String>,
    /// Their manager's name, if the caller may see them.
    pub manager: Option<String>,
    /// The attributes of [`CUSTOM`] that are defined as text.
    pub defined: Vec<String>,
}

/// What SCIM clients last said of a person.
#[derive(Debug, Clone)]
pub struct Said {
    /// All of it.
    pub resource: Value,
    /// Counts up with every change.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When they were deleted.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Versioned for Record {
    fn version(&self) -> i64 {
        self.user.version
    }

    /// Of their row and of what is kept beside it.
    fn etag(&self) -> String {
        let said = self.said.as_ref().map_or(0, |said| said.version);
        format!("\"{}.{said}\"", self.user.version)
    }
}

impl Record {
    /// Whether SCIM knows the user: a user deleted by a client is gone while archived.
    pub fn is_known(&self) -> bool {
        let is_deleted = self.said.as_ref().is_some_and(|said| said.deleted_at.is_some());
        self.user.status != UserStatus::Archived || !is_deleted
    }

    /// What SCIM clients last said of them.
    pub fn said(&self) -> Resource {
        let said = self.said.as_ref().and_then(|said| said.resource.as_object());
        said.cloned().unwrap_or_default()
    }

    /// What clients can change of them: what was said, brought to agree with what is so now.
    pub fn resource(&self) -> Resource {
        let said = self.said();
        let mut resource = said.clone();
        for home in HOMES {
            let stored = (home.stored)(self).filter(|text| !text.is_empty());
            let is_unsaid = home.field == "given_name" && is_made_up(stored.as_deref(), &said);
            if (stored.is_none() || (home.read)(&resource) != stored) && !is_unsaid {
                (home.write)(&mut resource, stored);
            }
        }
        for (name, attribute) in CUSTOM {
            let stored = self.user.attributes[attribute].as_str().map(str::to_owned);
            let path = [ENTERPRISE_USER, name];
            let is_column = stored.is_some() || self.defined.iter().any(|defined| defined == attribute);
            if is_column && text_at(&resource, &path) != stored.as_deref() {
                set_text(&mut resource, &path, stored);
            }
        }
        resource.insert("active".into(), (self.user.status == UserStatus::Active).into());
        if let Some(id) = &self.external_id {
            resource.insert(EXTERNAL_ID.name.into(), id.as_str().into());
        }
        resource
    }

    /// All of them, with the `groups` that they are in.
    pub fn represent(&self, client: &Client, groups: Option<Vec<Value>>) -> Representation {
        let mut resource = self.resource();
        if let (Some(id), Some(extension)) = (self.user.manager_id, resource.get_mut(ENTERPRISE_USER)) {
            let manager = &mut extension["manager"];
            manager["$ref"] = json!(format!("{}{}/{id}", client.base, USER.endpoint));
            if let Some(name) = &self.manager {
                manager["displayName"] = json!(name);
            }
        }
        let mut shown = groups.clone().unwrap_or_default();
        shown.extend(self.manager.as_ref().map(|name| json!({ "manager": name })));
        shown.extend(self.org_unit.as_ref().map(|code| json!({ "orgUnit": code })));
        if let Some(groups) = groups.filter(|groups| !groups.is_empty()) {
            resource.insert("groups".into(), groups.into());
        }
        let said_at = self.said.as_ref().map(|said| said.updated_at);
        let meta = Meta {
            id: self.user.id,
            created: self.user.created_at,
            last_modified: said_at.map_or(self.user.updated_at, |said| said.max(self.user.updated_at)),
            etag: showing(&self.etag(), &shown),
        };
        represent(client, &USER, resource, meta)
    }
}
