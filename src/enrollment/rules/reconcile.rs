//! Makes requirements what the rules say that they should be.
//!
//! Level-triggered: it compares what is with what should be, so it may run at any time, and a second run changes
//! nothing and writes no event. Differences come first: facts are read ([`super::facts`]), what should be follows from them
//! ([`super::settle`]), and what differs is stored as rows ([`super::changes`]), which plain statements apply ([`super::apply`]). The
//! same for everybody and for one person; a plan stops before it applies.

use std::{
    collections::{HashMap, HashSet},
    ops::AddAssign,
};

use chrono::NaiveDate;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    apply,
    audience::{self, Move, Overrides},
    changes::{self, Basis, Change, ChangeKind},
    facts::{self as loaded, Which},
    model::Rule,
    person::Person,
    policy::{self, Policy},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    enrollment::target::Target,
    http::{ApiError, ApiResult},
    jobs::Part,
    people::facts,
    sql,
};

/// Whose requirements are settled.
#[derive(Debug, Clone, PartialEq)]
pub enum People {
    /// These people.
    These(Vec<Uuid>),
    /// Everybody whose id comes after the first and not after the second. Many people at once are settled so: it is
    /// a range of every table about them.
    Between(Uuid, Uuid),
    /// These of such a range, in the order of their ids: tables about them are read as the range.
    Within(Uuid, Uuid, Vec<Uuid>),
}

impl People {
    /// Everybody.
    pub const EVERYBODY: Self = People::Between(Uuid::nil(), Uuid::max());

    fn is_nobody(&self) -> bool {
        matches!(self, People::These(people) if people.is_empty())
    }
}

impl From<&[Uuid]> for People {
    fn from(people: &[Uuid]) -> Self {
        People::These(people.to_vec())
    }
}

impl From<Uuid> for People {
    fn from(person: Uuid) -> Self {
        People::These(vec![person])
    }
}

/// What a reconcile looks at.
#[derive(Debug, Clone)]
pub(super) struct ReconcileScope {
    whom: People,
    /// One rule, and the targets that it asks or asked for.
    rule: Option<(Uuid, Vec<Uuid>)>,
}

/// What a reconcile did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReconcileOutcome)]
#[serde(default)]
pub struct Outcome {
    /// People who joined an audience.
    pub joined: i64,
    /// People who left one.
    pub left: i64,
    /// Requirements that opened.
    pub opened: i64,
    /// Requirements that a completion or a waiver satisfied, with those that were satisfied when they opened.
    pub satisfied: i64,
    /// Ended requirements that went on.
    pub resumed: i64,
    /// Satisfied requirements that are open again.
    pub reopened: i64,
    /// Reasons added to requirements that were there.
    pub reasons_added: i64,
    /// Reasons whose due date moved.
    pub reasons_moved: i64,
    /// Reasons that ended of requirements which go on by others.
    pub reasons_ended: i64,
    /// Requirements that ended.
    pub ended: i64,
    /// Requirements of which a date moved.
    pub moved: i64,
    /// Issues that opened.
    pub issues_opened: i64,
    /// Issues that closed, because what was the matter is no more.
    pub issues_closed: i64,
    /// Enrollments made.
    pub enrolled: i64,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.joined += other.joined;
        self.left += other.left;
        self.opened += other.opened;
        self.satisfied += other.satisfied;
        self.resumed += other.resumed;
        self.reopened += other.reopened;
        self.reasons_added += other.reasons_added;
        self.reasons_moved += other.reasons_moved;
        self.reasons_ended += other.reasons_ended;
        self.ended += other.ended;
        self.moved += other.moved;
        self.issues_opened += other.issues_opened;
        self.issues_closed += other.issues_closed;
        self.enrolled += other.enrolled;
    }
}

impl Outcome {
    /// What changes are about to do, without enrollments.
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut outcome = Outcome::default();
        for change in changes {
            let has_own_event = change.why.is_none();
            match change.change {
                ChangeKind::Joins => outcome.joined += 1,
                ChangeKind::Leaves => outcome.left += 1,
                ChangeKind::Opens => {
                    outcome.opened += 1;
                    outcome.satisfied += i64::from(change.satisfied_at.is_some());
                }
                ChangeKind::Satisfied => outcome.satisfied += 1,
                ChangeKind::Reopens => outcome.reopened += 1,
                ChangeKind::Resumes => outcome.resumed += 1,
                ChangeKind::Moves => outcome.moved += 1,
                ChangeKind::Ends => outcome.ended += 1,
                ChangeKind::ReasonAdded if has_own_event => outcome.reasons_added += 1,
                ChangeKind::ReasonMoved => outcome.reasons_moved += 1,
                ChangeKind::ReasonEnded if has_own_event => outcome.reasons_ended += 1,
                ChangeKind::IssueOpens => outcome.issues_opened += 1,
                ChangeKind::IssueCloses => outcome.issues_closed += 1,
                ChangeKind::ReasonAdded | ChangeKind::ReasonDated | ChangeKind::ReasonEnded => {}
            }
        }
        outcome
    }
}

