//! Provost: headless LMS administration.

pub mod db;
