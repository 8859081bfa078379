//! Versions of contents: what was uploaded or written, word for word. Nobody changes one that is ready.

pub mod model;
