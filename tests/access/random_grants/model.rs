//! The academy as the test knows it: powers are sets of permission and thing.

use std::collections::{BTreeSet, HashMap, HashSet};

use provost::authz::Permission::{self, *};
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
    OrgUnitsRead,
    OrgUnitsWrite,
    CoursesWrite,
];

/// What every person holds for themselves.
pub(super) const OF_LEARNERS: &[Permission] = &[UsersRead, CoursesRead, OrgUnitsRead];

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// Which permission somebody has over which thing, as the bits of a number for each permission of [`POOL`]: they are
/// computed again after each step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Powers([u32; POOL.len()]);

impl Powers {
    fn add(&mut self, permissions: &BTreeSet<Permission>, things: u32) {
        for (permission, held) in POOL.iter().zip(&mut self.0) {
            if permissions.contains(permission) {
                *held |= things;
            }
        }
    }

    /// The permissions that are held over anything.
    pub(super) fn permissions(self) -> impl Iterator<Item = Permission> {
        let held = POOL.iter().zip(self.0).filter(|(_, things)| *things != 0);
        held.map(|(permission, _)| *permission)
    }

    /// Whether `permission` is held over all that the academy holds and will.
    pub(super) fn reach_everywhere(self, permission: Permission, model: &Model) -> bool {
        let bit = model.all().iter().position(|thing| *thing == Thing::Else);
        let held = POOL.iter().position(|known| *known == permission);
        matches!((bit, held), (Some(bit), Some(held)) if self.0[held] >> bit & 1 == 1)
    }

    /// What is in these and in none of the others.
    pub(super) fn beyond(self, others: &[Powers], model: &Model) -> Vec<(Permission, Thing)> {
        let all = model.all();
        let mut beyond = Vec::new();
        for (index, permission) in POOL.iter().enumerate() {
            let known = others.iter().fold(0, |known, other| known | other.0[index]);
            let more = self.0[index] & !known;
            let named = all.iter().enumerate().filter(|(bit, _)| more >> bit & 1 == 1);
            beyond.extend(named.map(|(_, thing)| (*permission, *thing)));
        }
        beyond
    }
}

/// What people are.
pub(super) const TITLES: [&str; 3] = ["Nurse", "Trainer", "Chief"];

/// What the filter of a dynamic group asks of a person.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asks {
    Title(usize),
    Unit(usize),
    HasReports,
}

impl Asks {
    pub(super) fn filter(self) -> String {
        match self {
            Asks::Title(title) => format!("title eq \"{}\"", TITLES[title]),
            Asks::Unit(unit) => format!("org_unit eq \"unit{unit}\""),
            Asks::HasReports => "report_id pr".to_owned(),
        }
    }
}

/// The academy as the test knows it.
pub(super) struct Model {
    /// Units with the one above.
    pub(super) units: Vec<(Uuid, Option<usize>)>,
    /// People with their unit and manager.
    pub(super) people: Vec<(Uuid, usize, Option<usize>)>,
    /// Of each person, the one of [`TITLES`] that they have.
    pub(super) titles: Vec<usize>,
    /// Static groups, then the dynamic ones.
    pub(super) groups: Vec<Uuid>,
    /// What the filters of the last groups ask, and whether they are archived.
    pub(super) dynamic: Vec<(Asks, bool)>,
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
            let body = json!({"username": format!("p{index}"), "org_unit_id": units[unit].0, "title": TITLES[0],
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
        let dynamic = [Asks::Title(1), Asks::Unit(1), Asks::HasReports];
        for (index, asks) in dynamic.into_iter().enumerate() {
            let body = json!({"code": format!("dynamic{index}"), "name": "D", "kind": "dynamic", "filter": asks.filter()});
            let answer = admin.post("/v1/groups", body).await.assert_status(201);
            made.entry("groups").or_default().push(id(&answer));
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
            titles: vec![0; people.len()],
            people,
            groups: made["groups"].clone(),
            dynamic: dynamic.map(|asks| (asks, false)).to_vec(),
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
            (Reach::Group(group), Thing::Person(other)) => self.is_member(group, other),
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

    /// The first of the groups that are dynamic.
    pub(super) fn first_dynamic(&self) -> usize {
        self.groups.len() - self.dynamic.len()
    }

    pub(super) fn is_member(&self, group: usize, person: usize) -> bool {
        self.members.contains(&(group, person))
    }

    /// Brings the members of dynamic groups up to date.
    pub(super) fn follow_facts(&mut self) {
        let first = self.first_dynamic();
        self.members.retain(|(group, _)| *group < first);
        for (index, (asks, is_archived)) in self.dynamic.clone().into_iter().enumerate() {
            let people = 0..self.people.len();
            let found = people.filter(|person| match asks {
                Asks::Title(title) => self.titles[*person] == title,
                Asks::Unit(unit) => self.is_below(self.people[*person].1, unit),
                Asks::HasReports => self.people.iter().any(|(.., manager)| *manager == Some(*person)),
            });
            let found: Vec<_> = found.map(|person| (first + index, person)).collect();
            if !is_archived {
                self.members.extend(found);
            }
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
            (Holder::Group(group), Some(person)) => self.is_member(group, person),
            (holder, _) => holder == actor,
        };
        let granted = self.grants.iter().filter(|grant| reaches(grant.holder));
        let held: HashSet<(usize, Reach)> = granted.map(|grant| (grant.role, grant.reach)).collect();
        let all = self.all();
        let covered = |reach| {
            let things = all.iter().enumerate();
            let covered = things.filter(|(_, thing)| self.covers(reach, person, **thing));
            covered.fold(0, |things, (bit, _)| things | 1 << bit)
        };
        let mut powers = Powers::default();
        for (role, reach) in held {
            powers.add(&self.roles[role].1, covered(reach));
        }
        if person.is_some() {
            powers.add(&OF_LEARNERS.iter().copied().collect(), covered(Reach::OwnSelf));
        }
        powers
    }

    pub(super) fn all_powers(&self) -> HashMap<Holder, Powers> {
        self.actors().map(|actor| (actor, self.powers(actor))).collect()
    }
}
