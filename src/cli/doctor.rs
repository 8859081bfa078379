//! `provost doctor`: what is wrong with this installation, and how to fix it.

mod data;
mod files;

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};

use super::{CommandError, CommandResult, say, start, worker};
use crate::{
    app::Clock,
    config::Config,
    credential::pdf,
    db::migrate,
    ledger::{self, consumers},
};

/// Check settings, database, migrations and clock, and name each fault with its fix.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Only ask the Provost that runs at PROVOST_LISTEN (or PROVOST_METRICS_LISTEN) whether it is ready: the health check of a container.
    #[arg(long)]
    pub health: bool,
    /// Also check what must hold of facts, such as that every requirement has a reason: reads whole tables.
    #[arg(long)]
    pub data: bool,
}

/// What a check found.
enum Finding {
    Fine(String),
    Fault { what: String, fix: String },
}

use Finding::Fine;

fn fault(what: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding::Fault {
        what: what.into(),
        fix: fix.into(),
    }
}

/// Prints what was found; fails if anything is amiss.
pub fn run(config: Config, arguments: &Doctor) -> CommandResult {
    if arguments.health {
        return ask(config.metrics_listen.unwrap_or(config.listen));
    }
    let mut faults = 0;
    let mut report = |name: &str, finding: Finding| match finding {
        Fine(what) => say(format_args!("ok     {name}: {what}")),
        Finding::Fault { what, fix } => {
            faults += 1;
            say(format_args!("FAULT  {name}: {what}\n       Fix: {fix}"))
        }
    };
    report("settings", settings(&config))?;
    report("content", files::content(&config))?;
    report("files", files::store(&config))?;
    match start::database(&config) {
        Err(error) => report(
            "database",
            fault(
                error.to_string(),
                "do what the sentence says, or name another server in DATABASE_URL.",
            ),
        )?,
        // The private server stays until the checks are done.
        Ok((options, _private)) => match PgConnection::establish(&options.url) {
            Err(error) => report(
                "database",
                fault(
                    error.to_string().trim().to_owned(),
                    "start the server, or fix DATABASE_URL (host, port, name, user and password).",
                ),
            )?,
            Ok(mut conn) => {
                let pipelines = if options.takes_pipelines() {
                    config.http_threads
                } else {
                    0
                };
                let connections = options.connections + options.blocking_connections + pipelines;
                for (name, finding) in database(&mut conn, connections, &config) {
                    report(name, finding)?;
                }
                if arguments.data {
                    for (name, finding) in data::check(&mut conn) {
                        report(name, finding)?;
                    }
                    report("stored files", files::compare(&mut conn, &config))?;
                }
            }
        },
    }
    match faults {
        0 => Ok(()),
        1 => Err(CommandError("One fault; see above.".into())),
        faults => Err(CommandError(format!("{faults} faults; see above."))),
    }
}

/// What no single setting can tell. A setting that is bad by itself has stopped the command already.
fn settings(config: &Config) -> Finding {
    if let Err(what) = config.mail() {
        return fault(
            what,
            "set all three: mail names its sender and leads to your page, or unset PROVOST_SMTP_URL.",
        );
    }
    let hint = if config.public_url.is_none() && config.listen.ip().is_unspecified() {
        "; set PROVOST_PUBLIC_URL where clients reach it by another name"
    } else {
        ""
    };
    let metrics = if config.has_open_metrics() {
        "; WARNING: every client that can connect reads /metrics: set PROVOST_METRICS_LISTEN or PROVOST_METRICS_TOKEN"
    } else {
        ""
    };
    Fine(format!("the API is at {}{hint}{metrics}", config.public_url()))
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = sql_types::Text)]
    version: String,
    #[diesel(sql_type = sql_types::Integer)]
    version_number: i32,
    #[diesel(sql_type = sql_types::Text)]
    encoding: String,
    #[diesel(sql_type = sql_types::Bool)]
    folds_case: bool,
    #[diesel(sql_type = sql_types::Bool)]
    has_icu: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_read_only: bool,
    #[diesel(sql_type = sql_types::Integer)]
    max_connections: i32,
    #[diesel(sql_type = sql_types::Timestamptz)]
    clock: DateTime<Utc>,
}

const OLDEST_VERSION: i32 = 140_000;
const LARGEST_CLOCK_DIFFERENCE: TimeDelta = TimeDelta::seconds(5);

