//! What a call's database work holds: the connection, the caller, the clock's instant, the request id; and,
//! for a write, the events, jobs and notifications that it commits with.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::BigInt,
};
use uuid::Uuid;

use super::{
    Acting, App, Event, EventKind, event,
    queue::{self, NewJob, Queueable},
};
use crate::{
    authz::{ActorKind, CallContext, Caller, Permission, Scope},
    db::{
        Sql,
        sql::{Place, uuid_v7},
    },
    filter::FilterClock,
    http::{ApiError, ApiResult, Code},
    sql,
};

/// What a domain does in a transaction in which people changed; see [`Tx::changed_users`].
pub type Reaction = fn(&mut Tx<'_>) -> ApiResult<()>;

/// What other processes must hear about once the transaction is committed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// What a principal is or holds changed.
    Caller(Uuid),
    /// What many principals hold changed.
    Callers,
    /// The signing keys changed.
    Keys,
    /// By which providers people sign in, or who their subjects are, changed.
    IdentityProviders,
    /// What a learner may open of learning content changed.
    Launches(Uuid),
    /// Jobs were queued.
    Jobs,
}

/// In front of the learner's id in the payload of [`Wake::Launches`].
const LAUNCHES: &str = "launches:";

/// The channel that [`Wake`]s travel on.
pub const CHANNEL: &str = "provost_wake";

impl Wake {
    fn payload(&self) -> String {
        match self {
            Wake::Caller(id) => id.to_string(),
            Wake::Callers => "callers".into(),
            Wake::Keys => "keys".into(),
            Wake::IdentityProviders => "identity_providers".into(),
            Wake::Launches(id) => format!("{LAUNCHES}{id}"),
            Wake::Jobs => "jobs".into(),
        }
    }

    /// What a notification says.
    pub fn from_payload(payload: &str) -> Option<Self> {
        match payload {
            "callers" => Some(Wake::Callers),
            "keys" => Some(Wake::Keys),
            "identity_providers" => Some(Wake::IdentityProviders),
            "jobs" => Some(Wake::Jobs),
            other => match other.strip_prefix(LAUNCHES) {
                Some(id) => Uuid::parse_str(id).ok().map(Wake::Launches),
                None => Uuid::parse_str(other).ok().map(Wake::Caller),
            },
        }
    }
}

/// A call's database work. See the module.
pub struct Tx<'a> {
    /// The process's state.
    pub app: &'a App,
    /// The connection, inside the transaction if this is a write.
    pub conn: &'a mut PgConnection,
    /// Who acts.
    pub caller: Arc<Caller>,
    /// The caller's session, if they are a person who signed in.
    pub session: Option<Uuid>,
    /// The one instant of this transaction.
    pub now: DateTime<Utc>,
    /// The request's id.
    pub request_id: String,
    pending: Pending,
}

/// What a transaction has noted and writes when it commits, or hands to the reactions.
#[derive(Debug, Default)]
struct Pending {
    events: Vec<Event>,
    jobs: Vec<NewJob>,
    wakes: BTreeSet<Wake>,
    changed_users: BTreeSet<Uuid>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl Pending {
    fn extend(&mut self, later: Pending) {
        self.events.extend(later.events);
        self.jobs.extend(later.jobs);
        self.wakes.extend(later.wakes);
        self.changed_users.extend(later.changed_users);
    }
}

impl CallContext for Tx<'_> {
    fn connection(&mut self) -> &mut PgConnection {
        self.conn
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// Takes the advisory lock `name` until the transaction of `conn` ends, shared.
pub fn advisory_lock_shared(conn: &mut PgConnection, name: impl Place) -> QueryResult<()> {
    sql!("SELECT pg_advisory_xact_lock_shared(hashtextextended({name}, 0))").execute(conn)?;
    Ok(())
}

impl<'a> Tx<'a> {
    pub(super) fn begin(app: &'a App, conn: &'a mut PgConnection, acting: &Acting) -> Self {
        Tx {
            app,
            conn,
            caller: acting.caller.clone(),
            session: acting.session,
            now: app.clock.now(),
            request_id: acting.request_id.clone(),
            pending: Pending::default(),
        }
    }

    /// Does `f`, or takes back all of it: what it wrote and what it noted. A failure that another attempt at the whole
    /// transaction may fix is to be passed on.
    pub fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> ApiResult<T>) -> ApiResult<T> {
        self.conn.batch_execute("SAVEPOINT attempt")?;
        let earlier = std::mem::take(&mut self.pending);
        let outcome = f(self);
        let noted = std::mem::replace(&mut self.pending, earlier);
        if outcome.is_ok() {
            self.pending.extend(noted);
        } else {
            self.conn.batch_execute("ROLLBACK TO SAVEPOINT attempt")?;
        }
        self.conn.batch_execute("RELEASE SAVEPOINT attempt")?;
        outcome
    }

    /// Does `f` and what follows from it, takes all of it back, and answers what came out and which events there would
    /// have been. Failures that are nobody's doing are passed on.
    pub fn rehearse<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> ApiResult<T>,
    ) -> ApiResult<(ApiResult<T>, Vec<Event>)> {
        self.conn.batch_execute("SAVEPOINT rehearsal")?;
        let earlier = std::mem::take(&mut self.pending);
        let outcome = f(self).and_then(|answer| {
            for reaction in self.app.reactions {
                reaction(self)?;
            }
            Ok(answer)
        });
        let noted = std::mem::replace(&mut self.pending, earlier);
        self.conn.batch_execute("ROLLBACK TO SAVEPOINT rehearsal")?;
        match outcome {
            Err(error) if error.is_retryable || error.code.status().is_server_error() => Err(error),
            outcome => Ok((outcome, noted.events)),
        }
    }

