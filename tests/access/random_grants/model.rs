//! The academy as the test knows it: powers are sets of permission and thing.

use std::collections::{BTreeSet, HashMap};

use provost::access::Permission::{self, *};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{id, person_with, scopes::org_unit},
    support::{Client, TestApp},
};

/// What the roles of this test may open.
pub(super) const POOL: &[Permission] = &[
    RolesRead,
    RolesWrite,
    UsersRead,
    UsersWrite,
    GroupsRead,
    GroupsWrite,
    CoursesRead,
    ReportsRun,
];

/// What every person holds for themselves.
pub(super) const OF_LEARNERS: &[Permission] = &[UsersRead, CoursesRead];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Person(usize),
    Unit(usize),
    Group(usize),
    Category(usize),
    Course(usize),
    /// What is there beside them, and what is yet to come.
    Else,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    Person(usize),
    Group(usize),
    Account(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Reach {
    Everything,
    Unit(usize),
    Group(usize),
    Category(usize),
    Course(usize),
    OwnReports,
    OwnSelf,
}

#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) id: Uuid,
    pub(super) holder: Holder,
    pub(super) role: usize,
    pub(super) reach: Reach,
}

pub(super) type Powers = BTreeSet<(Permission, Thing)>;

/// The academy as the test knows it.
pub(super) struct Model {
    /// Units with the one above.
    pub(super) units: Vec<(Uuid, Option<usize>)>,
    /// People with their unit and manager.
    pub(super) people: Vec<(Uuid, usize, Option<usize>)>,
    pub(super) groups: Vec<Uuid>,
    pub(super) categories: Vec<Uuid>,
    /// Courses with their category.
    pub(super) courses: Vec<(Uuid, usize)>,
    pub(super) accounts: Vec<Uuid>,
    pub(super) members: BTreeSet<(usize, usize)>,
    pub(super) roles: Vec<(Uuid, BTreeSet<Permission>)>,
    pub(super) grants: Vec<Grant>,
}

impl Model {
    pub(super) async fn build(app: &TestApp, admin: &Client) -> Self {
        let mut units = Vec::new();
        for (index, above) in [None, Some(0), Some(0), Some(1), None].into_iter().enumerate() {
            let parent = above.map(|above: usize| units[above]).map(|(unit, _)| unit);
            units.push((org_unit(app, &format!("unit{index}"), parent), above));
        }
        let mut people: Vec<(Uuid, usize, Option<usize>)> = Vec::new();
        for index in 0..10 {
            let (unit, manager) = (index % units.len(), index.checked_sub(3).map(|above| above / 2));
            let body = json!({"username": format!("p{index}"), "org_unit_id": units[unit].0,
                "manager_id": manager.map(|manager| people[manager].0)});
            people.push((person_with(admin, body).await, unit, manager));
        }
        let mut made = HashMap::new();
        for (path, count) in [("groups", 3), ("categories", 2), ("service-accounts", 3)] {
            for index in 0..count {
                let name = format!("{path}{index}");
                let body = match path {
                    "service-accounts" => json!({"name": name}),
                    _ => json!({"code": name, "name": name}),
                };
                let answer = admin.post(&format!("/v1/{path}"), body).await.assert_status(201);
                made.entry(path).or_insert_with(Vec::new).push(id(&answer));
            }
        }
        let categories = made["categories"].clone();
        let mut courses = Vec::new();
        for index in 0..3 {
            let category = index % 2;
            let body = json!({"code": format!("C{index}"), "title": "T", "language": "en",
                "category_id": categories[category]});
            let answer = admin.post("/v1/courses", body).await.assert_status(201);
            courses.push((id(&answer), category));
        }
        Model {
            units,
            people,
            groups: made["groups"].clone(),
            categories,
            courses,
            accounts: made["service-accounts"].clone(),
            members: BTreeSet::new(),
            roles: Vec::new(),
            grants: Vec::new(),
        }
    }

    pub(super) fn id_of(&self, holder: Holder) -> (&'static str, Uuid) {
        match holder {
            Holder::Person(index) => ("user", self.people[index].0),
            Holder::Group(index) => ("group", self.groups[index]),
            Holder::Account(index) => ("service_account", self.accounts[index]),
        }
    }

