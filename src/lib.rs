//! Provost: headless LMS administration.

pub mod db;
pub mod filter;
