//! An academy as a plain model has it: people with the facts about them, rules, exceptions, and what happens to them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use provost::period::Period;
use uuid::Uuid;

use super::issues::Issue;

/// A day of the calendar.
pub type Day = NaiveDate;

/// All that the model knows.
#[derive(Debug, Clone, Default)]
pub struct Academy {
    pub now: DateTime<Utc>,
    pub people: Vec<Person>,
    pub rules: Vec<Rule>,
    pub courses: Vec<Course>,
    pub units: Vec<Unit>,
    /// Extensions of groups, by their ids: the group, the course, and the day.
    pub group_extensions: BTreeMap<Uuid, (usize, usize, Day)>,
    /// Equivalences by their ids: a completion of the second course counts for the first.
    pub equivalences: BTreeMap<Uuid, (usize, usize, bool)>,
    pub groups: Vec<Uuid>,
}

#[derive(Debug, Clone, Default)]
pub struct Course {
    pub id: Uuid,
    pub is_retired: bool,
    /// The versions, each with the last day on which completions of earlier ones count, if there is one.
    pub versions: Vec<Version>,
}

#[derive(Debug, Clone)]
pub struct Version {
    pub id: Uuid,
    pub validity: Option<Period>,
    pub earlier_count_until: Option<Day>,
    pub published_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Default)]
