//! The migrations, which the binary carries.
//!
//! Before the first release migrations are edited in place. So a database notes beside each that was applied what its text
//! was (`digest`, a column of diesel's own table), and one whose migrations are others than this build's is refused.

use std::{collections::BTreeMap, sync::LazyLock};

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Array, Binary, Bool, Nullable, Text},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use sha2::{Digest, Sha256};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Version, name and text of each migration.
const TEXTS: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// By version, the name of a migration and the SHA-256 of its text.
static DIGESTS: LazyLock<BTreeMap<&str, (&str, Vec<u8>)>> = LazyLock::new(|| {
    let digest = |text: &str| Sha256::digest(text.as_bytes()).to_vec();
    TEXTS
        .iter()
        .map(|(version, name, text)| (*version, (*name, digest(text))))
        .collect()
});

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
    /// Another build made the schema, with other migrations.
    #[error(
        "it was made by another build of Provost, whose migration {0} differs from this one's: start with an empty database or \
         data folder (DATABASE_URL, PROVOST_DATA_DIR), or go on with the build that made it"
    )]
    OtherBuild(String),
}

/// Applies what is pending and answers the names of what it applied.
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    locked(conn, |conn| {
        // Makes diesel's table where it is missing.
        conn.applied_migrations().map_err(MigrateError::Migration)?;
        if !compare(conn)? {
            conn.batch_execute("ALTER TABLE __diesel_schema_migrations ADD COLUMN digest bytea")?;
        }
        let applied = conn
            .run_pending_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        let names = applied.iter().map(ToString::to_string).collect();
        note(conn)?;
        Ok(names)
    })
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Nullable<Binary>)]
    digest: Option<Vec<u8>>,
}

/// Refuses a database in which an applied migration is another than this build's of that version; answers whether there is
/// room to note what is applied. What a later build added is no reason: while processes are replaced one by one, old ones
/// start beside it.
pub fn compare(conn: &mut PgConnection) -> Result<bool, MigrateError> {
    #[derive(QueryableByName)]
    struct Noted {
        #[diesel(sql_type = Bool)]
        is_noted: bool,
    }
    let noted: Noted = sql_query(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('__diesel_schema_migrations')
            AND attname = 'digest') AS is_noted",
    )
    .get_result(conn)?;
    let applied: Vec<Applied> = if noted.is_noted {
        sql_query("SELECT version::text, digest FROM __diesel_schema_migrations ORDER BY version")
            .load(conn)?
    } else {
        sql_query(
            "SELECT version::text, ''::bytea AS digest FROM __diesel_schema_migrations ORDER BY version",
        )
        .load(conn)?
    };
    let newest = DIGESTS.keys().next_back().copied().unwrap_or_default();
    for Applied { version, digest } in applied {
        let own = DIGESTS.get(version.as_str());
        let fits = match (own, digest) {
            (Some((_, own)), Some(digest)) => *own == digest,
            // A process that ended between applying and noting.
            (Some(_), None) => true,
            (None, _) => version.as_str() > newest,
        };
        if !fits {
            let name = own.map_or(version.as_str(), |(name, _)| name);
            return Err(MigrateError::OtherBuild(name.to_owned()));
        }
    }
    Ok(noted.is_noted)
}

/// Notes what was applied.
fn note(conn: &mut PgConnection) -> QueryResult<usize> {
    let (versions, digests): (Vec<_>, Vec<_>) = DIGESTS
        .iter()
        .map(|(version, (_, digest))| (*version, digest.as_slice()))
        .unzip();
    sql_query(
        "UPDATE __diesel_schema_migrations applied SET digest = own.digest
         FROM unnest($1, $2) AS own (version, digest)
         WHERE own.version = applied.version AND applied.digest IS NULL",
    )
    .bind::<Array<Text>, _>(versions)
    .bind::<Array<Binary>, _>(digests)
    .execute(conn)
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
