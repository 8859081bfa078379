//! `/v1/service-accounts`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{CreateServiceAccount, ServiceAccount, UpdateServiceAccount},
    secrets,
};
use crate::{resource::list::ResourceQuery, resource_endpoints};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/service-accounts")
            .configure(endpoints::configure)
            .configure(secrets::configure),
    );
}

resource_endpoints! {
    (ServiceAccount, tag: "service-accounts", id: "service_account_id", path: "/{service_account_id}",
        read: "roles.read", write: "roles.write")
    /// List service accounts.
    list list_service_accounts(ResourceQuery);
    /// Create a service account.
    ///
    /// The account may do nothing until it is granted a role; it calls with a secret of its own.
    create create_service_account(CreateServiceAccount);
    /// Get a service account.
    get get_service_account;
    /// Update a service account.
    ///
    /// A suspended account is refused from its next request on.
    update update_service_account(UpdateServiceAccount);
}
