//! What a process knows of the providers: their rows, dropped by notification, and what each says of itself.

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    documents::Documents,
    providers::{model::ProviderRow, store},
};
use crate::{
    app::{App, Part, Wake},
    http::{ApiError, ApiResult},
};

/// Rows are looked up so often, whether or not a change was heard of.
const LOOKED_UP_EVERY: Duration = Duration::from_secs(60);

/// The providers by which people may sign in.
pub type Enabled = Arc<[Arc<ProviderRow>]>;

/// What is known of the providers.
#[derive(Default)]
pub struct Providers {
    enabled: RwLock<Option<(Instant, Enabled)>>,
    /// Counts what was forgotten, so that what was read before is not kept after.
    forgotten: AtomicU64,
    documents: RwLock<HashMap<Uuid, Arc<ProviderDocuments>>>,
}

/// What is kept of one provider's documents.
#[derive(Default)]
pub struct ProviderDocuments {
    /// As they were fetched last.
    pub documents: RwLock<Option<Arc<Documents>>>,
    /// Held by who fetches them, with the times of the last attempts.
    pub attempts: tokio::sync::Mutex<Attempts>,
}

/// How often documents may be fetched again, for each reason.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempts {
    /// They are old or missing.
    pub by_age: Throttle,
    /// A token of the provider itself, which it gave to Provost, names a key that is not among them.
    pub by_sign_in: Throttle,
    /// Any other token does, which anybody may have made up.
    pub by_token: Throttle,
    /// Whether the last time came to nothing.
    pub has_failed: bool,
}

/// A limit on how often something is done: some at once, and then one at a time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Throttle {
    busy_until: Option<DateTime<Utc>>,
}

impl Throttle {
    /// Whether it may be done now; if so it counts. After `at_once` times there is a `pause` for each.
    pub fn may(&mut self, now: DateTime<Utc>, at_once: i32, pause: TimeDelta) -> bool {
        let from = self.busy_until.map_or(now, |until| until.max(now));
        let may = from <= now + pause * (at_once - 1);
        if may {
            self.busy_until = Some(from + pause);
        }
        may
    }
}

impl Part for Providers {
    fn on_wake(&self, wake: &Wake) {
        if *wake == Wake::IdentityProviders {
            self.forget();
        }
    }
}

impl Providers {
    /// Says that they changed.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        if let Ok(mut enabled) = self.enabled.write() {
            *enabled = None;
        }
    }

    /// What is kept of one provider's documents.
    pub fn kept(&self, provider: Uuid) -> ApiResult<Arc<ProviderDocuments>> {
        let known = self
            .documents
            .read()
            .map_err(ApiError::internal)?
            .get(&provider)
            .cloned();
        if let Some(kept) = known {
            return Ok(kept);
        }
        let mut documents = self.documents.write().map_err(ApiError::internal)?;
        Ok(documents.entry(provider).or_default().clone())
    }

    fn known(&self) -> Option<Enabled> {
        let enabled = self.enabled.read().ok()?;
        let (at, list) = enabled.as_ref()?;
        (at.elapsed() < LOOKED_UP_EVERY).then(|| list.clone())
    }

    fn insert(&self, list: Enabled, mark: u64) {
        if let Ok(mut enabled) = self.enabled.write()
            && self.forgotten.load(Ordering::SeqCst) == mark
        {
            *enabled = Some((Instant::now(), list));
        }
    }
}

/// The providers by which people may sign in now.
pub async fn enabled(app: &Arc<App>) -> ApiResult<Enabled> {
    if let Some(list) = app.part::<Providers>().known() {
        return Ok(list);
    }
    let mark = app.part::<Providers>().forgotten.load(Ordering::SeqCst);
    let rows = app.on_database(move |_, conn| Ok(store::enabled(conn)?)).await?;
    let list: Enabled = rows.into_iter().map(Arc::new).collect();
    app.part::<Providers>().insert(list.clone(), mark);
    Ok(list)
}

/// The provider of that code, by which people may sign in.
pub async fn by_code(app: &Arc<App>, code: &str) -> ApiResult<Option<Arc<ProviderRow>>> {
    let enabled = enabled(app).await?;
    Ok(enabled.iter().find(|provider| provider.code == code).cloned())
}

/// The provider of that issuer, by which people may sign in.
pub async fn by_issuer(app: &Arc<App>, issuer: &str) -> ApiResult<Option<Arc<ProviderRow>>> {
    let enabled = enabled(app).await?;
    Ok(enabled.iter().find(|provider| provider.issuer == issuer).cloned())
}

/// The provider of that id, by which people may sign in.
pub async fn by_id(app: &Arc<App>, id: Uuid) -> ApiResult<Option<Arc<ProviderRow>>> {
    let enabled = enabled(app).await?;
    Ok(enabled.iter().find(|provider| provider.id == id).cloned())
}
