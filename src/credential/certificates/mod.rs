//! `/v1/certificates`: issued from completions by a job, frozen as they were issued, revoked and reissued.

pub mod expiry;
pub mod files;
mod glyphs;
pub mod issue;
pub mod model;
pub mod routes;
pub mod store;
