//! The product beside the model: an academy is founded in both, and acts are sent to the product.

use std::{cell::RefCell, collections::HashMap};

use chrono::NaiveDate;
use provost::{
    enrollment::{new_days::RecordRequirementDays, rules::job::ReconcileDay},
    people::groups::upkeep::RefreshGroups,
    period::Period,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    academy::{Academy, Act, Course, Made, Saying, Status},
    founding, said,
};
use crate::{
    enrollment::fixture::course,
    support::{Answer, Client, TestApp},
};

pub struct World {
    pub app: TestApp,
    pub admin: Client,
    /// How long completions of each version of a course count.
    versions: RefCell<HashMap<Uuid, Option<Period>>>,
}

impl World {
    /// Founds the academy of [`founding`], without people and rules.
    pub async fn found(app: TestApp) -> (World, Academy) {
        let admin = app.admin().await;
        let world = World {
            app,
            admin,
            versions: RefCell::default(),
        };
        let mut academy = Academy {
            now: world.app.app.clock.now(),
            ..Academy::default()
        };
        for mut unit in founding::units() {
            let parent = unit.parent.map(|parent| academy.units[parent].id);
            let body = json!({"code": unit.code, "name": unit.code, "parent_id": parent,
                "time_zone": unit.zone.map(|zone| zone.name())});
            unit.id = id(&world.admin.post("/v1/org-units", body).await);
            academy.units.push(unit);
        }
        for (code, validity) in founding::COURSES {
            let id = course(&world.app, code, validity);
            academy.courses.push(Course {
                id,
                is_retired: false,
            });
            let course = world.admin.get(&format!("/v1/courses/{id}")).await;
            world.know(&course.assert_status(200).at("/current_version_id"), validity);
        }
        let attribute = json!({"name": "signed_on", "label": "Signed on", "kind": "date"});
        let path = "/v1/attribute-definitions";
        world.admin.post(path, attribute).await.assert_status(201);
        for code in founding::GROUPS {
            let body = json!({"code": code, "name": code});
            academy
                .groups
                .push(id(&world.admin.post("/v1/groups", body).await));
        }
        (world, academy)
    }

    /// Adds the rules, as drafts.
    pub async fn add_rules(&self, academy: &mut Academy) {
        for mut rule in founding::rules(academy.now.date_naive()) {
            let body = said::rule_of(academy, &rule);
            rule.id = id(&self.admin.post("/v1/rules", body).await);
            academy.rules.push(rule);
        }
    }

    fn know(&self, version: &Value, validity: Option<&str>) {
        let version = version.as_str().expect("a version").parse().unwrap();
        let validity = validity.map(|period| period.parse().unwrap());
        self.versions.borrow_mut().insert(version, validity);
    }

    /// Lets it be noon of a day, and does what a worker does then.
    pub async fn begin(&mut self, academy: &mut Academy, day: NaiveDate) {
        go_to(&self.app, day);
        self.admin = self.app.admin().await;
        self.app.write(|tx| {
            tx.enqueue(&RefreshGroups {})?;
            tx.enqueue(&RecordRequirementDays {})?;
            tx.enqueue(&ReconcileDay {})
        });
        self.app.run_jobs();
        academy.now = self.app.app.clock.now();
        academy.settle_all();
    }

    /// Sends acts of one kind, and lets jobs do what follows from them. Each must go through.
    pub async fn send(&self, academy: &mut Academy, acts: Vec<Act>) {
        let made = self.request(academy, &acts).await;
        let made = acts.into_iter().zip(made).map(|(act, made)| {
            let made = made.unwrap_or_else(|refusal| panic!("{act:?}: {refusal}"));
            (act, made)
        });
        let made: Vec<_> = made.collect();
        self.app.run_jobs();
        academy.now = self.app.app.clock.now();
        academy.take(&made);
    }

    /// Sends acts of one kind: in bulk, where that can be. Answers what became of each, or why it was refused.
    pub async fn request(&self, academy: &Academy, acts: &[Act]) -> Vec<Result<Made, String>> {
        if let Some(path) = said::bulk_path(&acts[0]) {
            let rows = acts.iter().map(|act| said::row(academy, act));
            let answer = self.admin.bulk(path, rows).await.assert_status(200);
            let results = answer.at("/results").as_array().unwrap().clone();
            let made = results.iter().zip(acts).map(|(result, act)| {
                let status = result["status"].as_u64().unwrap();
                assert!(status < 500, "{act:?}: {result:#}");
                match status {
                    ..300 => Ok(self.made(act, &result["resource"])),
                    _ => Err(result["problem"].to_string()),
                }
            });
            return made.collect();
        }
        let mut made = Vec::new();
        for act in acts {
            if let Some((rule, changes)) = by_plan(academy, act) {
                let path = format!("/v1/rules/{}", academy.rules[rule].id);
                made.push(self.apply(&path, changes).await.map(|()| Made::default()));
                continue;
            }
            let answer = self.one(academy, act).await;
            assert!(answer.status < 500, "{act:?}: {}", answer.text());
            made.push(match answer.status {
                ..300 => Ok(Made::default()),
                _ => Err(answer.text()),
            });
        }
        made
    }

