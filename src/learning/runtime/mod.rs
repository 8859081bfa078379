//! What SCORM packages say while they run: which elements they may store, how changes merge, and what an attempt comes to.
//! Functions of values, which read and write nothing; `learning::commits` writes.

pub mod elements;
pub mod merge;
pub mod report;
