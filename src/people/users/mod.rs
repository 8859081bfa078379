//! People: who they are, where they work, whom they report to.

pub mod access;
pub mod check;
pub mod credentials;
pub mod filter;
pub mod history;
pub mod identities;
pub mod import;
pub mod model;
pub mod password;
pub mod routes;
mod sessions;
pub mod sso;
