//! Credentials: certificates and what proves them. Knows people, the catalog and enrollments.

pub mod pdf;
