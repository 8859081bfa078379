//! What may happen on a day, by chance.

use chrono::{Duration, TimeDelta};
use chrono_tz::Tz;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

use super::{
    academy::{Academy, Act, Choice, Day, Due, Fact, NewHires, Override, Repeat, Saying, Status, Thing},
    founding::{self, DEPARTMENTS, EQUIVALENT, FIRST_AIDERS, MOVING, PILOTS, TARGETS, WORKPLACES},
};

type ToPeople = fn(&mut Life, &Academy, usize) -> Option<Act>;
type ToAll = fn(&mut Life, &Academy) -> Option<Act>;

/// A kind of thing that happens to people, and to how many at most; or to the academy.
#[derive(Clone, Copy)]
pub enum Request {
    ToPeople(ToPeople, usize),
    ToAll(ToAll),
}

pub struct Life {
    random: StdRng,
    /// So that no two completions happen at the same time.
    completions: i64,
    /// So that no two people have one name.
    newcomers: usize,
}

/// What happens to people; each kind is a request.
const TO_PEOPLE: [ToPeople; 18] = [
    Life::completes,
    Life::completes,
    Life::completes_what_is_open,
    Life::completes_what_is_open,
    Life::corrects,
    Life::moves,
    Life::moves,
    Life::leaves_or_returns,
    Life::is_absent,
    Life::comes_back,
    Life::is_overridden,
    Life::is_extended,
    Life::is_waived,
    Life::is_assigned,
    Life::is_unassigned,
    Life::takes_back,
    Life::is_decided,
    Life::is_hired,
];

/// What happens to rules, courses and units.
const TO_ALL: [ToAll; 9] = [
    Life::members,
    Life::rule_becomes,
    Life::rule_becomes,
    Life::rule_says,
    Life::extends_group,
    Life::equates,
    Life::publishes,
    Life::retires,
    Life::moves_unit,
];

/// What somebody is called who is there from the beginning.
fn name(number: usize) -> String {
    format!("person-{number}")
}

impl Life {
    pub fn new(seed: u64) -> Self {
        Life {
            random: StdRng::seed_from_u64(seed),
            completions: 0,
            newcomers: 0,
        }
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.random_bool(share)
    }