    /// Whether this is a request of a client. Jobs and commands act as Provost.
    pub fn is_request(&self) -> bool {
        self.caller.actor.kind != ActorKind::System
    }

    /// The calendar day of this transaction, where the academy is.
    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.app.config.time_zone).date_naive()
    }

    /// What filters call today and now.
    pub fn filter_clock(&self) -> FilterClock {
        FilterClock {
            today: self.today(),
            now: self.now,
        }
    }

    /// Where the caller may use `permission`; 403 if nowhere.
    pub fn scope(&self, permission: Permission) -> ApiResult<Scope> {
        self.caller.scope(permission, self.now)
    }

    /// Where the caller may use `permission`, which may be nowhere: for what is shown beside the requested resource.
    pub fn seen(&self, permission: Permission) -> Scope {
        let scope = self.caller.scope_if_any(permission, self.now);
        scope.unwrap_or_else(|| Scope::new(Vec::new(), None))
    }

    /// 403 unless the caller may use `permission` somewhere; what they write is confirmed to be there.
    pub fn require(&self, permission: Permission) -> ApiResult<()> {
        self.scope(permission).map(drop)
    }

    /// 403 unless the caller may use `permission` everywhere: for what belongs to the whole academy. Asked first, so that
    /// nobody else learns what there is of it.
    pub fn require_everywhere(&self, permission: Permission) -> ApiResult<()> {
        if self.scope(permission)?.is_everything() {
            return Ok(());
        }
        Err(ApiError::new(
            Code::Forbidden,
            format!(
                "This needs the permission {} in the scope of everything; ask an administrator for a role that holds it.",
                permission.as_str()
            ),
        ))
    }

    /// Has the transactions that do what `name`, a text, names take turns: waits for the present one, and keeps later
    /// ones waiting until this one ends, so that what it sees holds.
    pub fn advisory_lock(&mut self, name: impl Place) -> ApiResult<()> {
        sql!("SELECT pg_advisory_xact_lock(hashtextextended({name}, 0))").execute(self.conn)?;
        Ok(())
    }

    /// Takes the advisory lock `name` until commit, shared: [`Self::advisory_lock`] waits for it, other shared locks do not.
    pub fn advisory_lock_shared(&mut self, name: impl Place) -> ApiResult<()> {
        Ok(advisory_lock_shared(self.conn, name)?)
    }

    /// Appends `event` to the ledger when the transaction commits.
    pub fn record(&mut self, event: Event) {
        self.pending.events.push(event);
    }

    /// The CTEs at the end of a statement that changes many things at once: they record an event for each row of the CTE
    /// `changes (action, id, user_id, before, after)`. Its actions are those of `kinds`, which are about things of one kind.
    pub fn events_from(&self, kinds: &[&EventKind], changes: &'static str) -> Sql {
        event::append_from(self.source(), self.new_ids(), kinds, changes)
    }

    /// Changes many things at once by the CTEs `ctes`, the last of which is `changes (action, id, user_id, before, after)`;
    /// records an event of one of `kinds` for each of its rows, and answers how many there were.
    pub fn record_changes(&mut self, kinds: &[&EventKind], ctes: Sql) -> ApiResult<usize> {
        let events = self.events_from(kinds, "changes");
        let counted: Counted =
            sql!("WITH {ctes}, {events} SELECT count(*) AS rows FROM appended").get_result(self.conn)?;
        Ok(counted.rows as usize)
    }

    /// What the events of this transaction share.
    fn source(&self) -> event::Source<'_> {
        event::Source {
            actor: self.caller.actor,
            now: self.now,
            request_id: &self.request_id,
        }
    }

    /// An expression that is another UUIDv7 of this transaction's instant for each row.
    pub fn new_ids(&self) -> Sql {
        uuid_v7(self.now)
    }

    /// Queues `job` with the transaction.
    pub fn enqueue(&mut self, job: &impl Queueable) -> ApiResult<()> {
        self.enqueue_at(job, self.now)
    }

    /// Queues `job` with the transaction, to be run no earlier than `run_at`.
    pub fn enqueue_at(&mut self, job: &impl Queueable, run_at: DateTime<Utc>) -> ApiResult<()> {
        let new = NewJob {
            on_behalf_of: self.caller.actor.id.or(self.caller.actor.on_behalf_of),
            request_id: self.request_id.clone(),
            run_at,
            ..job.to_new_job(self.now)?
        };
        self.pending.jobs.push(new);
        self.wake(Wake::Jobs);
        Ok(())
    }

    /// Tells every process, once committed.
    pub fn wake(&mut self, wake: Wake) {
        self.pending.wakes.insert(wake);
    }

    /// Says that facts about these people changed, so that groups, rules and other reactions look at them.
    pub fn touch_users(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        self.pending.changed_users.extend(ids);
    }

    /// The people whose facts changed in this transaction.
    pub fn changed_users(&self) -> Vec<Uuid> {
        self.pending.changed_users.iter().copied().collect()
    }

    /// Writes events, jobs and notifications; answers the notifications for this very process.
    pub(super) fn finish(mut self) -> ApiResult<Vec<Wake>> {
        let events = std::mem::take(&mut self.pending.events);
        let source = event::Source {
            actor: self.caller.actor,
            now: self.now,
            request_id: &self.request_id,
        };
        event::append(self.conn, events, source)?;
        queue::insert(self.conn, std::mem::take(&mut self.pending.jobs))?;
        if !self.pending.wakes.is_empty() {
            let payloads: Vec<String> = self.pending.wakes.iter().map(Wake::payload).collect();
            sql!("SELECT pg_notify({CHANNEL}, payload) FROM unnest({payloads}) AS payload")
                .execute(self.conn)?;
        }
        Ok(self.pending.wakes.into_iter().collect())
    }
}
