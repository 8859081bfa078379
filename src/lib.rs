//! Provost: headless LMS administration. The map:

pub mod access;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod contract;
pub mod credential;
pub mod db;
pub mod email;
pub mod enrollment;
pub mod filter;
pub mod http;
pub mod import;
pub mod instant;
pub mod jobs;
pub mod ledger;
pub mod mail;
pub mod metrics;
pub mod operations;
pub mod people;
pub mod period;
pub mod report;
pub mod server;
pub mod system;
pub mod text;
pub mod years;
