//! The private PostgreSQL.

mod binaries;
mod embedded;
