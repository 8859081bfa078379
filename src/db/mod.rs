//! PostgreSQL: connections, statements, migrations, and the private server that Provost can run.
pub mod sql;
