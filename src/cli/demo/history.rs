//! Two years in a few seconds: the clock goes back, the company as it was comes in, and people learn, a quarter of a year at a time.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{catalog, company::Company, exceptions, export, library, random::Random, rules};
use crate::{
    app::{Acting, App, Clock, Tx},
    authz::{self, Permission},
    catalog::courses::modules::{Activity, Criterion},
    cli::CommandError,
    enrollment::{
        completions::{
            model::CompletionSource,
            record::{self, NewCompletion},
        },
        enrollments::{
            model::{Enrollment, UpdateEnrollment},
            progress,
        },
        rules::reconcile::{self, People},
    },
    http::{ApiError, ApiResult, Ref, body},
    import::{
        apply,
        imports::{self, model::ImportCounts},
        plan, profiles,
    },
    learning::track::{self, Learning},
    operations, sql,
};

/// Steps of history, of a quarter each.
const STEPS: usize = 8;
/// An HR export comes with every second of them.
const STEPS_AN_EXPORT: usize = 2;
/// The company's size when the history begins, in percent of what it is today.
const FIRST_SIZE: usize = 82;
const PAUSE_IN_STEP: usize = 6;
/// Completions a transaction.
const BATCH: usize = 2_000;
/// Of those who are enrolled at the end, one in so many is in the middle of the course.
const ONE_HAS_BEGUN_IN: usize = 4;
/// How many of a hundred people take up a course of their own choice in a step.
const CURIOUS: usize = 18;

/// What the academy is made of.
pub struct Plan {
    /// What chance begins with.
    pub seed: u64,
    /// How many people there are today.
    pub people: usize,
}

/// The clock, away from the present for as long as this lives.
struct Travel<'a> {
    clock: &'a Clock,
    away: TimeDelta,
}

impl Travel<'_> {
    fn to(&mut self, moment: DateTime<Utc>) {
        let way = moment - self.clock.now();
        self.clock.advance(way);
        self.away += way;
    }
}

impl Drop for Travel<'_> {
    fn drop(&mut self) {
        self.clock.advance(-self.away);
    }
}

/// Who acts in the demo.
pub fn acting() -> Acting {
    Acting::system("command:demo")
}

/// Makes the academy and its two years. `progress` hears what is being done.
pub fn live(app: &App, plan: &Plan, progress: &dyn Fn(&str)) -> Result<(), CommandError> {
    let mut travel = Travel {
        clock: &app.clock,
        away: TimeDelta::zero(),
    };
    let today = app.clock.now().date_naive();
    let start = end(today, 0);
    travel.to(start);
    let size =
        |step: usize| (plan.people * (FIRST_SIZE * STEPS + (100 - FIRST_SIZE) * step) / STEPS / 100).max(1);
    let mut company = Company::found(plan.seed, size(0), plan.people, start.date_naive());
    progress("the catalog and the company as it was two years ago");
    begin(app, plan, &company)?;
    let mut random = Random::new(plan.seed ^ 0x5eed);
    let mut last = start;
    let mut exported = start.date_naive();
    for step in 1..=STEPS {
        let now = end(today, step);
        travel.to(now);
        if step.is_multiple_of(STEPS_AN_EXPORT) {
            progress(&format!("{}: people come, move and go", now.format("%B %Y")));
            company.pass(now.date_naive(), size(step));
            let file = export::write(&company, exported)?;
            import(
                app,
                export::PROFILE,
                &format!("hr-{}.csv", now.date_naive()),
                &file,
            )?;
            exported = now.date_naive();
        }
        if step == PAUSE_IN_STEP {
            app.write_blocking(&acting(), rules::pause)?;
        }
        settle(app)?;
        learn(app, &mut random, last, now)?;
        last = now;
    }
    take_up(app, &mut random)?;
    app.write_blocking(&acting(), |tx| {
        let people: Vec<Uuid> = present(tx)?.into_iter().map(|person| person.id).collect();
        exceptions::create(tx, &people)
    })?;
    Ok(())
}

/// When a step ends: the last as today begins, so that an academy is the same at any hour of a day.
fn end(today: NaiveDate, step: usize) -> DateTime<Utc> {
    morning(today) - TimeDelta::minutes((STEPS - step) as i64 * 730 * 24 * 60 / STEPS as i64)
}

