//! Sessions: what begins when a person signs in, lives by single-use refresh tokens, and may be ended. Used by the
//! token endpoint, by the routes below a person, and by whatever changes a password.

pub mod end;
pub mod model;
pub mod purge;
pub mod refresh;
pub mod retention;
pub mod store;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    app::App,
    http::{ApiError, ApiResult},
};

/// Access tokens that were issued before this are over. A session that ended earlier need not be remembered: the
/// last token of it was signed by a request that may have waited for its end.
pub fn tokens_since(app: &App) -> ApiResult<DateTime<Utc>> {
    let longest = app.config.token_lifetime + app.config.request_timeout;
    Ok(app.clock.now() - TimeDelta::from_std(longest).map_err(ApiError::internal)?)
}