fn database(conn: &mut PgConnection, connections: u32, config: &Config) -> Vec<(&'static str, Finding)> {
    let read = sql_query(
        "SELECT current_setting('server_version') AS version,
            current_setting('server_version_num')::int AS version_number,
            pg_encoding_to_char(encoding)::text AS encoding,
            lower(chr(196)) = chr(228) AS folds_case,
            EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS has_icu,
            pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS is_read_only,
            current_setting('max_connections')::int AS max_connections,
            clock_timestamp() AS clock
         FROM pg_database WHERE datname = current_database()",
    )
    .get_result::<Server>(conn);
    let server = match read {
        Ok(server) => server,
        Err(error) => {
            let fix = "give Provost's user the right to connect and to read the server's settings.";
            return vec![("database", fault(error.to_string(), fix))];
        }
    };
    let now = Clock::default().now();
    let mut findings = vec![
        ("database", version(&server)),
        ("encoding", encoding(&server)),
        ("connections", room(&server, connections)),
        ("clock", clock(server.clock, now)),
    ];
    let pending = migrate::is_pending(conn);
    let is_migrated = matches!(pending, Ok(false));
    findings.push((
        "migrations",
        match pending {
            Ok(false) => match migrate::compare(conn) {
                Ok(_) => Fine("the schema is up to date".into()),
                Err(error) => fault(
                    format!("The schema is none of this build: {error}."),
                    "do what the sentence says.",
                ),
            },
            Ok(true) => fault("The schema is not up to date.", "run `provost migrate`."),
            Err(error) => fault(
                error.to_string(),
                "give Provost's user the right to create tables in this database.",
            ),
        },
    ));
    findings.push(("search", search(conn, is_migrated)));
    if is_migrated || !server.has_icu {
        findings.push(("collation", collation(conn, server.has_icu)));
    }
    if is_migrated {
        findings.push(("signing keys", signing_keys(conn)));
        findings.push(("ledger", ledger(conn)));
        findings.push(("events", events(conn)));
        findings.push(("consumers", consumers(conn)));
        findings.push(("fonts", fonts(conn, config)));
    }
    findings
}

fn version(server: &Server) -> Finding {
    if server.version_number < OLDEST_VERSION {
        return fault(
            format!("PostgreSQL {} is too old.", server.version),
            "use PostgreSQL 14 or newer.",
        );
    }
    if server.is_read_only {
        return fault(
            "The server takes no writes.",
            "name the primary in DATABASE_URL, or turn default_transaction_read_only off.",
        );
    }
    Fine(format!("PostgreSQL {}", server.version))
}

fn encoding(server: &Server) -> Finding {
    if server.encoding != "UTF8" {
        return fault(
            format!("The database's encoding is {}.", server.encoding),
            "make another: CREATE DATABASE provost ENCODING 'UTF8' TEMPLATE template0.",
        );
    }
    if !server.folds_case {
        return fault(
            "The database's locale (LC_CTYPE) does not know that \u{c4} and \u{e4} are one letter, so search tells capitals apart.",
            WITH_LETTERS,
        );
    }
    Fine("UTF8, with a locale that knows letters".into())
}

const WITH_LETTERS: &str = "make another: CREATE DATABASE provost ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' TEMPLATE template0.";

#[derive(QueryableByName)]
struct Trigrams {
    #[diesel(sql_type = sql_types::Bool)]
    is_available: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_installed: bool,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Bool)]
    holds: bool,
}

/// Whether the server has the extension that search uses, and the extension knows letters beyond ASCII: it goes by the
/// database's LC_CTYPE, also where another provider folds case.
fn search(conn: &mut PgConnection, is_migrated: bool) -> Finding {
    let read = sql_query(
        "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') AS is_available,
            EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS is_installed",
    );
    match read.get_result::<Trigrams>(conn) {
        Err(error) => {
            return fault(
                error.to_string(),
                "give Provost's user the right to read the catalog.",
            );
        }
        Ok(found) if found.is_installed => {}
        Ok(found) if !found.is_available => {
            return fault(
                "The server lacks PostgreSQL's own extension pg_trgm, which search uses.",
                "install the server's package of extensions (postgresql-contrib), then run `provost migrate`.",
            );
        }
        Ok(_) if is_migrated => {
            return fault(
                "The extension pg_trgm was removed from the database, and the indexes of search with it.",
                "restore the database from a backup.",
            );
        }
        Ok(_) => return Fine("the server has pg_trgm, which `provost migrate` installs".into()),
    }
    match sql_query("SELECT cardinality(show_trgm(chr(228))) > 0 AS holds").get_result::<Answer>(conn) {
        Ok(Answer { holds: true }) => Fine("pg_trgm is installed and knows letters beyond ASCII".into()),
        Ok(_) => fault(
            "The database's LC_CTYPE is C, so search knows no letters beyond ASCII.",
            WITH_LETTERS,
        ),
        Err(error) => fault(
            error.to_string(),
            "put the schema of the extension pg_trgm into the search_path of Provost's user.",
        ),
    }
}