/// What happens when people change: what the rules want of them is settled in the same transaction; by jobs, if a request
/// changed more of them than it could settle before its caller gives up.
pub fn react(tx: &mut Tx) -> ApiResult<()> {
    let users = tx.changed_users();
    if facts::is_followed_by_job(tx, users.len()) {
        return facts::enqueue_follow(tx, &users);
    }
    reconcile(tx, &*users, None).map(drop)
}

/// Reconciles users with one `rule`, or with all.
pub fn reconcile(tx: &mut Tx, whom: impl Into<People>, rule: Option<Uuid>) -> ApiResult<Outcome> {
    let whom = whom.into();
    if whom.is_nobody() {
        return Ok(Outcome::default());
    }
    lock(tx, &ReconcileScope::of(whom.clone()))?;
    settle_locked(tx, whom, rule).map(|(_, outcome)| outcome)
}

/// The same for the people of a part, and all that changed.
pub(super) fn reconcile_part(
    tx: &mut Tx,
    part: &Part,
    whom: People,
    rule: Option<Uuid>,
) -> ApiResult<(Vec<Change>, Outcome)> {
    lock(tx, &ReconcileScope::of(whom.clone()))?;
    part.has_locks();
    settle_locked(tx, whom, rule)
}

/// Settles what rules want of people whose locks this transaction holds.
fn settle_locked(tx: &mut Tx, whom: People, rule: Option<Uuid>) -> ApiResult<(Vec<Change>, Outcome)> {
    let question = Question {
        rule,
        ..Question::default()
    };
    let changes = foresee(tx, whom, &question)?;
    let outcome = apply::apply(tx, &changes)?;
    Ok((changes, outcome))
}

/// What is to be found out.
#[derive(Debug, Clone, Default)]
pub(super) struct Question<'a> {
    /// About one rule only.
    pub rule: Option<Uuid>,
    /// What a rule would say, instead of what it says.
    pub instead: Option<&'a Rule>,
    /// As if it were this day.
    pub day: Option<NaiveDate>,
}

/// What should change. Writes nothing.
pub(super) fn foresee(tx: &mut Tx, whom: People, question: &Question) -> ApiResult<Vec<Change>> {
    look(tx, whom, question, |_, moves, people, basis| {
        let mut all: Vec<Change> = changes::moves(moves).collect();
        all.extend(changes::differences(people, basis));
        Ok(all)
    })
}

/// Reads all that settling looks at, and hands it to `then`: people are as the moves of audiences make them.
pub(super) fn look<T>(
    tx: &mut Tx,
    whom: People,
    question: &Question,
    then: impl FnOnce(&mut Tx, &[Move], &[Person], &Basis) -> ApiResult<T>,
) -> ApiResult<T> {
    let mut reach = ReconcileScope::of(whom);
    let rules = policy::load(tx, question.instead)?;
    let policies = &rules.policies;
    if let Some(rule) = question.rule {
        reach.rule = Some((rule, targets_of(tx, rule, policies.get(&rule), &reach)?));
    }
    let clock = audience::clock_of(tx, question.day);
    let overrides = Overrides::of(tx, &reach, question.day)?;
    let mut moves = audience::moves(tx, &reach, &rules, &overrides, &clock)?;
    let mut people = loaded::load(tx, &reach, policies, Which::Current, &mut moves, question.day)?;
    loaded::lay_over(&mut people, &overrides);
    let targets = reach.rule.as_ref().map(|(_, targets)| targets.iter().copied());
    let basis = Basis {
        published: published(tx, policies)?,
        targets: targets.map(|targets| targets.map(Target::course).collect()),
        policies,
    };
    then(tx, &moves, &people, &basis)
}

/// The facts about a person, as settling reads them.
pub(super) fn person(tx: &mut Tx, user_id: Uuid, rule: &Rule) -> ApiResult<Person> {
    let reach = ReconcileScope::of(user_id.into());
    let policies = HashMap::from([(rule.id, Policy::from(rule))]);
    let people = loaded::load(tx, &reach, &policies, Which::Current, &mut [], None)?;
    people
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::not_found("user"))
}

