//! The private PostgreSQL, and reads without a database thread.

mod binaries;
mod embedded;
mod pipeline;
