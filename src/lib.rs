//! Provost: headless LMS administration.

pub mod credential;
pub mod db;
