//! Filling the library from a folder: a manifest in CSV names files, which become contents and versions. Planned, and then
//! applied row by row; what is there already stays as it is, so that the same folder can be imported again.

mod apply;
mod manifest;
mod plan;
mod source;

pub use apply::{Applied, apply};
pub use manifest::{ManifestRow, read_manifest};
pub use plan::{PlannedRow, RowAction, plan};
