//! Migrations go up, down, and up again.

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use provost::db::migrate;

use crate::support::{app, postgres};

#[derive(QueryableByName, Debug, PartialEq)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What the schema holds: columns, indexes and constraints.
fn schema(conn: &mut PgConnection) -> Vec<Line> {
    sql_query(
        "SELECT line FROM (
            SELECT format('%s.%s %s %s', table_name, column_name, data_type, is_nullable) AS line
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'
            UNION ALL SELECT indexdef FROM pg_indexes
            WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations'
            UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                AND conrelid::regclass::text <> '__diesel_schema_migrations'
            UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
        ) lines ORDER BY line",
    )
    .load(conn)
    .unwrap()
}

#[test]
fn migrations_go_up_down_and_up() {
    let database = postgres::create_database(app::migrate);
    let mut conn = PgConnection::establish(&database.url).unwrap();
    let before = schema(&mut conn);

    migrate::revert_all(&mut conn).unwrap();
    assert_eq!(schema(&mut conn), []);
    assert!(migrate::is_pending(&mut conn).unwrap());

    migrate::run(&mut conn).unwrap();
    assert_eq!(schema(&mut conn), before);
    assert!(!migrate::is_pending(&mut conn).unwrap());
}

#[test]
fn looking_for_pending_migrations_changes_nothing() {
    let database = postgres::create_database(app::migrate);
    let mut conn = PgConnection::establish(&database.url).unwrap();
    migrate::revert_all(&mut conn).unwrap();
    let drop = diesel::sql_query("DROP TABLE __diesel_schema_migrations");
    drop.execute(&mut conn).unwrap();

    assert!(migrate::is_pending(&mut conn).unwrap());

    let tables = diesel::sql_query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(tables.execute(&mut conn).unwrap(), 0);
}

/// Before the first release migrations are edited in place.
#[test]
fn a_database_of_a_build_with_other_migrations_is_refused() {
    let refused = |change: &str| {
        let database = postgres::create_database(app::migrate);
        let mut conn = PgConnection::establish(&database.url).unwrap();
        migrate::run(&mut conn).unwrap();
        sql_query(change).execute(&mut conn).unwrap();
        let refusal = migrate::run(&mut conn).map_err(|error| error.to_string());
        assert!(!refusal.as_ref().is_err_and(|error| error.contains('\n')));
        refusal.err()
    };
    // Edited, renamed, and made by a build that did not note texts yet.
    for (change, named) in [
        (
            "UPDATE __diesel_schema_migrations SET digest = '\\x00' WHERE version = '20261122000200'",
            "2026-11-22-000200_create_people",
        ),
        (
            "UPDATE __diesel_schema_migrations SET version = '20261122000201' WHERE version = '20261122000200'",
            "20261122000201",
        ),
        (
            "ALTER TABLE __diesel_schema_migrations DROP COLUMN digest",
            "2026-11-22-000100_create_mechanisms",
        ),
    ] {
        let refusal = refused(change).expect(change);
        assert!(refusal.contains(named), "{refusal}");
        assert!(
            refusal.contains("PROVOST_DATA_DIR"),
            "it says what to do: {refusal}"
        );
    }
    // A later build adds migrations while processes of this one run on.
    let added = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";
    assert_eq!(refused(added), None);
    // A process ended between applying a migration and noting its text.
    assert_eq!(
        refused("UPDATE __diesel_schema_migrations SET digest = NULL"),
        None
    );
}
