//! Ten thousand random steps of people and programs who grant, revoke, widen roles, fill groups and make secrets: after each
//! step that Provost lets through, nobody holds anything new that the one who took the step did not hold.
//!
//! The model knows powers as sets of permission and thing, worked out grant by grant; it shares nothing with the SQL.

use std::collections::{BTreeSet, HashMap};

use provost::access::Permission::{self, *};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;
use uuid::Uuid;

use super::{grant_body, id, person_with, scopes::org_unit};
use crate::support::{Client, TestApp};

const STEPS: usize = 10_000;

/// The roles and grants that are there at the beginning.
const FIRSTS: usize = 6;

/// What the roles of this test may open.
const POOL: &[Permission] = &[
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
const OF_LEARNERS: &[Permission] = &[UsersRead, CoursesRead];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Person(usize),
    Unit(usize),
    Group(usize),
    Category(usize),
    Course(usize),
    /// What is there beside them, and what is yet to come.
    Else,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Person(usize),
    Group(usize),
    Account(usize),
}

#[derive(Debug, Clone, Copy)]
enum Reach {
    Everything,
    Unit(usize),
    Group(usize),
    Category(usize),
    Course(usize),
    OwnReports,
    OwnSelf,
}

#[derive(Debug, Clone)]
struct Grant {
    id: Uuid,
    holder: Holder,
    role: usize,
    reach: Reach,
}

type Powers = BTreeSet<(Permission, Thing)>;

/// The academy as the test knows it.
struct Model {
    /// Units with the one above.
    units: Vec<(Uuid, Option<usize>)>,
    /// People with their unit and manager.
    people: Vec<(Uuid, usize, Option<usize>)>,
    groups: Vec<Uuid>,
    categories: Vec<Uuid>,
    /// Courses with their category.
    courses: Vec<(Uuid, usize)>,
    accounts: Vec<Uuid>,
    members: BTreeSet<(usize, usize)>,
    roles: Vec<(Uuid, BTreeSet<Permission>)>,
    grants: Vec<Grant>,
}