    fn made(&self, act: &Act, resource: &Value) -> Made {
        let id_of = |value: &Value| value["id"].as_str().unwrap().parse().unwrap();
        let version = resource["course_version_id"].as_str();
        let version: Option<Uuid> = version.map(|version| version.parse().unwrap());
        let mut made = Made {
            id: id_of(resource),
            requirement: Uuid::nil(),
            validity: version.and_then(|version| self.versions.borrow()[&version]),
        };
        if let Act::Assign(..) = act {
            let reasons = resource["reasons"].as_array().unwrap();
            let by_hand = reasons.iter().filter(|reason| reason["rule_id"].is_null());
            made.requirement = made.id;
            made.id = by_hand.map(id_of).max().unwrap();
        }
        made
    }

    /// Changes an active or paused rule by a plan that is applied.
    async fn apply(&self, path: &str, changes: Value) -> Result<(), String> {
        let planned = self
            .done(&format!("{path}/plans"), json!({"changes": changes}))
            .await?;
        let body =
            json!({"changes": changes, "plan_hash": planned["plan_hash"], "allow_removals_percent": 100});
        self.done(&format!("{path}/applications"), body).await.map(drop)
    }

    /// The result of an operation.
    async fn done(&self, path: &str, body: Value) -> Result<Value, String> {
        let begun = self.admin.post(path, body).await;
        if begun.status != 202 {
            return Err(begun.text());
        }
        self.app.run_jobs();
        let operation = self.admin.get(begun.header("location").unwrap()).await;
        match operation.at("/status") == json!("succeeded") {
            true => Ok(operation.at("/result")),
            false => Err(operation.text()),
        }
    }

    async fn one(&self, academy: &Academy, act: &Act) -> Answer {
        let admin = &self.admin;
        let rule = |rule: &usize| format!("/v1/rules/{}", academy.rules[*rule].id);
        let nothing = json!({});
        match act {
            Act::Members(group, joining, leaving) => {
                let ids = |people: &[usize]| people.iter().map(|person| academy.people[*person].id).collect();
                let (add, remove): (Vec<Uuid>, Vec<Uuid>) = (ids(joining), ids(leaving));
                let path = format!("/v1/groups/{}/members", academy.groups[*group]);
                admin.post(&path, json!({"add": add, "remove": remove})).await
            }
            Act::Archive(thing, id) => {
                let path = format!("{}/{id}/archival", said::path_of(*thing));
                admin.post(&path, nothing).await
            }
            Act::Say(number, saying) => {
                admin
                    .patch(&rule(number), changes(academy, *number, saying))
                    .await
            }
            Act::Become(number, status) => {
                let verb = match status {
                    Status::Active => "activation",
                    Status::Paused => "pause",
                    Status::Archived => "archival",
                    Status::Draft => panic!("a rule is no draft again"),
                };
                admin.post(&format!("{}/{verb}", rule(number)), nothing).await
            }
            Act::Publish(course, validity) => {
                let path = format!("/v1/courses/{}", academy.courses[*course].id);
                let activities = json!([{"title": "Read", "kind": "document"}]);
                let body = json!({"title": Uuid::now_v7(), "validity_period": validity,
                    "modules": [{"title": "New", "activities": activities}]});
                admin.patch(&path, body).await.assert_status(200);
                let version = admin.post(&format!("{path}/publications"), nothing).await;
                let version = version.assert_status(201);
                self.know(&version.at("/id"), *validity);
                version
            }
            Act::MoveUnit(unit, below) => {
                let path = format!("/v1/org-units/{}", academy.units[*unit].id);
                let body = json!({"parent_id": academy.units[*below].id});
                admin.patch(&path, body).await
            }
            other => panic!("{other:?} goes in bulk"),
        }
    }
}

/// The rule that an act changes by plan, and the changes.
fn by_plan(academy: &Academy, act: &Act) -> Option<(usize, Value)> {
    let is_in_force = |rule: &usize| matches!(academy.rules[*rule].status, Status::Active | Status::Paused);
    match act {
        Act::Say(rule, saying) if is_in_force(rule) => Some((*rule, changes(academy, *rule, saying))),
        Act::Become(rule, Status::Active) if is_in_force(rule) => Some((*rule, json!({}))),
        _ => None,
    }
}

fn changes(academy: &Academy, rule: usize, saying: &Saying) -> Value {
    let mut changed = academy.rules[rule].clone();
    changed.say(saying.clone());
    let all = said::rule_of(academy, &changed);
    let name = match saying {
        Saying::Due(_) => "due",
        Saying::Repeat(_) => "repeat",
        Saying::Grace(_) => "grace_period",
        Saying::Targets(_) => "targets",
        Saying::OnLeave(_) => "on_leave",
        Saying::Pilot(_) => "pilot_group_id",
    };
    json!({ name: all[name] })
}

/// Moves the clock half an hour past the noon of a day: in Auckland the next day has begun.
pub fn go_to(app: &TestApp, day: NaiveDate) {
    let noon = day.and_hms_opt(12, 30, 0).unwrap().and_utc();
    app.app.clock.advance(noon - app.app.clock.now());
}

fn id(answer: &Answer) -> Uuid {
    answer.clone().assert_status(201).id().parse().unwrap()
}
