//! Uploads: files on their way in, and complete ones that wait to be used.
//!
//! They come in by tus 1.0 or by one `PUT`. Either way [`receive`] stores what arrives as pieces, of which a row tells once
//! they are stored, and [`assemble`] makes a blob of them when the last one is there. Any process may do each step.

pub mod assemble;
pub mod model;
mod receive;
pub mod routes;
mod store;
mod tus;

pub use store::{TakenUpload, delete_expired, take};
pub use tus::{BYTES, EXPOSED_HEADERS};
