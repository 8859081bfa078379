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
