//! Failures with secrets, counted by account and by address, so that nobody guesses for long. Asked by whatever takes
//! a secret: the token endpoint, introspection, changes of passwords, single-use tokens.
//!
//! What is known of an attempt before the secret is looked at decides alone: the name as it was given, whether or not
//! anybody has it, and the address. So a refusal is the same for known and unknown names, for right and wrong
//! secrets. Secrets that are looked at together are settled one after the other: once the limit is reached, those that
//! are still under way are refused as well, right or wrong.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    db::{Fixed, Sql},
    http::{ApiError, Code, address},
    sql,
};

/// An attempt with a secret.
#[derive(Debug, Clone)]
pub struct Attempt {
    account: Option<String>,
    address: Option<String>,
}

/// Too many failed; until when attempts are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    until: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Refusal {
    /// Whole seconds to wait.
    pub fn retry_after(self) -> i64 {
        let wait = (self.until - self.now).num_milliseconds();
        (wait + 999) / 1000
    }
}

/// Failures of an address are counted for so long.
const ADDRESS_WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Until when attempts are refused where none is. Not the instant of the last failure: one that another process or thread counts at
/// the same moment may have an earlier clock, and would be neither counted nor answered as usual.
const NEVER: Fixed = Fixed("'epoch'::timestamptz");

/// Counts of failures are kept for so long after the last one.
pub const KEPT: TimeDelta = TimeDelta::days(30);

impl Attempt {
    /// With a password, for the account of that name in the database's lower case. From an address that its person
    /// signed in from lately it has a count of its own: who fails elsewhere does not lock them out.
    pub fn with_password(name: &str, address: Option<IpAddr>, is_familiar: bool) -> Self {
        let place = address.filter(|_| is_familiar).map(|address| address.to_string());
        Attempt {
            account: Some(key("password", name) + ":" + place.as_deref().unwrap_or_default()),
            address: of_address("password", address),
        }
    }

    /// With a service account's secret. Nobody guesses 256 random bits, so an account has a count for each address: a
    /// single one would only let anybody lock a program out.
    pub fn of_client(client_id: &str, address: Option<IpAddr>) -> Self {
        let place = address.map(|address| address.to_string()).unwrap_or_default();
        Attempt {
            account: Some(key("client", client_id) + ":" + &place),
            address: of_address("client", address),
        }
    }

    /// Not with a secret, but for one: mail to a person is limited like guesses at their password.
    pub fn at_reset(login: &str, address: Option<IpAddr>) -> Self {
        Attempt {
            account: Some(key("reset", login)),
            address: of_address("reset", address),
        }
    }

    /// With a refresh token or one of those by which passwords are chosen, which name no account.
    pub fn with_token(address: Option<IpAddr>) -> Self {
        Attempt::with("token", address)
    }

    /// With a secret of that kind, which names no account. Each kind has a count of its own: made-up codes do not keep an
    /// address from refreshing.
    pub fn with(kind: &'static str, address: Option<IpAddr>) -> Self {
        Attempt {
            account: None,
            address: of_address(kind, address),
        }
    }

    /// Whether it is refused; to be asked before the secret is looked at.
    pub fn refusal(&self, app: &App, conn: &mut PgConnection) -> QueryResult<Option<Refusal>> {
        // What was counted before a limit was lifted keeps nobody waiting.
        let limits = [app.config.account_failures, app.config.address_failures];
        let keys: Vec<String> = [&self.account, &self.address]
            .into_iter()
            .zip(limits)
            .filter(|(_, limit)| *limit > 0)
            .filter_map(|(key, _)| key.clone())
            .collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let now = app.clock.now();
        let blocked: Vec<Blocked> = sql!(
            "SELECT blocked_until FROM failed_attempts WHERE key = ANY({keys}) AND blocked_until > {now}"
        )
        .load(conn)?;
        let until = blocked.into_iter().map(|row| row.blocked_until).max();
        Ok(until.map(|until| Refusal { until, now }))
    }

    /// Of a secret that nobody guesses and that was wrong: counts it, and a refusal where there are too many. Right ones are
    /// taken all the same.
    pub fn count_wrong_secret(&self, app: &App, conn: &mut PgConnection) -> QueryResult<Option<Refusal>> {
        match self.refusal(app, conn)? {
            Some(refusal) => Ok(Some(refusal)),
            None => self.failed(app, conn),
        }
    }

