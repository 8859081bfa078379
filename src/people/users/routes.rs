//! `/v1/users`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    access::routes as user_access,
    credentials, history, identities,
    model::{BulkUserRow, CreateUser, UpdateUser, User},
    password, sessions,
};
use crate::{people::external_keys, resource::list::SearchQuery, resource_endpoints};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/users")
            .configure(endpoints::configure)
            .service(password::set_user_password)
            .service(credentials::invitations::create_user_invitation)
            .service(history::routes::list_user_history)
            .service(user_access::get_user_access)
            .service(user_access::explain_user_access)
            .configure(sessions::configure)
            .configure(identities::routes::configure)
            .configure(external_keys::routes::users::configure),
    );
}

resource_endpoints! {
    (User, tag: "users", id: "user_id", path: "/{user_id}",
        read: "users.read", write: "users.write")
    /// List users.
    ///
    /// Users that the caller may see.
    list list_users(SearchQuery);
    /// Create a user.
    create create_user(CreateUser);
    /// Create and update users in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_users(BulkUserRow);
    /// Get a user.
    get get_user;
    /// Update a user.
    update update_user(UpdateUser);
}