pub struct Unit {
    pub id: Uuid,
    pub code: &'static str,
    pub parent: Option<usize>,
    pub zone: Option<Tz>,
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub status: &'static str,
    pub department: &'static str,
    pub employment: &'static str,
    pub unit: usize,
    pub manager: Option<usize>,
    pub hired_on: Option<Day>,
    pub activated_on: Option<Day>,
    pub signed_on: Option<Day>,
    pub zone: Option<Tz>,
    pub groups: BTreeSet<usize>,
    /// First and last day.
    pub absences: BTreeMap<Uuid, (Day, Option<Day>)>,
    pub overrides: BTreeMap<Uuid, Override>,
    /// Course and day.
    pub extensions: BTreeMap<Uuid, (usize, Day)>,
    /// Course, first and last day.
    pub waivers: BTreeMap<Uuid, (usize, Day, Option<Day>)>,
    pub completions: BTreeMap<Uuid, Completion>,
    /// Since when they are in the audience of which rule, and until when they were.
    pub audiences: BTreeMap<usize, (Day, Option<Day>)>,
    /// The cycles of each course.
    pub cycles: BTreeMap<usize, Vec<Cycle>>,
    /// What is the matter, and what was decided about it.
    pub issues: BTreeMap<Issue, Option<Choice>>,
    /// What happened, to be told where model and product differ.
    pub log: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
pub struct Override {
    pub rule: usize,
    pub is_release: bool,
    pub until: Option<Day>,
}

/// A completion that counts: one that was corrected is not there any more.
#[derive(Debug, Clone)]
pub struct Completion {
    pub course: usize,
    pub at: DateTime<Utc>,
    pub on: Day,
    pub expires_on: Option<Day>,
    /// How long its version says that it counts.
    pub validity: Option<Period>,
    /// Of its course.
    pub version: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Cycle {
    pub opens_on: Day,
    pub due_on: Option<Day>,
    /// The completion or the waiver that satisfies it.
    pub proof: Option<Uuid>,
    pub valid_until: Option<Day>,
    pub renews_on: Option<Day>,
    pub ended: Option<&'static str>,
    pub reasons: Vec<Reason>,
    /// The reasons with which it ended.
    pub past: Vec<Reason>,
}

#[derive(Debug, Clone, Default)]
pub struct Reason {
    /// None for one that a person gave.
    pub rule: Option<usize>,
    /// Of one that a person gave.
    pub id: Uuid,
    pub requirement: Uuid,
    pub scheduled_on: Option<Day>,
    pub due_on: Option<Day>,
    pub valid_until: Option<Day>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    #[default]
    Draft,
    Active,
    Paused,
    Archived,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub id: Uuid,
    pub code: &'static str,
    pub status: Status,
    pub activated_at: DateTime<Utc>,
    pub who: Who,
    /// The unit that it belongs to.
    pub unit: Option<usize>,
    /// The group that tries it first.
    pub pilot: Option<usize>,
    pub targets: Vec<usize>,
    pub due: Due,
    pub lead: Option<&'static str>,
    pub repeat: Option<Repeat>,
    pub window: &'static str,
    pub grace: &'static str,
    pub gap: &'static str,
    pub ignores_early: bool,
    /// None: absences move nothing.
    pub absence_lead: Option<&'static str>,
    pub on_leave: &'static str,
}

#[derive(Debug, Clone)]
pub enum Who {
    Active,
    NotContractor,
    Contractor,
    Department(&'static str),
    /// Hired within so many days: a filter that speaks of today.
    HiredWithin(i64),
    /// In the unit or below it: by a filter.
    Unit(usize),
    /// In these units or below, but for these people: by lists.
    Units(Vec<usize>, Vec<usize>),
    Group(usize),
    Managers,
}

#[derive(Debug, Clone)]
pub enum Due {
    On(Day),
    AfterHire(&'static str),
    AfterJoining(&'static str),
    AfterActivation(&'static str),
    /// After the date attribute `signed_on`.
    AfterSigning(&'static str),
    AfterCompletion(usize, &'static str),
}

#[derive(Debug, Clone, Copy)]
pub enum Repeat {
    Never,
    AfterCompletion(&'static str),
    AfterDueDate(&'static str),
    /// On the first day of every so many months.
    Calendar(u32, NewHires),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewHires {
    Join,
    Skip,
    Prorate,
}

/// What somebody decides about an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    AsScheduled,
    DueOn(Day),
    NoDueDate,
    CountFromJoining,
    Waive,
    Require,
}

/// A fact about a person that changes.
#[derive(Debug, Clone)]
pub enum Fact {
    Status(&'static str),
    Department(&'static str),
    Employment(&'static str),
    Unit(usize),
    Manager(Option<usize>),
    HiredOn(Option<Day>),
    SignedOn(Option<Day>),
    Zone(Option<Tz>),
}

/// What is archived.
#[derive(Debug, Clone, Copy)]
pub enum Thing {
    Absence(usize),
    Override(usize),
    Extension(usize),
    GroupExtension,
    Waiver(usize),
    Equivalence,
}

/// A change of what a rule says.
#[derive(Debug, Clone)]
pub enum Saying {
    Due(Due),
    Repeat(Option<Repeat>),
    Grace(&'static str),
    Targets(Vec<usize>),
    OnLeave(&'static str),
    Pilot(Option<usize>),
}

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Act {
    /// Somebody new comes, of that name.
    Hire(String, Vec<Fact>),
    Change(usize, Vec<Fact>),
    /// Who joins a group and who leaves it.
    Members(usize, Vec<usize>, Vec<usize>),
    Complete(usize, usize, DateTime<Utc>, Option<Day>),
    /// The completion happened at another time; or, without one, it did not happen.
    Correct(usize, Uuid, Option<DateTime<Utc>>),
    Absent(usize, Day, Option<Day>),
    /// An absence gets another last day.
    Return(usize, Uuid, Day),
    Override(usize, Override),
    Extend(usize, usize, Day),
    ExtendGroup(usize, usize, Day),
    Waive(usize, usize, Day, Option<Day>),
    Archive(Thing, Uuid),
    Equate(usize, usize, bool),
    /// From the first day on, by the second.
    Assign(usize, usize, Day, Option<Day>),
    /// The requirement and the reason that somebody gave, which is removed.
    Unassign(usize, usize, Uuid, Uuid),
    Say(usize, Saying),
    Become(usize, Status),
    /// A new version: how long its completions count, and until when those of earlier ones do.
    Publish(usize, Option<&'static str>, Option<Day>),
    /// A course is retired, or comes back.
    Retire(usize, bool),
    /// An issue of a person.
    Decide(usize, Issue, Choice),
    /// The unit moves below another one.
    MoveUnit(usize, usize),
}

/// What the product made of an act.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Of what it added.
    pub id: Uuid,
    /// The requirement, where a reason was added.
    pub requirement: Uuid,
    /// The version of a completion, or a new one.
    pub version: Uuid,
}

impl Act {
    /// Whether it bears on a person.
    pub fn concerns(&self, number: usize) -> bool {
        match self {
            Act::Change(person, _)
            | Act::Complete(person, ..)
            | Act::Correct(person, ..)
            | Act::Absent(person, ..)
            | Act::Return(person, ..)
            | Act::Override(person, _)
            | Act::Extend(person, ..)
            | Act::Waive(person, ..)
            | Act::Assign(person, ..)
            | Act::Unassign(person, ..)
            | Act::Decide(person, ..) => *person == number,
            Act::Archive(thing, _) => match thing {
                Thing::Absence(person)
                | Thing::Override(person)
                | Thing::Extension(person)
                | Thing::Waiver(person) => *person == number,
                Thing::GroupExtension | Thing::Equivalence => true,
            },
            Act::Members(_, joining, leaving) => joining.contains(&number) || leaving.contains(&number),
            Act::Hire(..) => false,
            Act::ExtendGroup(..)
            | Act::Equate(..)
            | Act::Say(..)
            | Act::Become(..)
            | Act::Publish(..)
            | Act::Retire(..)
            | Act::MoveUnit(..) => true,
        }
    }
}

impl Course {
    /// Until when later versions let completions of a version count, and when that was published.
    pub fn replaced(&self, version: usize) -> Option<(Day, DateTime<Utc>)> {
        let later = self.versions.iter().skip(version + 1);
        let ends = later.filter_map(|later| Some((later.earlier_count_until?, later.published_at)));
        ends.min_by_key(|(until, _)| *until)
    }
}

impl Academy {
    /// Whether a rule can be activated: nothing that it asks for is retired.
    pub fn is_ready(&self, rule: &Rule) -> bool {
        rule.targets
            .iter()
            .all(|course| !self.courses[*course].is_retired)
    }

    /// The units from this one up.
    pub fn above(&self, unit: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(unit), |unit| self.units[*unit].parent)
    }

    /// The time zone of a person: theirs, else that of the nearest unit that has one.
    pub fn zone(&self, person: &Person) -> Tz {
        let of_units = || self.above(person.unit).find_map(|unit| self.units[unit].zone);
        person.zone.or_else(of_units).unwrap_or(Tz::UTC)
    }

    /// The day that an instant is for a person.
    pub fn day(&self, person: &Person, at: DateTime<Utc>) -> Day {
        at.with_timezone(&self.zone(person)).date_naive()
    }

    /// Today where a person is.
    pub fn today(&self, person: &Person) -> Day {
        self.day(person, self.now)
    }
}

impl Cycle {
    /// Until when what satisfies it counts, whether it must be held so long or not.
    pub fn counts_until(&self) -> Option<Day> {
        let reasons = if self.ended.is_some() {
            &self.past
        } else {
            &self.reasons
        };
        self.valid_until
            .or_else(|| reasons.iter().filter_map(|reason| reason.valid_until).min())
    }
}

impl Rule {
    pub fn say(&mut self, saying: Saying) {
        match saying {
            Saying::Due(due) => self.due = due,
            Saying::Repeat(repeat) => self.repeat = repeat,
            Saying::Grace(grace) => self.grace = grace,
            Saying::Targets(targets) => self.targets = targets,
            Saying::OnLeave(on_leave) => self.on_leave = on_leave,
            Saying::Pilot(group) => self.pilot = group,
        }
    }
}
