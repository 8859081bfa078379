//! `/verify/{serial}`: whether a certificate is good, for anybody who holds one. Needs no token, and says no more
//! than the certificate itself and how it stands today.

pub mod model;
mod page;
pub mod routes;
