//! The addresses of launches: the first segment of the path is the permission, and whatever is below it inherits it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{app::App, files::Addresses};

/// What launches are signed as.
const KIND: &str = "launch";

/// What the address of a launch names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaunchAddress {
    /// The launch.
    pub launch_id: Uuid,
    /// The learner.
    pub user_id: Uuid,
}

impl LaunchAddress {
    /// The whole address of the launch of a content, which can be opened until `expires_at`.
    pub fn url(&self, app: &App, content_version_id: Uuid, expires_at: DateTime<Utc>) -> String {
        let payload = [*self.launch_id.as_bytes(), *self.user_id.as_bytes()].concat();
        let signed = app.part::<Addresses>().sign(KIND, &payload, expires_at);
        format!("{}/l/{signed}/", app.config.content_url_of(content_version_id))
    }

    /// What a segment of a path names; none if we did not sign it, or it has expired.
    pub fn open(app: &App, signed: &str) -> Option<Self> {
        let payload = app.part::<Addresses>().open(KIND, signed, app.clock.now())?;
        let (launch, user) = payload.split_at_checked(16)?;
        Some(LaunchAddress {
            launch_id: Uuid::from_slice(launch).ok()?,
            user_id: Uuid::from_slice(user).ok()?,
        })
    }
}