impl Model {
    async fn build(app: &TestApp, admin: &Client) -> Self {
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

    fn id_of(&self, holder: Holder) -> (&'static str, Uuid) {
        match holder {
            Holder::Person(index) => ("user", self.people[index].0),
            Holder::Group(index) => ("group", self.groups[index]),
            Holder::Account(index) => ("service_account", self.accounts[index]),
        }
    }

    fn scope_of(&self, reach: Reach) -> (&'static str, Option<Uuid>) {
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

    fn all(&self) -> Vec<Thing> {
        let mut all: Vec<Thing> = (0..self.people.len()).map(Thing::Person).collect();
        all.extend((0..self.units.len()).map(Thing::Unit));
        all.extend((0..self.groups.len()).map(Thing::Group));
        all.extend((0..self.categories.len()).map(Thing::Category));
        all.extend((0..self.courses.len()).map(Thing::Course));
        all.push(Thing::Else);
        all
    }

    /// Whether `thing` lies in the reach of a grant that `person` holds.
    fn covers(&self, reach: Reach, person: Option<usize>, thing: Thing) -> bool {
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

    fn is_below(&self, unit: usize, top: usize) -> bool {
        std::iter::successors(Some(unit), |unit| self.units[*unit].1).any(|above| above == top)
    }

    /// Whoever can act.
    fn actors(&self) -> impl Iterator<Item = Holder> {
        let people = (0..self.people.len()).map(Holder::Person);
        people.chain((0..self.accounts.len()).map(Holder::Account))
    }

    fn powers(&self, actor: Holder) -> Powers {
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

    fn all_powers(&self) -> HashMap<Holder, Powers> {
        self.actors().map(|actor| (actor, self.powers(actor))).collect()
    }
}

/// What somebody tries.
#[derive(Debug)]
enum Step {
    Grant(Holder, usize, Reach),
    Revoke(usize),
    MakeRole(BTreeSet<Permission>),
    SetRole(usize, BTreeSet<Permission>),
    Join(usize, usize),
    Leave(usize, usize),
    MakeSecret(usize),
}

struct Story {
    model: Model,
    random: StdRng,
    clients: HashMap<Holder, Client>,
}

impl Story {
    fn below(&mut self, count: usize) -> usize {
        self.random.random_range(0..count)
    }

    fn holder(&mut self) -> Holder {
        match self.below(10) {
            0..6 => Holder::Person(self.below(self.model.people.len())),
            6..8 => Holder::Group(self.below(self.model.groups.len())),
            _ => Holder::Account(self.below(self.model.accounts.len())),
        }
    }

    fn reach(&mut self) -> Reach {
        match self.below(20) {
            0..2 => Reach::Everything,
            2..9 => Reach::Unit(self.below(self.model.units.len())),
            9..13 => Reach::Group(self.below(self.model.groups.len())),
            13..15 => Reach::Category(self.below(self.model.categories.len())),
            15..17 => Reach::Course(self.below(self.model.courses.len())),
            17..19 => Reach::OwnReports,
            _ => Reach::OwnSelf,
        }
    }

    fn permissions(&mut self) -> BTreeSet<Permission> {
        let count = 1 + self.below(4);
        (0..count)
            .filter_map(|_| POOL.choose(&mut self.random).copied())
            .collect()
    }

    /// Somebody: mostly one who may grant something.
    fn actor(&mut self, powers: &HashMap<Holder, Powers>) -> Holder {
        let grants = |actor: &Holder| {
            powers[actor]
                .iter()
                .any(|(permission, _)| *permission == RolesWrite)
        };
        let actors: Vec<Holder> = self.model.actors().collect();
        let granting: Vec<Holder> = actors.iter().copied().filter(grants).collect();
        match self.below(5) {
            0 => actors[self.below(actors.len())],
            _ => granting[self.below(granting.len())],
        }
    }

    /// A role: mostly one whose permissions the actor holds somewhere.
    fn role(&mut self, held: &Powers) -> usize {
        let held: BTreeSet<Permission> = held.iter().map(|(permission, _)| *permission).collect();
        let roles = 0..self.model.roles.len();
        let fitting: Vec<usize> = roles
            .filter(|role| self.model.roles[*role].1.is_subset(&held))
            .collect();
        match self.below(4) {
            0 => self.below(self.model.roles.len()),
            _ if fitting.is_empty() => 0,
            _ => fitting[self.below(fitting.len())],
        }
    }

    fn step(&mut self, held: &Powers) -> Step {
        let (groups, people) = (self.model.groups.len(), self.model.people.len());
        // The first roles and grants stay, so that there are always some who may grant.
        let (roles, grants) = (self.model.roles.len() - FIRSTS, self.model.grants.len() - FIRSTS);
        match self.below(100) {
            0..50 => Step::Grant(self.holder(), self.role(held), self.reach()),
            50..65 if grants > 0 => Step::Revoke(FIRSTS + self.below(grants)),
            65..70 if roles < 30 => Step::MakeRole(self.permissions()),
            70..80 if roles > 0 => Step::SetRole(FIRSTS + self.below(roles), self.permissions()),
            80..90 => Step::Join(self.below(groups), self.below(people)),
            90..98 => Step::Leave(self.below(groups), self.below(people)),
            _ => Step::MakeSecret(self.below(self.model.accounts.len())),
        }
    }

    /// Tries the step as `actor`; the model follows if it is let through.
    async fn take(&mut self, actor: Holder, step: &Step) -> bool {
        let client = self.clients[&actor].with("If-Match", "*");
        let model = &mut self.model;
        let names = |permissions: &BTreeSet<Permission>| json!(permissions);
        let answer = match step {
            Step::Grant(holder, role, reach) => {
                let body = grant_body(model.id_of(*holder), model.roles[*role].0, model.scope_of(*reach));
                client.post("/v1/grants", body).await
            }
            Step::Revoke(grant) => {
                client
                    .delete(&format!("/v1/grants/{}", model.grants[*grant].id))
                    .await
            }
            Step::MakeRole(permissions) => {
                let code = format!("role{}", model.roles.len());
                let body = json!({"code": code, "name": code, "permissions": names(permissions)});
                client.post("/v1/roles", body).await
            }
            Step::SetRole(role, permissions) => {
                let path = format!("/v1/roles/{}", model.roles[*role].0);
                client
                    .patch(&path, json!({"permissions": names(permissions)}))
                    .await
            }
            Step::Join(group, person) | Step::Leave(group, person) => {
                let path = format!(
                    "/v1/groups/{}/members/{}",
                    model.groups[*group], model.people[*person].0
                );
                match step {
                    Step::Join(..) => client.put(&path, json!({})).await,
                    _ => client.delete(&path).await,
                }
            }
            Step::MakeSecret(account) => {
                let path = format!("/v1/service-accounts/{}/secrets", model.accounts[*account]);
                client.post(&path, json!({})).await
            }
        };
        if answer.status >= 300 {
            assert!(
                [403, 404, 409, 422].contains(&answer.status),
                "{step:?}: {}",
                answer.text()
            );
            return false;
        }
        match step {
            Step::Grant(holder, role, reach) => model.grants.push(Grant {
                id: id(&answer),
                holder: *holder,
                role: *role,
                reach: *reach,
            }),
            Step::Revoke(grant) => drop(model.grants.remove(*grant)),
            Step::MakeRole(permissions) => model.roles.push((id(&answer), permissions.clone())),
            Step::SetRole(role, permissions) => model.roles[*role].1 = permissions.clone(),
            Step::Join(group, person) => drop(model.members.insert((*group, *person))),
            Step::Leave(group, person) => drop(model.members.remove(&(*group, *person))),
            Step::MakeSecret(_) => {}
        }
        true
    }
}

/// Everybody's first role, so that there is something to begin with: given by an administrator who is not in the model.
async fn seed(story: &mut Story, admin: &Client) {
    let firsts: [(&[Permission], Holder, Reach); FIRSTS] = [
        (
            &[RolesRead, RolesWrite, UsersRead, UsersWrite],
            Holder::Person(0),
            Reach::Unit(0),
        ),
        (
            &[RolesRead, RolesWrite, CoursesRead, ReportsRun],
            Holder::Person(1),
            Reach::Category(0),
        ),
        (
            &[RolesRead, RolesWrite, GroupsRead, GroupsWrite, UsersRead],
            Holder::Person(2),
            Reach::Group(0),
        ),
        (
            &[
                RolesRead,
                RolesWrite,
                UsersRead,
                GroupsRead,
                GroupsWrite,
                ReportsRun,
            ],
            Holder::Person(3),
            Reach::Everything,
        ),
        (&[RolesWrite, UsersRead], Holder::Account(0), Reach::Unit(4)),
        (
            &[UsersRead, UsersWrite, ReportsRun],
            Holder::Group(1),
            Reach::OwnReports,
        ),
    ];
    for (index, (permissions, holder, reach)) in firsts.into_iter().enumerate() {
        let code = format!("first{index}");
        let body = json!({"code": code, "name": code, "permissions": permissions});
        let role = id(&admin.post("/v1/roles", body).await.assert_status(201));
        let body = grant_body(story.model.id_of(holder), role, story.model.scope_of(reach));
        let grant = id(&admin.post("/v1/grants", body).await.assert_status(201));
        story
            .model
            .roles
            .push((role, permissions.iter().copied().collect()));
        story.model.grants.push(Grant {
            id: grant,
            holder,
            role: index,
            reach,
        });
    }
}

#[actix_web::test]
async fn ten_thousand_random_steps_give_nobody_what_the_giver_does_not_hold() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let model = Model::build(&app, &admin).await;
    let clients = model
        .actors()
        .map(|actor| match actor {
            Holder::Account(_) => (actor, app.client_of_service_account(model.id_of(actor).1)),
            _ => (actor, app.client_of(model.id_of(actor).1)),
        })
        .collect();
    let mut story = Story {
        model,
        random: StdRng::seed_from_u64(7),
        clients,
    };
    seed(&mut story, &admin).await;
    let mut taken: HashMap<&'static str, usize> = HashMap::new();
    let mut before = story.model.all_powers();
    for number in 0..STEPS {
        let actor = story.actor(&before);
        let step = story.step(&before[&actor]);
        if !story.take(actor, &step).await {
            continue;
        }
        let after = story.model.all_powers();
        let held = &before[&actor];
        for (holder, powers) in &after {
            let gained: Vec<_> = powers
                .difference(&before[holder])
                .filter(|power| !held.contains(power))
                .collect();
            assert!(
                gained.is_empty(),
                "step {number}: {actor:?} by {step:?} gave {holder:?} {gained:?}"
            );
        }
        if let Step::MakeSecret(account) = step {
            let gained: Vec<_> = after[&Holder::Account(account)].difference(held).collect();
            assert!(
                gained.is_empty(),
                "step {number}: {actor:?} may act as account {account}: {gained:?}"
            );
        }
        *taken.entry(name_of(&step)).or_default() += 1;

        before = after;
    }
    // The steps were not refused because nothing works.
    for kind in ["grant", "revoke", "make role", "set role", "join", "leave"] {
        assert!(taken.get(kind).is_some_and(|count| *count >= 10), "{taken:?}");
    }
}

fn name_of(step: &Step) -> &'static str {
    match step {
        Step::Grant(..) => "grant",
        Step::Revoke(_) => "revoke",
        Step::MakeRole(_) => "make role",
        Step::SetRole(..) => "set role",
        Step::Join(..) => "join",
        Step::Leave(..) => "leave",
        Step::MakeSecret(_) => "make secret",
    }
}