/// Those of the targets of rules that can be begun.
fn published(tx: &mut Tx, policies: &HashMap<Uuid, Policy>) -> ApiResult<HashSet<Target>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let asked = policies.values().flat_map(|policy| &policy.targets);
    let asked: HashSet<Uuid> = asked.filter_map(Target::course_id).collect();
    let asked: Vec<Uuid> = asked.into_iter().collect();
    let rows: Vec<Row> =
        sql!("SELECT id FROM courses WHERE id = ANY({asked}) AND status = 'published'").load(tx.conn)?;
    Ok(rows.into_iter().map(|row| Target::course(row.id)).collect())
}

/// Two transactions that settle the same person wait for each other.
fn lock(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<()> {
    sql!(
        "SELECT users.id FROM users WHERE {people} ORDER BY users.id FOR NO KEY UPDATE",
        people = reach.people(),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// The targets that `rule` asks for, and those that it is still a reason for, for a user in reach.
fn targets_of(
    tx: &mut Tx,
    rule: Uuid,
    policy: Option<&Policy>,
    reach: &ReconcileScope,
) -> ApiResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        target_id: Uuid,
    }
    let rows: Vec<Row> = sql!(
        "SELECT DISTINCT q.target_id FROM requirement_reasons rr
         CROSS JOIN LATERAL (SELECT target_id FROM requirements
            WHERE user_id = rr.user_id AND id = rr.requirement_id LIMIT 1) q
         WHERE rr.ended_at IS NULL AND rr.rule_id = {rule} AND {users}",
        users = reach.users("rr.user_id"),
    )
    .load(tx.conn)?;
    let asked = policy
        .into_iter()
        .flat_map(|policy| policy.targets.iter().map(|target| target.id));
    let targets: HashSet<Uuid> = rows.into_iter().map(|row| row.target_id).chain(asked).collect();
    Ok(targets.into_iter().collect())
}

impl ReconcileScope {
    /// These people, and all rules.
    pub(super) fn of(whom: People) -> Self {
        ReconcileScope { whom, rule: None }
    }

    /// The rule, if it is about one.
    pub(super) fn one_rule(&self) -> Option<Uuid> {
        self.rule.as_ref().map(|(rule, _)| *rule)
    }

    /// Whether these are at most `most` people.
    pub(super) fn few(&self, most: usize) -> bool {
        matches!(&self.whom, People::These(people) if people.len() <= most)
    }

    /// Whether these are the people of a range.
    pub(super) fn is_range(&self) -> bool {
        matches!(&self.whom, People::Between(..) | People::Within(..))
    }

    /// Whether this user, whom a table about the people in reach names, is one of them.
    pub(super) fn has(&self, user: Uuid) -> bool {
        match &self.whom {
            People::Within(_, _, people) => people.binary_search(&user).is_ok(),
            People::These(_) | People::Between(..) => true,
        }
    }

    /// The people in reach, as rows of `users`.
    pub(super) fn people(&self) -> Sql {
        let users = self.users("users.id");
        match &self.whom {
            People::Within(_, _, people) => sql!("{users} AND users.id = ANY({people})"),
            People::These(_) | People::Between(..) => users,
        }
    }

    /// Rows about the people in reach, and perhaps about others in their range.
    pub(super) fn users(&self, user_id: &'static str) -> Sql {
        match &self.whom {
            People::These(people) => match people.as_slice() {
                [_] => Sql::among(user_id, people),
                people => Sql::among(user_id, people).is_planned_each_time(),
            },
            People::Between(after, last) | People::Within(after, last, _) => sql!(
                "{user_id} > {after} AND {user_id} <= {last}",
                user_id = Fixed(user_id),
            )
            .is_planned_each_time(),
        }
    }

    /// Whether the rule is in reach.
    pub(super) fn has_rule(&self, rule: Uuid) -> bool {
        self.one_rule().is_none_or(|one| one == rule)
    }

    /// Rows about the targets in reach.
    pub(super) fn targets(&self, target_id: &'static str) -> Sql {
        match &self.rule {
            Some((_, targets)) => Sql::among(target_id, targets),
            None => Sql::always(),
        }
    }

    /// Rows about the rules that ask for a target in reach.
    pub(super) fn asking(&self, rule_id: &'static str, policies: &HashMap<Uuid, Policy>) -> Sql {
        let Some((rule, targets)) = &self.rule else {
            return Sql::always();
        };
        let is_asked = |policy: &&Policy| policy.targets.iter().any(|target| targets.contains(&target.id));
        let asking = policies.values().filter(is_asked).map(|policy| policy.rule_id);
        let rules: Vec<Uuid> = asking.chain([*rule]).collect();
        Sql::among(rule_id, &rules)
    }

    /// Rows about the rule in reach.
    pub(super) fn rule(&self, rule_id: &'static str) -> Sql {
        match self.one_rule() {
            Some(rule) => sql!("{rule_id} = {rule}", rule_id = Fixed(rule_id)),
            None => Sql::always(),
        }
    }
}
