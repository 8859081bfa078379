//! Random steps (ten thousand in `make soak`, a tenth elsewhere) of people and programs who grant, revoke, widen roles, fill
//! groups, make secrets, move units and courses, and change facts by which people come into dynamic groups: after each step
//! that Provost lets through, nobody holds anything new that the one who took the step did not hold,
//! and who moved something, or brought somebody into a dynamic group by facts, nothing new at all.
//!
//! The model knows powers as sets of permission and thing, worked out grant by grant; it shares nothing with the SQL.

mod model;

use std::collections::{BTreeSet, HashMap};

use provost::authz::Permission::{self, *};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use model::{Asks, Grant, Holder, Model, POOL, Powers, Reach, TITLES};

use super::{grant_body, id};
use crate::support::{Answer, Client, TestApp, soak};

const STEPS: usize = 10_000;

/// The roles and grants that are there at the beginning.
const FIRSTS: usize = 7;

/// A step that a caller tries.
#[derive(Debug)]
enum Step {
    Grant(Holder, usize, Reach),
    Revoke(usize),
    MakeRole(BTreeSet<Permission>),
    SetRole(usize, BTreeSet<Permission>),
    Join(usize, usize),
    Leave(usize, usize),
    MakeSecret(usize),
    MoveUnit(usize, usize),
    MoveCourse(usize, usize),
    /// Facts about people: by them dynamic groups have other members.
    SetTitle(usize, usize),
    SetUnit(usize, usize),
    SetManager(usize, usize),
    /// The first dynamic group finds others.
    SetFilter(usize),
    Archive(usize),
    Restore(usize),
}

impl Step {
    fn is_fact(&self) -> bool {
        matches!(
            self,
            Step::SetTitle(..) | Step::SetUnit(..) | Step::SetManager(..)
        )
    }
}

