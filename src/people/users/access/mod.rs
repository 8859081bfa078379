//! What a person may do, and why: `/v1/users/{user_id}/access`.

mod explain;
pub mod model;
pub mod routes;
pub mod store;