#[derive(QueryableByName)]
struct Collation {
    #[diesel(sql_type = sql_types::Text)]
    recorded: String,
    #[diesel(sql_type = sql_types::Text)]
    actual: String,
}

/// Whether texts still sort as they did when their indexes were written.
fn collation(conn: &mut PgConnection, has_icu: bool) -> Finding {
    if !has_icu {
        return fault(
            "The server was built without ICU, which sorts lists.",
            "use PostgreSQL as Debian, Docker or postgresql.org build it (--with-icu).",
        );
    }
    let read = sql_query(
        "SELECT coalesce(collversion, '') AS recorded, coalesce(pg_collation_actual_version(oid), '') AS actual
         FROM pg_collation WHERE collname = 'provost_order' AND pg_collation_is_visible(oid)",
    );
    match read.get_result::<Collation>(conn) {
        Ok(Collation { recorded, actual }) if recorded == actual => {
            Fine(format!("texts sort by version {actual} of ICU's rules"))
        }
        Ok(Collation { recorded, actual }) => fault(
            format!(
                "Indexes of texts were written with version {recorded} of ICU's rules, and the server has {actual}: \
                 lists may skip rows."
            ),
            "run REINDEX DATABASE, then ALTER COLLATION provost_order REFRESH VERSION.",
        ),
        Err(error) => fault(
            error.to_string(),
            "run `provost migrate` on an empty database, which makes the collation provost_order.",
        ),
    }
}

fn room(server: &Server, connections: u32) -> Finding {
    // One more listens for notifications.
    let wanted = connections + 1;
    if i64::from(wanted) > i64::from(server.max_connections) {
        return fault(
            format!(
                "One Provost wants {wanted} connections, and the server takes {}.",
                server.max_connections
            ),
            "lower PROVOST_DATABASE_CONNECTIONS, or raise the server's max_connections.",
        );
    }
    Fine(format!(
        "one Provost uses at most {wanted} of the server's {}",
        server.max_connections
    ))
}

fn clock(database: DateTime<Utc>, here: DateTime<Utc>) -> Finding {
    let difference = (database - here).abs();
    if difference > LARGEST_CLOCK_DIFFERENCE {
        return fault(
            format!(
                "The database's clock and this machine's differ by {} s.",
                difference.num_seconds()
            ),
            "have both set by NTP.",
        );
    }
    Fine("the database and this machine agree".into())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql_types::BigInt)]
    count: i64,
}

fn signing_keys(conn: &mut PgConnection) -> Finding {
    let keys = sql_query("SELECT count(*) AS count FROM signing_keys WHERE retired_at IS NULL");
    match keys.get_result::<Count>(conn) {
        Ok(Count { count: 0 }) => fault(
            "There is none, so no token can be signed.",
            "run `provost migrate`, which makes one.",
        ),
        Ok(Count { count }) => Fine(format!("{count} in force")),
        Err(error) => fault(
            error.to_string(),
            "give Provost's user the right to read its tables.",
        ),
    }
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Bool)]
    fits: bool,
}

/// Whether the chain's end is where its head says; the whole chain is the ledger's to verify.
fn ledger(conn: &mut PgConnection) -> Finding {
    let head = sql_query(
        "SELECT head.position,
            head.position = coalesce((SELECT max(last.position) FROM ledger_entries last), 0)
            AND (head.position = 0
                OR head.hash = (SELECT last.hash FROM ledger_entries last WHERE last.position = head.position))
            IS TRUE AS fits
         FROM ledger_head head",
    );
    let restore = "somebody changed the ledger past Provost: compare with a backup, and restore it.";
    match head.get_result::<Head>(conn) {
        Ok(Head { position, fits: true }) => Fine(format!("sealed up to position {position}")),
        Ok(Head { position, .. }) => fault(
            format!("The chain does not end at position {position}, where its head says."),
            restore,
        ),
        Err(error) => fault(error.to_string(), restore),
    }
}

