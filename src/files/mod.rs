//! Uploaded files: the store that holds their bytes, uploads, and downloads from the content listener. Knows no domain.
//!
//! Bytes are stored once, under their SHA-256, and never change ([`store`]); a row of `blobs` says that they are there
//! ([`blobs`]). Clients bring them in ([`uploads`]); a domain takes a complete upload with [`uploads::take`] and refers to
//! its blob.

pub mod address;
pub mod blobs;
pub mod collect;
pub mod download;
pub mod media_type;
pub mod quota;
pub mod serve;
pub mod sha256;
pub mod store;
pub mod uploads;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

pub use address::Addresses;
pub use collect::BlobUses;
pub use download::{Download, download};
pub use sha256::Sha256;
pub use store::Store;

/// The routes behind authentication.
pub fn configure(config: &mut ServiceConfig) {
    uploads::routes::configure(config);
}

/// The addresses of the content listener.
pub fn configure_content(config: &mut web::ServiceConfig) {
    download::configure_content(config);
}
