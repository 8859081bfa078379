//! What every address has in common: how requests are read and answered.

mod accept;
mod address;
mod csv;
mod json;
mod request;