/// Whether every event is sealed or waits for it.
fn events(conn: &mut PgConnection) -> Finding {
    let restore = "somebody changed the database past Provost: compare with a backup, and restore it.";
    match ledger::count_lost(conn) {
        Ok(0) => Fine("each is sealed, or waits for it".into()),
        Ok(lost @ 1..) => fault(
            format!("{lost} events are neither sealed nor wait for it, so nobody sees them."),
            restore,
        ),
        Ok(gone) => fault(
            format!("{} events are gone that were recorded.", gone.unsigned_abs()),
            restore,
        ),
        Err(error) => fault(error.to_string(), restore),
    }
}

/// Whether every consumer of events gets on.
fn consumers(conn: &mut PgConnection) -> Finding {
    let counts = match consumers::counts(conn, &worker::CONSUMERS) {
        Ok(counts) => counts,
        Err(error) => return fault(error.to_string(), "run `provost migrate`."),
    };
    let failing = counts
        .iter()
        .find(|consumer| consumer.failures > 0 || consumer.set_aside > 0);
    match failing {
        Some(consumer) => fault(
            format!(
                "The consumer {} has failed {} times at its next event, and {} events were set aside. {}",
                consumer.name,
                consumer.failures,
                consumer.set_aside,
                consumer.last_error.as_deref().unwrap_or_default()
            ),
            "see GET /v1/set-aside-events for the errors; repair what they name, and retry the events there.",
        ),
        None => Fine(format!("{} follow the ledger", counts.len())),
    }
}

#[derive(QueryableByName)]
struct Letter {
    #[diesel(sql_type = sql_types::Text)]
    letter: String,
}

/// Whether certificates can show the names of people and courses.
fn fonts(conn: &mut PgConnection, config: &Config) -> Finding {
    let letters = sql_query(
        "SELECT DISTINCT letter FROM (
            SELECT given_name || family_name AS name FROM users WHERE status <> 'archived'
            UNION ALL SELECT title FROM courses) named, unnest(string_to_array(name, NULL)) letter
         WHERE name ~ '[^ -~]'",
    )
    .load::<Letter>(conn);
    let letters = match letters {
        Ok(letters) => letters,
        Err(error) => {
            return fault(
                error.to_string(),
                "give Provost's user the right to read its tables.",
            );
        }
    };
    let characters = letters.iter().flat_map(|row| row.letter.chars());
    let folder = config.font_dir.as_deref();
    let place = match folder {
        Some(folder) => format!("PROVOST_FONT_DIR ({})", folder.display()),
        None => "a folder that PROVOST_FONT_DIR names".into(),
    };
    match (pdf::missing_of(characters, folder), folder.map(pdf::families_of)) {
        (Err(error), _) | (_, Some(Err(error))) => fault(
            error.to_string(),
            "remove the font that cannot be read, or change PROVOST_FONT_DIR.",
        ),
        (Ok(missing), families) if missing.is_empty() => Fine(match families {
            Some(Ok(families)) if families.is_empty() => {
                format!("the built-in ones; there is no font in {place}")
            }
            Some(Ok(families)) => format!("the built-in ones, and {} of {place}", families.join(", ")),
            _ => "the built-in ones have every character of people's and courses' names".into(),
        }),
        (Ok(missing), _) => {
            let shown = missing.iter().take(MOST_CHARACTERS).copied().map(pdf::named);
            let shown = shown.collect::<Vec<_>>().join(", ");
            fault(
                format!(
                    "{} characters of names are on no certificate: {shown}.",
                    missing.len()
                ),
                match pdf::fonts_with(&missing).join(", ").as_str() {
                    "" => format!("put a font that has them into {place}."),
                    fonts => format!("put fonts that have them into {place}: {fonts}."),
                },
            )
        }
    }
}

/// How many characters without a font are named.
const MOST_CHARACTERS: usize = 20;

const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Asks `/readyz` of the Provost on this machine; touches no database itself.
fn ask(listen: SocketAddr) -> CommandResult {
    let address = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), listen.port()),
        _ => listen,
    };
    let answer = readiness(address).map_err(|error| {
        CommandError(format!(
            "No Provost answers at {address}: {error}; start it with `provost serve`, or fix PROVOST_LISTEN or PROVOST_METRICS_LISTEN."
        ))
    })?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    if status == "200" {
        say("ready")
    } else {
        Err(CommandError(format!("Provost at {address} is not ready: {body}")))
    }
}

fn readiness(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTH_TIMEOUT)?;
    stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
    stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
