//! The migrations, which the binary carries.

use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::Bool};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Held while migrating, so that processes that start together take turns.
const MIGRATION_LOCK: i64 = 0x7072_6f76_6f73_7401;

/// Why the schema is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The lock or a statement failed.
    #[error("the database refused: {0}")]
    Database(#[from] diesel::result::Error),
    /// A migration failed; it was rolled back.
    #[error("a migration failed and was rolled back: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
}

/// Applies what is pending and answers the names of what it applied.
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    locked(conn, |conn| {
        let applied = conn
            .run_pending_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        Ok(applied.iter().map(ToString::to_string).collect())
    })
}

/// Takes everything back. For tests of the migrations themselves.
pub fn revert_all(conn: &mut PgConnection) -> Result<(), MigrateError> {
    locked(conn, |conn| {
        conn.revert_all_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        Ok(())
    })
}

/// Whether any migration is pending. Changes nothing: diesel itself would make its table where that is missing.
pub fn is_pending(conn: &mut PgConnection) -> Result<bool, MigrateError> {
    #[derive(QueryableByName)]
    struct Begun {
        #[diesel(sql_type = Bool)]
        is_begun: bool,
    }
    let begun: Begun = sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS is_begun")
        .get_result(conn)?;
    if !begun.is_begun {
        return Ok(true);
    }
    conn.has_pending_migration(MIGRATIONS)
        .map_err(MigrateError::Migration)
}

fn locked<T>(
    conn: &mut PgConnection,
    f: impl FnOnce(&mut PgConnection) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    advisory(conn, "SELECT pg_advisory_lock($1)")?;
    let outcome = f(conn);
    advisory(conn, "SELECT pg_advisory_unlock($1)")?;
    outcome
}

fn advisory(conn: &mut PgConnection, statement: &'static str) -> QueryResult<usize> {
    sql_query(statement)
        .bind::<diesel::sql_types::BigInt, _>(MIGRATION_LOCK)
        .execute(conn)
}
