//! Course packages: reading the archive, the manifest, and what is wrong with them. Knows neither database nor HTTP.

mod address;
pub mod archive;
mod describe;
mod inspect;
pub mod manifest;
mod names;
pub mod page;
mod parse;
pub mod pdf;
pub mod read;
mod sequencing;
mod source;
mod xml;
