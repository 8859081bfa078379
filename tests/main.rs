//! The integration tests: one binary, public behaviour through HTTP, a real PostgreSQL.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed"
)]

mod access;
mod catalog;
mod cli;
mod contract;
mod credential;
mod db;
mod enrollment;
mod files;
mod filter;
mod http;
mod import;
mod jobs;
mod learning;
mod ledger;
mod operations;
mod people;
mod report;
mod resource;
mod scim;
mod support;
mod text;
mod values;
