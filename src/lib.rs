//! Provost: headless LMS administration.
//!
//! The rooms from the top to the bottom; each knows only those below it, which `tests/contract/imports.rs` checks.
//!
//! - [`cli`]: the commands, one file each, and the list of jobs and schedules.
//! - [`server`]: the HTTP server, its middleware, and what domains do for each other.
//! - [`contract`]: the OpenAPI document and its pages.
//! - [`routes`]: the list of every room's routes.
//!
//! Domains:
//!
//! - [`report`]: compliance, overdue requirements and transcripts, as JSON and CSV.
//! - [`credential`]: certificates, their PDF files and their verification.
//! - [`learning`]: the activities of an enrollment, launches, the player and what packages say while they run.
//! - [`enrollment`]: rules, requirements, enrollments and completions: who must learn what, and what they did.
//! - [`catalog`]: categories, courses and their versions.
//! - [`scim`]: SCIM 2.0, a translator on top of `people`.
//! - [`people`]: users, org units, groups and their attributes.
//! - [`access`]: who is calling (passwords, keys, sessions, single sign-on) and what they were granted.
//!
//! What knows no domain:
//!
//! - [`system`]: health, readiness and metrics.
//! - [`import`]: CSV files by mapping profile, planned and then applied.
//! - [`files`]: the store of uploaded files, uploads, and downloads by signed address.
//! - [`resource`]: the one shape of a resource: declaration, writer, lists, bulk requests.
//! - [`ledger`]: the record of every change: sealed, read as a feed, verified.
//! - [`jobs`]: the queue in PostgreSQL and the worker that drains it.
//! - [`operations`]: long work that a client watches.
//! - [`app`]: the state of the process, a call, and the one write path with its events and jobs.
//! - [`authz`]: what a caller may do: permissions, scopes, and the proof of it.
//!
//! What knows nothing of Provost:
//!
//! - [`http`]: problems, bodies, lists, preconditions, answers.
//! - [`filter`]: the filter language: parse, check, SQL, explain.
//! - [`db`]: connections and their threads, statements, migrations, the private PostgreSQL.
//! - [`metrics`], [`config`], [`mail`], [`email`], [`urls`], [`text`], [`instant`], [`period`], [`pace`],
//!   [`years`]: one small thing each.

pub mod access;
pub mod app;
pub mod authz;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod contract;
pub mod credential;
pub mod db;
pub mod email;
pub mod enrollment;
pub mod files;
pub mod filter;
pub mod http;
pub mod import;
pub mod instant;
pub mod jobs;
pub mod learning;
pub mod ledger;
pub mod mail;
pub mod metrics;
pub mod operations;
pub mod pace;
pub mod people;
pub mod period;
pub mod report;
pub mod resource;
pub mod routes;
pub mod scim;
pub mod server;
pub mod system;
pub mod text;
pub mod urls;
pub mod years;
