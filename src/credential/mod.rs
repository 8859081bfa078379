//! Credentials: certificates and what proves them. Knows people, the catalog and enrollments.

pub mod certificates;
pub mod pdf;
pub mod serial;
pub mod templates;
pub mod verification;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{app::Tx, http::ApiResult};
use certificates::issue::IssueCertificate;

/// The routes behind authentication.
pub fn configure(config: &mut ServiceConfig) {
    templates::routes::configure(config);
    certificates::routes::configure(config);
}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    verification::routes::configure_public(config);
}

/// Each completion that this transaction recorded gets its certificate, by a job.
pub fn follow_completions(tx: &mut Tx) -> ApiResult<()> {
    for completion in tx.completions_noted().to_vec() {
        tx.enqueue(&IssueCertificate {
            user_id: completion.user_id,
            completion_id: completion.completion_id,
        })?;
    }
    Ok(())
}