    pub(super) fn scope_of(&self, reach: Reach) -> (&'static str, Option<Uuid>) {
        match reach {
            Reach::Everything => ("everything", None),
            Reach::Unit(index) => ("org_unit", Some(self.units[index].0)),
            Reach::Group(index) => ("group", Some(self.groups[index])),
            Reach::Category(index) => ("category", Some(self.categories[index])),
            Reach::Course(index) => ("course", Some(self.courses[index].0)),
            Reach::OwnReports => ("own_reports", None),
            Reach::OwnSelf => ("self", None),
        }
    }

    pub(super) fn all(&self) -> Vec<Thing> {
        let mut all: Vec<Thing> = (0..self.people.len()).map(Thing::Person).collect();
        all.extend((0..self.units.len()).map(Thing::Unit));
        all.extend((0..self.groups.len()).map(Thing::Group));
        all.extend((0..self.categories.len()).map(Thing::Category));
        all.extend((0..self.courses.len()).map(Thing::Course));
        all.push(Thing::Else);
        all
    }

    /// Whether `thing` lies in the reach of a grant that `person` holds.
    pub(super) fn covers(&self, reach: Reach, person: Option<usize>, thing: Thing) -> bool {
        let own_unit = |unit| person.is_some_and(|person| self.people[person].1 == unit);
        match (reach, thing) {
            (Reach::Everything, _) => true,
            (Reach::Unit(top), Thing::Unit(unit)) => self.is_below(unit, top),
            (Reach::Unit(top), Thing::Person(other)) => self.is_below(self.people[other].1, top),
            (Reach::Group(group), Thing::Group(other)) => group == other,
            (Reach::Group(group), Thing::Person(other)) => self.members.contains(&(group, other)),
            (Reach::Category(category), Thing::Category(other)) => category == other,
            (Reach::Category(category), Thing::Course(course)) => self.courses[course].1 == category,
            (Reach::Course(course), Thing::Course(other)) => course == other,
            (Reach::OwnReports, Thing::Person(other)) => {
                let mut line = std::iter::successors(self.people[other].2, |above| self.people[*above].2);
                person.is_some_and(|person| line.any(|above| above == person))
            }
            (Reach::OwnSelf, Thing::Person(other)) => person == Some(other),
            (Reach::OwnReports | Reach::OwnSelf, Thing::Unit(unit)) => own_unit(unit),
            _ => false,
        }
    }

    pub(super) fn is_below(&self, unit: usize, top: usize) -> bool {
        std::iter::successors(Some(unit), |unit| self.units[*unit].1).any(|above| above == top)
    }

    /// Whoever can act.
    pub(super) fn actors(&self) -> impl Iterator<Item = Holder> {
        let people = (0..self.people.len()).map(Holder::Person);
        people.chain((0..self.accounts.len()).map(Holder::Account))
    }

    pub(super) fn powers(&self, actor: Holder) -> Powers {
        let person = match actor {
            Holder::Person(person) => Some(person),
            _ => None,
        };
        let reaches = |holder: Holder| match (holder, person) {
            (Holder::Group(group), Some(person)) => self.members.contains(&(group, person)),
            (holder, _) => holder == actor,
        };
        let granted = self.grants.iter().filter(|grant| reaches(grant.holder));
        let mut held: Vec<(&BTreeSet<Permission>, Reach)> = granted
            .map(|grant| (&self.roles[grant.role].1, grant.reach))
            .collect();
        let learner = OF_LEARNERS.iter().copied().collect();
        if person.is_some() {
            held.push((&learner, Reach::OwnSelf));
        }
        let mut powers = Powers::new();
        for (permissions, reach) in held {
            let things = self
                .all()
                .into_iter()
                .filter(|thing| self.covers(reach, person, *thing));
            powers.extend(
                things.flat_map(|thing| permissions.iter().map(move |permission| (*permission, thing))),
            );
        }
        powers
    }

    pub(super) fn all_powers(&self) -> HashMap<Holder, Powers> {
        self.actors().map(|actor| (actor, self.powers(actor))).collect()
    }
}