    /// Counts a failure; a refusal where the limit was reached meanwhile.
    pub fn failed(&self, app: &App, conn: &mut PgConnection) -> QueryResult<Option<Refusal>> {
        let now = app.clock.now();
        let mut is_counted = true;
        if let Some(account) = self
            .account
            .as_deref()
            .filter(|_| app.config.account_failures > 0)
        {
            is_counted &= of_account(account, app.config.account_failures, now).execute(conn)? > 0;
        }
        if let Some(address) = self
            .address
            .as_deref()
            .filter(|_| app.config.address_failures > 0)
        {
            is_counted &= at_address(address, app.config.address_failures, now).execute(conn)? > 0;
        }
        if is_counted {
            Ok(None)
        } else {
            self.refusal(app, conn)
        }
    }

    /// Forgets the account's failures; a refusal where the limit was reached while the secret was looked at.
    pub fn succeeded(&self, app: &App, conn: &mut PgConnection) -> QueryResult<Option<Refusal>> {
        if let Some(refusal) = self.refusal(app, conn)? {
            return Ok(Some(refusal));
        }
        if let Some(account) = &self.account {
            forget(account).execute(conn)?;
        }
        Ok(None)
    }
}

/// Forgets all failures with the password of the person of that name, in the database's lower case, wherever they were.
pub fn forget_person(conn: &mut PgConnection, name: &str) -> QueryResult<()> {
    sql!(
        "DELETE FROM failed_attempts WHERE starts_with(key, {key})",
        key = key("password", name) + ":",
    )
    .execute(conn)?;
    Ok(())
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        ApiError {
            retry_after: Some(refusal.retry_after()),
            ..ApiError::new(
                Code::TooManyRequests,
                "Too many attempts failed; wait as long as Retry-After says.",
            )
        }
    }
}

#[derive(QueryableByName)]
struct Blocked {
    #[diesel(sql_type = sql_types::Timestamptz)]
    blocked_until: DateTime<Utc>,
}

/// Who types a password where the name belongs does not leave it here to be read.
fn key(kind: &str, name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    format!("{kind}:{}", URL_SAFE_NO_PAD.encode(hash))
}

fn of_address(kind: &str, address: Option<IpAddr>) -> Option<String> {
    let network = address::network(address?);
    Some(format!("{kind}-address:{network}"))
}

/// From the limit on each failure makes the next attempt wait: half a minute, then twice as long up to an hour; from the
/// hundredth on, a day (NIST SP 800-63B, section 5.2.2). Time alone forgives nothing.
fn of_account(key: &str, limit: u32, now: DateTime<Utc>) -> Sql {
    let until = |failures: &'static str| {
        sql!(
            "CASE WHEN {failures} < {limit} THEN {NEVER}
                ELSE {now} + make_interval(secs => CASE WHEN {failures} >= 100 THEN 86400
                    ELSE least(3600, 30 * power(2, least({failures} - {limit}, 10))) END) END",
            failures = Fixed(failures),
            limit = i64::from(limit),
        )
    };
    sql!(
        "INSERT INTO failed_attempts AS known (key, failures, since, last_at, blocked_until)
         VALUES ({key}, 1, {now}, {now}, {after_first})
         ON CONFLICT (key) DO UPDATE SET failures = known.failures + 1, last_at = excluded.last_at,
            blocked_until = {after_next}
         WHERE known.blocked_until <= excluded.last_at",
        after_first = until("1"),
        after_next = until("(known.failures + 1)"),
    )
}

/// An address that reaches its limit waits until the window is over in which it did.
fn at_address(key: &str, limit: u32, now: DateTime<Utc>) -> Sql {
    let limit = i64::from(limit);
    let over = sql!("known.since <= {since}", since = now - ADDRESS_WINDOW);
    sql!(
        "INSERT INTO failed_attempts AS known (key, failures, since, last_at, blocked_until)
         VALUES ({key}, 1, {now}, {now}, CASE WHEN 1 >= {limit} THEN {until} ELSE {NEVER} END)
         ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN {over} THEN 1 ELSE known.failures + 1 END,
            since = CASE WHEN {over} THEN excluded.since ELSE known.since END,
            last_at = excluded.last_at,
            blocked_until = CASE WHEN {over} THEN excluded.blocked_until
                WHEN known.failures + 1 >= {limit} THEN known.since + make_interval(secs => {window})
                ELSE {NEVER} END
         WHERE known.blocked_until <= excluded.last_at",
        until = now + ADDRESS_WINDOW,
        window = ADDRESS_WINDOW.num_seconds(),
    )
}

fn forget(key: &str) -> Sql {
    sql!("DELETE FROM failed_attempts WHERE key = {key}")
}
