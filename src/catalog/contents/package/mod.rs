//! Course packages: reading the archive, the manifest, and what is wrong with them. Knows neither database nor HTTP.

pub mod manifest;
