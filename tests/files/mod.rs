//! Uploaded files: the store, uploads, downloads.

mod store;
