//! PostgreSQL: connections, statements, migrations, and the private server that Provost can run.
//! Knows no domain.

pub mod embedded;
pub mod json_column;
pub mod migrate;
pub mod pipeline;
pub mod pool;
#[rustfmt::skip]
pub mod schema;
pub mod sql;
pub mod text_enum;

pub use pipeline::Pipeline;
pub use pool::{Db, DbError, DbOptions};
pub use sql::{Bind, Condition, Fixed, Place, Sql};
