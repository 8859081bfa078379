//! Credentials: certificates and what proves them. Knows people, the catalog and enrollments.

pub mod certificates;
pub mod events;
pub mod pdf;
pub mod serial;
pub mod templates;
pub mod verification;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{app::Tx, http::ApiResult};
use certificates::issue::{self, IssueCertificate};

/// The routes behind authentication.
pub fn configure(config: &mut ServiceConfig) {
    templates::routes::configure(config);
    certificates::routes::configure(config);
}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    verification::routes::configure_public(config);
}

/// Each completion that this transaction recorded gets its certificate: one by a job, which sets its file as well;
/// many at once, whose files are set when somebody asks for them.
pub fn follow_completions(tx: &mut Tx) -> ApiResult<()> {
    match tx.completions_noted().to_vec().as_slice() {
        [] => Ok(()),
        [one] => tx.enqueue(&IssueCertificate {
            user_id: one.user_id,
            completion_id: one.completion_id,
        }),
        many => issue::issue_all(tx, many),
    }
}
