//! How many requests a caller may make: by principal, and by address for those without a token. Counted in the memory of
//! each process, since a count that all share would cost every request a statement.
//!
//! The generic cell rate algorithm: a caller's cell says when all that they used will be theirs again. A whole minute's
//! requests may come at once; after that they come back evenly.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex},
};

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::{App, Part},
    http::{ApiError, ApiResult, Code, address},
};

/// The standing of the caller, as draft-ietf-httpapi-ratelimit-headers-10 has it.
pub const RATE_LIMIT: &str = "ratelimit";
/// The policy that it stands by.
pub const RATE_LIMIT_POLICY: &str = "ratelimit-policy";

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Those of a principal, from wherever.
    Principal(Uuid),
    /// Those without a token from an address.
    Address(IpAddr),
}

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStatus {
    /// How many requests they may make a minute.
    pub limit: u32,
    /// How many of them are left.
    pub remaining: i64,
    /// Seconds until nothing is used up.
    pub reset: i64,
    /// Seconds until the next request, where this one was one too many.
    pub wait: Option<i64>,
}

/// The cells of all callers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rates {
    limit: u32,
    hasher: RandomState,
    /// By cell, when in microseconds all that was used is back.
    shards: Arc<[Mutex<HashMap<Cell, i64>>]>,
}

const WINDOW_SECONDS: i64 = 60;
const WINDOW: i64 = WINDOW_SECONDS * 1_000_000;
const SHARDS: usize = 16;
/// Cells of a shard; past that those of callers who used nothing lately are forgotten, and if that is not enough, all.
const MOST_OF_SHARD: usize = 10_000;
/// How many cells are kept at most.
pub const MOST_CELLS: usize = SHARDS * MOST_OF_SHARD;

/// Addresses that are asked by machines which watch over this one.
const PROBES: &[&str] = &["/healthz", "/readyz", "/metrics"];

impl Part for Rates {}

impl Rates {
    /// At most `limit` requests a minute by each caller; any number if it is 0.
    pub fn new(limit: u32) -> Self {
        Rates {
            limit,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// How many cells are kept.
    pub fn cells(&self) -> usize {
        let shards = self.shards.iter().filter_map(|shard| shard.lock().ok());
        shards.map(|cells| cells.len()).sum()
    }

    /// Counts a request; none where nothing is limited.
    pub fn take(&self, cell: Cell, now: DateTime<Utc>) -> Option<RateStatus> {
        if self.limit == 0 {
            return None;
        }
        let now = now.timestamp_micros();
        let interval = WINDOW / i64::from(self.limit);
        let shard = self.hasher.hash_one(cell) as usize % SHARDS;
        let mut cells = self.shards.get(shard)?.lock().ok()?;
        if cells.len() >= MOST_OF_SHARD && !cells.contains_key(&cell) {
            cells.retain(|_, full_at| *full_at > now);
            if cells.len() >= MOST_OF_SHARD {
                cells.clear();
            }
        }
        let full_at = cells.entry(cell).or_insert(now);
        // The clock may have been set back.
        let used = (*full_at).clamp(now, now + WINDOW) - now + interval;
        let is_too_many = used > WINDOW;
        if !is_too_many {
            *full_at = now + used;
        }
        Some(RateStatus {
            limit: self.limit,
            remaining: ((WINDOW - used) / interval).max(0),
            reset: seconds(used.min(WINDOW)),
            wait: is_too_many.then(|| seconds(used - WINDOW)),
        })
    }
}

fn seconds(micros: i64) -> i64 {
    (micros + 999_999) / 1_000_000
}

/// Counts a request of a principal; refuses one that is too many.
pub fn count_principal(app: &App, request: &ServiceRequest, principal: Uuid) -> ApiResult<()> {
    count(app, request, Cell::Principal(principal))
}

/// Counts an unauthenticated request by its address; refuses it above the limit.
pub fn count_address(app: &App, request: &ServiceRequest) -> ApiResult<()> {
    match address::of(request.request()) {
        Some(address) => count(app, request, Cell::Address(address::network(address))),
        None => Ok(()),
    }
}

fn count(app: &App, request: &ServiceRequest, cell: Cell) -> ApiResult<()> {
    let Some(standing) = app.part::<Rates>().take(cell, app.clock.now()) else {
        return Ok(());
    };
    request.extensions_mut().insert(standing);
    match standing.wait {
        None => Ok(()),
        Some(wait) => Err(ApiError {
            retry_after: Some(wait),
            ..ApiError::new(
                Code::TooManyRequests,
                format!(
                    "A caller may make {} requests a minute; wait as long as Retry-After says.",
                    standing.limit
                ),
            )
        }),
    }
}

/// Middleware: counts requests outside `/v1`, where nobody is known, and tells every caller how they stand.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<Data<App>>().cloned();
    let is_counted = !request.path().starts_with("/v1/") && !PROBES.contains(&request.path());
    let counted = match app.filter(|_| is_counted) {
        Some(app) => count_address(&app, &request),
        None => Ok(()),
    };
    let mut response = match counted {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refusal) => request.error_response(refusal),
    };
    let standing = response.request().extensions().get::<RateStatus>().copied();
    if let Some(standing) = standing {
        tell(&mut response, standing);
    }
    Ok(response)
}

fn tell(response: &mut ServiceResponse<BoxBody>, standing: RateStatus) {
    let RateStatus {
        limit,
        remaining,
        reset,
        ..
    } = standing;
    let policy = format!("\"caller\";q={limit};w={WINDOW_SECONDS}");
    let state = format!("\"caller\";r={remaining};t={reset}");
    for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
}