    fn days(&mut self, range: std::ops::Range<i64>) -> TimeDelta {
        TimeDelta::days(self.random.random_range(range))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// A number of days from now until what comes next.
    pub fn wait(&mut self, most: i64) -> Duration {
        self.days(1..most + 1)
    }

    /// The people with whom it begins, some a request.
    pub fn newcomers(&mut self, people: usize, today: Day) -> Vec<Vec<Act>> {
        let all: Vec<_> = (0..people)
            .map(|number| Act::Hire(name(number), founding::newcomer(&mut self.random, number, today)))
            .collect();
        // Managers are there before those who report to them.
        let mut requests = vec![all[..1].to_vec()];
        let mut begun = 1;
        while begun < people {
            let end = people.min(begun * 5).min(begun + 1_000);
            requests.push(all[begun..end].to_vec());
            begun = end;
        }
        requests
    }

    /// Some requests of a day: several kinds of things happen, each to some people.
    pub fn requests(&mut self, academy: &Academy, kinds: usize, people: usize) -> Vec<Request> {
        let mut requests: Vec<Request> = Vec::new();
        for _ in 0..kinds {
            let kind = TO_PEOPLE[self.below(TO_PEOPLE.len())];
            requests.push(Request::ToPeople(kind, 1 + self.below(people)));
        }
        if self.chance(0.5) {
            requests.push(Request::ToAll(TO_ALL[self.below(TO_ALL.len())]));
        }
        // An archived rule does nothing any more; it happens once.
        let is_archived = |rule: &super::academy::Rule| rule.status == Status::Archived;
        if !academy.rules.iter().any(is_archived) && self.chance(0.01) {
            requests.push(Request::ToAll(Life::rule_is_archived));
        }
        requests
    }

    /// The acts of a request, about different people; none, if nothing fits.
    pub fn acts(&mut self, academy: &Academy, request: Request) -> Vec<Act> {
        match request {
            Request::ToAll(kind) => kind(self, academy).into_iter().collect(),
            Request::ToPeople(kind, count) => {
                let people = self.some(academy, count);
                self.acts_about(academy, kind, &people)
            }
        }
    }

    /// Some requests about these people, and perhaps one that concerns everybody; nobody new comes.
    pub fn requests_about(&mut self, academy: &Academy, people: &[usize], kinds: usize) -> Vec<Vec<Act>> {
        let kinds: Vec<ToPeople> = (0..kinds)
            .map(|_| TO_PEOPLE[self.below(TO_PEOPLE.len() - 1)])
            .collect();
        let requests = kinds
            .into_iter()
            .map(|kind| self.acts_about(academy, kind, people));
        requests.filter(|acts| !acts.is_empty()).collect()
    }

    /// Something that concerns everybody, but for a new version.
    pub fn request_to_all(&mut self, academy: &Academy) -> Option<Act> {
        let kinds = [
            Life::members,
            Life::rule_becomes,
            Life::rule_says,
            Life::extends_group,
            Life::equates,
            Life::moves_unit,
        ];
        kinds[self.below(kinds.len())](self, academy)
    }

    /// Some people, each once.
    pub fn some(&mut self, academy: &Academy, count: usize) -> Vec<usize> {
        let mut people: Vec<usize> = (0..count).map(|_| self.below(academy.people.len())).collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    /// What an HR file says of people: another department, or the one that they have.
    pub fn departments(&mut self, people: &[usize]) -> Vec<(usize, &'static str)> {
        let people = people.iter();
        people
            .map(|person| (*person, *DEPARTMENTS.choose(&mut self.random).unwrap()))
            .collect()
    }

    fn acts_about(&mut self, academy: &Academy, kind: ToPeople, people: &[usize]) -> Vec<Act> {
        let people = people.iter();
        people.filter_map(|person| kind(self, academy, *person)).collect()
    }

    fn at(&mut self, academy: &Academy, most_days_ago: i64) -> chrono::DateTime<chrono::Utc> {
        self.completions += 1;
        let ago = self.days(0..most_days_ago + 1) + TimeDelta::minutes(self.random.random_range(1..600));
        academy.now
            - ago
            - TimeDelta::seconds(self.completions % 60)
            - TimeDelta::milliseconds(self.completions / 60)
    }

    fn is_hired(&mut self, academy: &Academy, _: usize) -> Option<Act> {
        let today = academy.now.date_naive();
        let mut facts = founding::newcomer(&mut self.random, academy.people.len(), today);
        let has_left = |manager: usize| academy.people[manager].status == "archived";
        facts.retain(|fact| !matches!(fact, Fact::Manager(Some(manager)) if has_left(*manager)));
        self.newcomers += 1;
        Some(Act::Hire(format!("new-{}", self.newcomers), facts))
    }

    fn completes(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let course = self.below(academy.courses.len());
        let ago = *[0, 3, 40, 200].choose(&mut self.random).unwrap();
        let at = self.at(academy, ago);
        let expires_on = self.chance(0.1).then(|| at.date_naive() + self.days(5..90));
        Some(Act::Complete(person, course, at, expires_on))
    }

    fn completes_what_is_open(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let cycles = academy.people[person].cycles.iter();
        let open = cycles.filter(|(_, cycles)| {
            let last = cycles.last();
            last.is_some_and(|cycle| cycle.proof.is_none() && cycle.ended.is_none())
        });
        let open: Vec<usize> = open.map(|(course, _)| *course).collect();
        let course = *open.choose(&mut self.random)?;
        Some(Act::Complete(person, course, self.at(academy, 1), None))
    }

    fn corrects(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let known = &academy.people[person].completions;
        let ids: Vec<Uuid> = known.keys().copied().collect();
        let id = *ids.choose(&mut self.random)?;
        let right = self.chance(0.5).then(|| self.at(academy, 60));
        // Evidence does not expire before the day of the completion, wherever the person is.
        let expires_on = known[&id].expires_on;
        let is_possible = right
            .zip(expires_on)
            .is_none_or(|(at, day)| at.date_naive() < day);
        is_possible.then_some(Act::Correct(person, id, right))
    }

    fn moves(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let today = academy.now.date_naive();
        let zones = [None, Some(Tz::Pacific__Auckland), Some(Tz::America__Los_Angeles)];
        let fact = match self.below(8) {
            0 | 1 => Fact::Department(DEPARTMENTS.choose(&mut self.random)?),
            2 | 3 => Fact::Unit(*WORKPLACES.choose(&mut self.random)?),
            4 => Fact::Employment(["contractor", "permanent"].choose(&mut self.random)?),
            5 => Fact::HiredOn(self.chance(0.8).then(|| today - self.days(-10..100))),
            6 => Fact::SignedOn(self.chance(0.8).then(|| today - self.days(0..60))),
            _ => Fact::Zone(*zones.choose(&mut self.random)?),
        };
        let mut facts = vec![fact];
        // Nobody is above themselves: managers have small numbers, and report to smaller ones.
        if self.chance(0.2) && person > 0 {
            let manager = self.below(person.min(academy.people.len() / 6 + 1));
            if academy.people[manager].status != "archived" {
                facts.push(Fact::Manager(Some(manager)));
            }
        }
        Some(Act::Change(person, facts))
    }

    fn leaves_or_returns(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let mut facts = vec![Fact::Status(match academy.people[person].status {
            "active" if self.chance(0.3) => "suspended",
            "active" => "archived",
            _ => "active",
        })];
        // Re-hired, in another job.
        if academy.people[person].status == "archived" {
            facts.push(Fact::HiredOn(Some(academy.now.date_naive())));
            facts.push(Fact::Unit(*WORKPLACES.choose(&mut self.random)?));
        }
        Some(Act::Change(person, facts))
    }

    fn is_absent(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let known = &academy.people[person].absences;
        let first = academy.now.date_naive() + self.days(-20..40);
        let last = self.chance(0.7).then(|| first + self.days(0..60));
        let is_free = known.values().all(|(other, until)| {
            last.is_some_and(|last| last < *other) || until.is_some_and(|until| until < first)
        });
        is_free.then_some(Act::Absent(person, first, last))
    }

    fn comes_back(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let mut open = academy.people[person].absences.iter();
        let (id, (first, _)) = open.find(|(_, (_, last))| last.is_none())?;
        let last = (*first).max(academy.now.date_naive() + self.days(-5..20));
        Some(Act::Return(person, *id, last))
    }

    fn is_overridden(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let rule = self.below(academy.rules.len());
        let mut known = academy.people[person].overrides.values();
        if known.any(|known| known.rule == rule) || academy.rules[rule].status == Status::Archived {
            return None;
        }
        let until = self
            .chance(0.7)
            .then(|| academy.now.date_naive() + self.days(0..60));
        let is_release = self.chance(0.6);
        let says = Override {
            rule,
            is_release,
            until,
        };
        Some(Act::Override(person, says))
    }

    fn is_extended(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let day = academy.now.date_naive() + self.days(-5..60);
        Some(Act::Extend(person, self.below(academy.courses.len()), day))
    }

    fn is_waived(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let first = academy.now.date_naive() + self.days(-20..20);
        let last = self.chance(0.8).then(|| first + self.days(0..90));
        Some(Act::Waive(person, self.below(academy.courses.len()), first, last))
    }

    fn is_assigned(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        if academy.people[person].status == "archived" {
            return None;
        }
        let course = self.below(academy.courses.len());
        let due_on = self
            .chance(0.7)
            .then(|| academy.now.date_naive() + self.days(1..60));
        let opens_on = academy.today(&academy.people[person]);
        (!academy.courses[course].is_retired).then_some(Act::Assign(person, course, opens_on, due_on))
    }

    fn is_unassigned(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let cycles = academy.people[person].cycles.iter();
        let mut by_hand = cycles.filter_map(|(course, cycles)| {
            let last = cycles.last().filter(|cycle| cycle.ended.is_none())?;
            let reason = last.reasons.iter().find(|reason| reason.rule.is_none())?;
            Some(Act::Unassign(person, *course, reason.requirement, reason.id))
        });
        by_hand.next()
    }

    /// Something that was decided about them is archived.
    fn takes_back(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let of = &academy.people[person];
        let absences = of.absences.keys().map(|id| (Thing::Absence(person), *id));
        let overrides = of.overrides.keys().map(|id| (Thing::Override(person), *id));
        let extensions = of.extensions.keys().map(|id| (Thing::Extension(person), *id));
        let waivers = of.waivers.keys().map(|id| (Thing::Waiver(person), *id));
        let all: Vec<_> = absences
            .chain(overrides)
            .chain(extensions)
            .chain(waivers)
            .collect();
        let (thing, id) = *all.choose(&mut self.random)?;
        Some(Act::Archive(thing, id))
    }

    /// Somebody decides about an issue.
    fn is_decided(&mut self, academy: &Academy, person: usize) -> Option<Act> {
        let issues: Vec<_> = academy.people[person].issues.keys().copied().collect();
        let issue = *issues.choose(&mut self.random)?;
        let day = academy.now.date_naive() + self.days(5..60);
        let choices: &[Choice] = match issue.2 {
            "conflict" => &[Choice::Waive, Choice::Require],
            "missing_date" => &[Choice::CountFromJoining, Choice::DueOn(day), Choice::NoDueDate],
            _ => &[Choice::AsScheduled, Choice::DueOn(day), Choice::NoDueDate],
        };
        Some(Act::Decide(person, issue, *choices.choose(&mut self.random)?))
    }

    fn members(&mut self, academy: &Academy) -> Option<Act> {
        let group = *[FIRST_AIDERS, PILOTS].choose(&mut self.random)?;
        let (mut joining, mut leaving) = (Vec::new(), Vec::new());
        for _ in 0..academy.people.len() / 20 + 2 {
            let person = self.below(academy.people.len());
            match academy.people[person].groups.contains(&group) {
                _ if joining.contains(&person) || leaving.contains(&person) => {}
                true => leaving.push(person),
                false => joining.push(person),
            }
        }
        Some(Act::Members(group, joining, leaving))
    }

    fn rule_becomes(&mut self, academy: &Academy) -> Option<Act> {
        let rule = self.below(academy.rules.len());
        match academy.rules[rule].status {
            Status::Paused | Status::Draft if !academy.is_ready(&academy.rules[rule]) => None,
            Status::Active => Some(Act::Become(rule, Status::Paused)),
            Status::Paused | Status::Draft => Some(Act::Become(rule, Status::Active)),
            Status::Archived => None,
        }
    }

    fn rule_is_archived(&mut self, academy: &Academy) -> Option<Act> {
        Some(Act::Become(self.below(academy.rules.len()), Status::Archived))
    }

    fn rule_says(&mut self, academy: &Academy) -> Option<Act> {
        let number = self.below(academy.rules.len());
        let rule = &academy.rules[number];
        if rule.status == Status::Archived {
            return None;
        }
        let saying = match self.below(6) {
            0 => Saying::Due(match self.below(3) {
                0 => Due::On(academy.now.date_naive() + self.days(5..60)),
                1 => Due::AfterHire("P25D"),
                _ => Due::AfterJoining("P15D"),
            }),
            1 => {
                let repeats = [
                    None,
                    Some(Repeat::Never),
                    Some(Repeat::AfterCompletion("P2M")),
                    Some(Repeat::AfterDueDate("P2M")),
                    Some(Repeat::Calendar(3, NewHires::Prorate)),
                    Some(Repeat::Calendar(2, NewHires::Skip)),
                ];
                Saying::Repeat(*repeats.choose(&mut self.random)?)
            }
            2 => Saying::Grace(["P0D", "P10D"].choose(&mut self.random)?),
            3 => Saying::OnLeave(["end", "keep_until_satisfied", "keep"].choose(&mut self.random)?),
            4 if number != founding::ONBOARDING => {
                let first = *TARGETS.choose(&mut self.random)?;
                let mut targets = vec![first, *TARGETS.choose(&mut self.random)?];
                targets.sort_unstable();
                targets.dedup();
                Saying::Targets(targets)
            }
            _ => Saying::Pilot(rule.pilot.is_none().then_some(PILOTS)),
        };
        let mut changed = rule.clone();
        changed.say(saying.clone());
        if matches!(changed.due, Due::AfterCompletion(of, _) if changed.targets.contains(&of)) {
            return None;
        }
        academy.is_ready(&changed).then_some(Act::Say(number, saying))
    }

    fn extends_group(&mut self, academy: &Academy) -> Option<Act> {
        if let Some(id) = academy
            .group_extensions
            .keys()
            .next()
            .filter(|_| self.chance(0.5))
        {
            return Some(Act::Archive(Thing::GroupExtension, *id));
        }
        let course = *TARGETS.choose(&mut self.random)?;
        let day = academy.now.date_naive() + self.days(0..60);
        Some(Act::ExtendGroup(FIRST_AIDERS, course, day))
    }

    fn equates(&mut self, academy: &Academy) -> Option<Act> {
        if let Some(id) = academy.equivalences.keys().next().filter(|_| self.chance(0.5)) {
            return Some(Act::Archive(Thing::Equivalence, *id));
        }
        let (course, equivalent) = *EQUIVALENT.choose(&mut self.random)?;
        let mut said = academy.equivalences.values();
        let is_said = said.any(|(one, other, _)| (*one, *other) == (course, equivalent));
        let is_mutual = self.chance(0.5);
        (!is_said).then_some(Act::Equate(course, equivalent, is_mutual))
    }

    fn publishes(&mut self, academy: &Academy) -> Option<Act> {
        let course = self.below(academy.courses.len());
        let validity = [None, Some("P2M"), Some("P6M")].choose(&mut self.random)?;
        let earlier_count_until = self
            .chance(0.4)
            .then(|| academy.now.date_naive() + self.days(-10..60));
        let is_retired = academy.courses[course].is_retired;
        (!is_retired).then_some(Act::Publish(course, *validity, earlier_count_until))
    }

    fn retires(&mut self, academy: &Academy) -> Option<Act> {
        let mut retired = (0..academy.courses.len()).filter(|course| academy.courses[*course].is_retired);
        match retired.next() {
            Some(course) => Some(Act::Retire(course, false)),
            None => Some(Act::Retire(*TARGETS.choose(&mut self.random)?, true)),
        }
    }

    fn moves_unit(&mut self, academy: &Academy) -> Option<Act> {
        let (unit, [one, other]) = MOVING;
        let below = if academy.units[unit].parent == Some(one) {
            other
        } else {
            one
        };
        Some(Act::MoveUnit(unit, below))
    }
}