struct Story {
    model: Model,
    random: StdRng,
    clients: HashMap<Holder, Client>,
    /// What everybody holds after the last step, but for those who came into dynamic groups by it.
    by_facts_alone: HashMap<Holder, Powers>,
    /// Changes of facts that were refused because the caller would have reached another user.
    refused_gains: usize,
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
        let grants = |actor: &Holder| powers[actor].permissions().any(|held| held == RolesWrite);
        let actors: Vec<Holder> = self.model.actors().collect();
        let granting: Vec<Holder> = actors.iter().copied().filter(grants).collect();
        match self.below(5) {
            0 => actors[self.below(actors.len())],
            _ => granting[self.below(granting.len())],
        }
    }

    /// Somebody who writes people.
    fn writer(&mut self, powers: &HashMap<Holder, Powers>) -> Holder {
        let writes = |actor: &Holder| powers[actor].permissions().any(|held| held == UsersWrite);
        let writers: Vec<Holder> = self.model.actors().filter(writes).collect();
        writers[self.below(writers.len())]
    }

    /// A role: mostly one whose permissions the actor holds somewhere.
    fn role(&mut self, held: Powers) -> usize {
        let held: BTreeSet<Permission> = held.permissions().collect();
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

    fn step(&mut self, held: Powers) -> Step {
        let (groups, people) = (self.model.groups.len(), self.model.people.len());
        // The first roles and grants stay, so that there are always some who may grant.
        let (roles, grants) = (self.model.roles.len() - FIRSTS, self.model.grants.len() - FIRSTS);
        match self.below(134) {
            0..50 => Step::Grant(self.holder(), self.role(held), self.reach()),
            50..65 if grants > 0 => Step::Revoke(FIRSTS + self.below(grants)),
            65..70 if roles < 30 => Step::MakeRole(self.permissions()),
            70..80 if roles > 0 => Step::SetRole(FIRSTS + self.below(roles), self.permissions()),
            80..86 => Step::Join(self.below(groups), self.below(people)),
            86..94 => Step::Leave(self.below(groups), self.below(people)),
            94..99 => Step::MoveUnit(
                self.below(self.model.units.len()),
                self.below(self.model.units.len()),
            ),
            99..102 => Step::MoveCourse(
                self.below(self.model.courses.len()),
                self.below(self.model.categories.len()),
            ),
            102..105 => Step::MakeSecret(self.below(self.model.accounts.len())),
            105..113 => Step::SetTitle(self.below(people), self.below(TITLES.len())),
            113..119 => Step::SetUnit(self.below(people), self.below(self.model.units.len())),
            119..124 => Step::SetManager(self.below(people), self.below(people)),
            124..127 => Step::SetFilter(self.below(TITLES.len())),
            127..129 => Step::Archive(self.below(self.model.dynamic.len())),
            _ => Step::Restore(self.below(self.model.dynamic.len())),
        }
    }

    /// Tries the step as `actor`; the model follows if it is let through.
    async fn take(&mut self, actor: Holder, step: &Step) -> bool {
        let client = self.clients[&actor].with("If-Match", "*");
        let in_bulk = self.below(3) == 0;
        let model = &mut self.model;
        let names = |permissions: &BTreeSet<Permission>| json!(permissions);
        let answer = match step {
            Step::Grant(holder, role, reach) if in_bulk => {
                let body = grant_body(model.id_of(*holder), model.roles[*role].0, model.scope_of(*reach));
                bulk_row(&client, "/v1/grants", json!({"create": body})).await
            }
            Step::Revoke(grant) if in_bulk => {
                let row = json!({"id": model.grants[*grant].id, "revoke": {}});
                bulk_row(&client, "/v1/grants", row).await
            }
            Step::SetRole(role, permissions) if in_bulk => {
                let update = json!({"permissions": names(permissions)});
                let row = json!({"id": model.roles[*role].0, "update": update});
                bulk_row(&client, "/v1/roles", row).await
            }
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
            Step::MoveUnit(unit, above) => {
                let path = format!("/v1/org-units/{}", model.units[*unit].0);
                client
                    .patch(&path, json!({"parent_id": model.units[*above].0}))
                    .await
            }
            Step::SetTitle(person, title) => {
                let path = format!("/v1/users/{}", model.people[*person].0);
                client.patch(&path, json!({"title": TITLES[*title]})).await
            }
            Step::SetUnit(person, unit) => {
                let path = format!("/v1/users/{}", model.people[*person].0);
                client
                    .patch(&path, json!({"org_unit_id": model.units[*unit].0}))
                    .await
            }
            Step::SetManager(person, manager) => {
                let path = format!("/v1/users/{}", model.people[*person].0);
                client
                    .patch(&path, json!({"manager_id": model.people[*manager].0}))
                    .await
            }
            Step::SetFilter(title) => {
                let path = format!("/v1/groups/{}", model.groups[model.first_dynamic()]);
                client
                    .patch(&path, json!({"filter": Asks::Title(*title).filter()}))
                    .await
            }
            Step::Archive(index) | Step::Restore(index) => {
                let group = model.groups[model.first_dynamic() + index];
                let path = format!("/v1/groups/{group}/archival");
                match step {
                    Step::Archive(_) => client.post(&path, json!({})).await,
                    _ => client.delete(&path).await,
                }
            }
            Step::MoveCourse(course, category) => {
                let path = format!("/v1/courses/{}", model.courses[*course].0);
                client
                    .patch(&path, json!({"category_id": model.categories[*category]}))
                    .await
            }
        };
        if answer.status >= 300 {
            assert!(
                [403, 404, 409, 422].contains(&answer.status),
                "{step:?}: {}",
                answer.text()
            );
            if step.is_fact() && answer.text().contains("dynamic group") {
                self.refused_gains += 1;
            }
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
            Step::MoveUnit(unit, above) => model.units[*unit].1 = Some(*above),
            Step::MoveCourse(course, category) => model.courses[*course].1 = *category,
            Step::SetTitle(person, title) => model.titles[*person] = *title,
            Step::SetUnit(person, unit) => model.people[*person].1 = *unit,
            Step::SetManager(person, manager) => model.people[*person].2 = Some(*manager),
            Step::SetFilter(title) => model.dynamic[0].0 = Asks::Title(*title),
            Step::Archive(index) => model.dynamic[*index].1 = true,
            Step::Restore(index) => model.dynamic[*index].1 = false,
        }
        // Which users each caller reaches by the new facts alone, without new members of dynamic groups.
        self.by_facts_alone = model.all_powers();
        model.follow_facts();
        true
    }
}

/// Sends one row of a bulk request; answers as the row is answered.
async fn bulk_row(client: &Client, path: &str, mut row: Value) -> Answer {
    row["row_key"] = json!("1");
    let answer = client.post(&format!("{path}/bulk"), json!({"rows": [row]})).await;
    let row = answer.at("/results/0");
    let Some(status) = row["status"].as_u64() else {
        return answer;
    };
    let part = if status < 300 { "resource" } else { "problem" };
    Answer {
        status: status as u16,
        bytes: row[part].to_string().into_bytes(),
        ..answer
    }
}