fn begin(app: &App, plan: &Plan, company: &Company) -> Result<(), CommandError> {
    let catalog = catalog::write(plan.seed)?;
    let people = export::write(company, company.day)?;
    app.write_blocking(&acting(), |tx| {
        rules::found(tx)?;
        for mut profile in [catalog::profile(), export::profile()] {
            profiles::store::insert(tx, Uuid::now_v7(), &body::read_value(&mut profile)?)?;
        }
        Ok(())
    })?;
    import(app, catalog::PROFILE, "catalog.csv", &catalog)?;
    library::fill(app, &acting())?;
    app.write_blocking(&acting(), library::use_it)?;
    import(app, export::PROFILE, &format!("hr-{}.csv", company.day), &people)?;
    app.write_blocking(&acting(), |tx| {
        rules::organize(tx)?;
        rules::create(tx)
    })?;
    settle(app)
}

/// Settles what the rules want of everybody.
fn settle(app: &App) -> Result<(), CommandError> {
    app.write_blocking(&acting(), |tx| {
        reconcile::reconcile(tx, People::EVERYBODY, None).map(drop)
    })?;
    Ok(())
}

/// Imports a file as the API would: a plan, then its application.
fn import(app: &App, profile: &str, name: &str, file: &[u8]) -> Result<ImportCounts, CommandError> {
    let (id, assessment) = app.write_blocking(&acting(), |tx| {
        let profile = profiles::store::with_code(tx, profile)?
            .ok_or_else(|| ApiError::internal("the demo's import profile is gone"))?;
        let operation = operations::begin(tx, "import.plan", None)?;
        let import = imports::store::insert(tx, &profile, Some(name), operation.id, file)?;
        let assessment = plan::plan(tx, import.id, &|_| ())?;
        operations::succeed(tx, operation.id, &assessment.counts)?;
        Ok((import.id, assessment))
    })?;
    if assessment.counts.refuse > 0 {
        return Err(CommandError(format!(
            "{name} has {} rows that cannot be imported; /v1/imports/{id}/rows says why.",
            assessment.counts.refuse
        )));
    }
    app.write_blocking(&acting(), |tx| {
        let operation = operations::begin(tx, "import.apply", None)?;
        imports::store::applying(tx, id, operation.id)?;
        apply::as_a_whole(tx, id, &|_| ())?;
        let counts = apply::end(tx, id)?;
        operations::succeed(tx, operation.id, &counts)?;
        // Two years pass quicker than PostgreSQL would notice by itself that the tables grow.
        sql!(
            "ANALYZE users, user_history, external_keys, org_unit_closure, reporting_lines,
                rule_members, requirements, requirement_reasons, enrollments, completions"
        )
        .execute(tx.conn)?;
        Ok(())
    })?;
    Ok(assessment.counts)
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    course_id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    key: String,
    #[diesel(sql_type = sql_types::Text)]
    department: String,
    #[diesel(sql_type = sql_types::Date)]
    opens_on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    due_on: Option<NaiveDate>,
}

/// What people do between `since` and `now`: much of what they must, and some of what they may. The clock is a little
/// past `now`, by what the work takes.
fn learn(
    app: &App,
    random: &mut Random,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let (open, people, electives) =
        app.read_blocking(&acting(), |tx| Ok((open(tx)?, present(tx)?, electives(tx)?)))?;
    let mut done: BTreeMap<(Uuid, Uuid), NewCompletion> = BTreeMap::new();
    for requirement in open {
        let from = since.max(morning(requirement.opens_on));
        let does = random.chance(zeal(&requirement, now.date_naive()));
        let completion = completion(random, requirement.user_id, requirement.course_id, from, now);
        if does && from < now {
            done.insert((requirement.user_id, requirement.course_id), completion);
        }
    }
    for _ in 0..people.len() * CURIOUS / 100 {
        let (user, course) = (random.below(people.len()), random.below(electives.len()));
        if let (Some(user), Some(course)) = (people.get(user), electives.get(course)) {
            let completion = completion(random, user.id, course.id, since, now);
            done.entry((user.id, course.id)).or_insert(completion);
        }
    }
    let done: Vec<NewCompletion> = done.into_values().collect();
    for batch in done.chunks(BATCH) {
        app.write_blocking(&acting(), |tx| {
            let outcomes = record::record(tx, batch.to_vec())?;
            outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))
        })?;
    }
    Ok(())
}

