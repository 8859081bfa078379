//! PostgreSQL: connections, statements, migrations, and the private server that Provost can run.
pub mod embedded;
pub mod sql;