/// Everybody's first role, so that there is something to begin with: given by an administrator who is not in the model.
async fn seed(story: &mut Story, admin: &Client) {
    let firsts: [(&[Permission], Holder, Reach); FIRSTS] = [
        (
            &[
                RolesRead,
                RolesWrite,
                UsersRead,
                UsersWrite,
                OrgUnitsRead,
                OrgUnitsWrite,
            ],
            Holder::Person(0),
            Reach::Unit(0),
        ),
        (
            &[RolesRead, RolesWrite, CoursesRead, CoursesWrite, ReportsRun],
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
                OrgUnitsRead,
                OrgUnitsWrite,
                CoursesRead,
                CoursesWrite,
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
        // Who writes people, and reaches a dynamic group.
        (&[UsersRead, ReportsRun], Holder::Person(0), Reach::Group(3)),
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
        by_facts_alone: HashMap::new(),
        refused_gains: 0,
    };
    story.model.follow_facts();
    seed(&mut story, &admin).await;
    let mut taken: HashMap<&'static str, usize> = HashMap::new();
    let mut before = story.model.all_powers();
    for number in 0..soak(STEPS) {
        let actor = story.actor(&before);
        let step = story.step(before[&actor]);
        let actor = match step.is_fact() {
            true => story.writer(&before),
            false => actor,
        };
        if !story.take(actor, &step).await {
            continue;
        }
        let after = story.model.all_powers();
        let held = before[&actor];
        let moves = matches!(step, Step::MoveUnit(..) | Step::MoveCourse(..));
        if moves && !held.reach_everywhere(UsersWrite, &story.model) {
            let gained = after[&actor].beyond(&[held], &story.model);
            assert!(
                gained.is_empty(),
                "step {number}: {actor:?} by {step:?} came to hold {gained:?}"
            );
        }
        // Writers of users are trusted with units and managers, not with dynamic groups.
        if step.is_fact() && !held.reach_everywhere(UsersWrite, &story.model) {
            let gained = after[&actor].beyond(&[held, story.by_facts_alone[&actor]], &story.model);
            assert!(
                gained.is_empty(),
                "step {number}: {actor:?} by {step:?} came to reach {gained:?} by a dynamic group"
            );
        }
        if let Step::Grant(Holder::Group(group), ..) = step {
            assert!(
                group < story.model.first_dynamic(),
                "step {number}: {actor:?} by {step:?}"
            );
        }
        for (holder, powers) in after.iter().filter(|_| !moves && !step.is_fact()) {
            let gained = powers.beyond(&[before[holder], held], &story.model);
            assert!(
                gained.is_empty(),
                "step {number}: {actor:?} by {step:?} gave {holder:?} {gained:?}"
            );
        }
        if let Step::MakeSecret(account) = step {
            let gained = after[&Holder::Account(account)].beyond(&[held], &story.model);
            assert!(
                gained.is_empty(),
                "step {number}: {actor:?} may act as account {account}: {gained:?}"
            );
        }
        *taken.entry(name_of(&step)).or_default() += 1;

        before = after;
    }
    // The steps were not refused because nothing works. Some kinds succeed rarely: only a full run has enough of each.
    assert!(taken.values().sum::<usize>() >= soak(STEPS) / 20, "{taken:?}");
    if soak(STEPS) == STEPS {
        for kind in [
            "grant",
            "revoke",
            "make role",
            "set role",
            "join",
            "leave",
            "move unit",
            "move course",
            "set title",
            "set unit",
            "set manager",
            "set filter",
            "archive",
            "restore",
        ] {
            assert!(taken.get(kind).is_some_and(|count| *count >= 5), "{taken:?}");
        }
        assert!(story.refused_gains > 0, "{taken:?}");
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
        Step::MoveUnit(..) => "move unit",
        Step::MoveCourse(..) => "move course",
        Step::SetTitle(..) => "set title",
        Step::SetUnit(..) => "set unit",
        Step::SetManager(..) => "set manager",
        Step::SetFilter(_) => "set filter",
        Step::Archive(_) => "archive",
        Step::Restore(_) => "restore",
    }
}