/// How likely somebody is to do within a step what they must: some always wait, a few hardly ever do it, and there
/// are departments with more and with fewer of those.
fn zeal(requirement: &Open, today: NaiveDate) -> f64 {
    let slack = digest(&requirement.department) % 5 * 6;
    let nature = (digest(&requirement.key) % 100).saturating_sub(slack);
    let presses = requirement
        .due_on
        .is_some_and(|due| (due - today).num_days() < 10);
    match (nature, presses) {
        (0..12, _) => 0.12,
        (12..40, false) => 0.58,
        (12..40, true) => 0.75,
        (_, false) => 0.9,
        (_, true) => 0.97,
    }
}

/// A number that goes with a text: the same today and tomorrow.
fn digest(text: &str) -> u32 {
    text.bytes()
        .fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

/// Some have begun what they are enrolled in.
fn take_up(app: &App, random: &mut Random) -> Result<(), CommandError> {
    let enrolled = app.read_blocking(&acting(), enrolled)?;
    let begun: Vec<(Uuid, i16)> = enrolled
        .iter()
        .step_by(ONE_HAS_BEGUN_IN)
        .map(|enrollment| (enrollment.id, 5 + random.below(90) as i16))
        .collect();
    app.write_blocking(&acting(), |tx| {
        for (id, percent) in &begun {
            let before = authz::authorize::<Enrollment>(tx, &Ref::from(*id), Permission::EnrollmentsWrite)?;
            let mut learning = Learning::load(tx, before.clone())?;
            let first = learning
                .modules
                .activities()
                .next()
                .map(|(_, activity)| activity.clone());
            match first.filter(Activity::is_tracked) {
                Some(activity) => {
                    let mut record = learning.record(tx, activity.id);
                    // Who opens a page has read it.
                    if matches!(activity.criterion, Some(Criterion::Viewed {})) {
                        track::complete(tx, &mut record);
                    }
                    learning.write(tx, record)?;
                }
                None => {
                    let progress = UpdateEnrollment {
                        progress_percent: Some(*percent),
                    };
                    progress::advance(tx, &before, &progress)?;
                }
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn morning(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn completion(
    random: &mut Random,
    user: Uuid,
    course: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> NewCompletion {
    let minutes = (to - from).num_minutes().max(1) as usize;
    let occurred_at = from + TimeDelta::minutes(random.below(minutes) as i64);
    let score = random.chance(0.7).then(|| (60 + random.below(41)) as f64);
    NewCompletion {
        user_id: user,
        course_id: course,
        occurred_at: occurred_at.min(to),
        source: CompletionSource::Learner,
        score,
        evidence: None,
        expires_on: None,
    }
}

/// Open requirements, in an order that does not hang on ids.
fn open(tx: &mut Tx) -> ApiResult<Vec<Open>> {
    Ok(sql!(
        "SELECT q.user_id, q.course_id, k.key, coalesce(u.department, '') AS department, q.opens_on,
            q.due_on
         FROM requirements q
         JOIN users u ON u.id = q.user_id AND u.status = 'active'
         JOIN external_keys k ON k.kind = 'user' AND k.object_id = q.user_id AND k.source = {source}
         JOIN courses c ON c.id = q.course_id
         WHERE q.satisfied_at IS NULL AND q.ended_at IS NULL ORDER BY k.key, c.code",
        source = export::SOURCE,
    )
    .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

fn enrolled(tx: &mut Tx) -> ApiResult<Vec<Id>> {
    Ok(sql!(
        "SELECT e.id FROM enrollments e JOIN users u ON u.id = e.user_id AND u.status = 'active'
         JOIN external_keys k ON k.kind = 'user' AND k.object_id = e.user_id AND k.source = {source}
         JOIN courses c ON c.id = e.course_id WHERE e.state = 'enrolled'
         ORDER BY k.key, c.code, e.created_at",
        source = export::SOURCE,
    )
    .load(tx.conn)?)
}

fn present(tx: &mut Tx) -> ApiResult<Vec<Id>> {
    Ok(sql!(
        "SELECT u.id FROM users u JOIN external_keys k ON k.kind = 'user' AND k.object_id = u.id
            AND k.source = {source} WHERE u.status = 'active' ORDER BY k.key",
        source = export::SOURCE,
    )
    .load(tx.conn)?)
}

fn electives(tx: &mut Tx) -> ApiResult<Vec<Id>> {
    Ok(
        sql!("SELECT id FROM courses WHERE status = 'published' AND 'elective' = ANY(tags) ORDER BY code")
            .load(tx.conn)?,
    )
}
