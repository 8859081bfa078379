//! The product beside the model: an academy is founded in both, and acts are sent to the product.

use std::cell::Cell;

use chrono::NaiveDate;
use provost::{
    enrollment::{new_days::RecordRequirementDays, rules::job::ReconcileDay},
    people::groups::upkeep::RefreshGroups,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    academy::{Academy, Act, Course, Made, Status, Version},
    founding, said,
};
use crate::{
    enrollment::fixture::course,
    support::{Answer, Client, TestApp},
};

pub struct World {
    pub app: TestApp,
    pub admin: Client,
    /// Whether a worker runs beside the test.
    pub has_worker: Cell<bool>,
}

impl World {
    /// Founds the academy of [`founding`], without people and rules.
    pub async fn found(app: TestApp) -> (World, Academy) {
        let admin = app.admin().await;
        let world = World {
            app,
            admin,
            has_worker: Cell::new(false),
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
            let found = world.admin.get(&format!("/v1/courses/{id}")).await;
            let version = Version {
                id: id_at(&found.assert_status(200), "/current_version_id"),
                validity: validity.map(|period| period.parse().unwrap()),
                earlier_count_until: None,
                published_at: academy.now,
            };
            academy.courses.push(Course {
                id,
                is_retired: false,
                versions: vec![version],
            });
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
                    ..300 => Ok(Self::made(act, &result["resource"])),
                    _ => Err(result["problem"].to_string()),
                }
            });
            return made.collect();
        }
        let mut made = Vec::new();
        for act in acts {
            made.push(self.one(academy, act).await);
        }
        made
    }

    fn made(act: &Act, resource: &Value) -> Made {
        let id_of = |value: &Value| value["id"].as_str().unwrap().parse().unwrap();
        let version = resource["course_version_id"].as_str();
        let mut made = Made {
            id: id_of(resource),
            requirement: Uuid::nil(),
            version: version.map_or(Uuid::nil(), |version| version.parse().unwrap()),
        };
        if let Act::Assign(..) = act {
            let reasons = resource["reasons"].as_array().unwrap();
            let by_hand = reasons.iter().filter(|reason| reason["rule_id"].is_null());
            made.requirement = made.id;
            made.id = by_hand.map(id_of).max().unwrap();
        }
        made
    }

    /// Sends an act that does not go in bulk.
    async fn one(&self, academy: &Academy, act: &Act) -> Result<Made, String> {
        let admin = &self.admin;
        let rule = |rule: &usize| format!("/v1/rules/{}", academy.rules[*rule].id);
        let course = |course: &usize| format!("/v1/courses/{}", academy.courses[*course].id);
        let nothing = json!({});
        let answer = match act {
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
                let changes = said::saying_of(academy, *number, saying);
                match academy.rules[*number].status {
                    Status::Draft => admin.patch(&rule(number), changes).await,
                    _ => return self.by_plan(&rule(number), json!({ "changes": changes })).await,
                }
            }
            Act::Become(number, status) => {
                let verb = match (status, academy.rules[*number].status) {
                    (Status::Active, Status::Paused) => return self.by_plan(&rule(number), nothing).await,
                    (Status::Active, _) => "activation",
                    (Status::Paused, _) => "pause",
                    (Status::Archived, Status::Active | Status::Paused) => {
                        return self.by_plan(&rule(number), json!({"becomes": "archived"})).await;
                    }
                    (Status::Archived, _) => "archival",
                    (Status::Draft, _) => panic!("a rule is no draft again"),
                };
                admin.post(&format!("{}/{verb}", rule(number)), nothing).await
            }
            Act::Publish(number, validity, earlier_count_until) => {
                let activities = json!([{"title": "Read", "kind": "task"}]);
                let body = json!({"title": Uuid::now_v7(), "validity_period": validity,
                    "modules": [{"title": "New", "activities": activities}]});
                admin.patch(&course(number), body).await.assert_status(200);
                let path = format!("{}/publications", course(number));
                let body = json!({ "earlier_count_until": earlier_count_until });
                let version = admin.post(&path, body).await.assert_status(201);
                return Ok(Made {
                    version: id_at(&version, "/id"),
                    ..Made::default()
                });
            }
            Act::Retire(number, is_retired) => {
                let path = format!("{}/retirement", course(number));
                match is_retired {
                    true => admin.post(&path, nothing).await,
                    false => admin.delete(&path).await,
                }
            }
            Act::Decide(person, (rule, course, kind), choice) => {
                let user = academy.people[*person].id;
                let (rule, course) = (academy.rules[*rule].id, academy.courses[*course].id);
                let filter = format!(
                    "user_id eq \"{user}\" and rule_id eq \"{rule}\" and course_id eq \"{course}\" and kind eq \"{kind}\" and closed_at eq null"
                );
                let filter = filter.replace(' ', "%20").replace('"', "%22");
                let found = admin.get(&format!("/v1/rule-issues?filter={filter}")).await;
                let found = found.assert_status(200).at("/data/0/id");
                let Some(id) = found.as_str() else {
                    return Err("the issue is closed".into());
                };
                let body = said::choice_of(*choice);
                admin.patch(&format!("/v1/rule-issues/{id}"), body).await
            }
            Act::MoveUnit(unit, below) => {
                let path = format!("/v1/org-units/{}", academy.units[*unit].id);
                let body = json!({"parent_id": academy.units[*below].id});
                admin.patch(&path, body).await
            }
            other => panic!("{other:?} goes in bulk"),
        };
        assert!(answer.status < 500, "{act:?}: {}", answer.text());
        match answer.status {
            ..300 => Ok(Made::default()),
            _ => Err(answer.text()),
        }
    }

    /// Plans a change of a rule and applies the plan.
    async fn by_plan(&self, rule: &str, mut wish: Value) -> Result<Made, String> {
        let planned = self.finished(&format!("{rule}/plans"), wish.clone()).await?;
        wish["plan_hash"] = planned["result"]["plan_hash"].clone();
        wish["allow_removals_percent"] = json!(100);
        let applied = self.finished(&format!("{rule}/applications"), wish).await?;
        match applied["status"].as_str() {
            Some("succeeded") => Ok(Made::default()),
            _ => Err(applied.to_string()),
        }
    }

    /// Begins an operation, and answers it once it has ended: a worker does it, here if there is no other.
    async fn finished(&self, path: &str, body: Value) -> Result<Value, String> {
        let begun = self.admin.post(path, body).await;
        assert!(begun.status < 500, "{path}: {}", begun.text());
        if begun.status != 202 {
            return Err(begun.text());
        }
        Ok(self.finish(&begun.at("/id")).await)
    }

    /// Waits for the end of an operation.
    pub async fn finish(&self, operation: &Value) -> Value {
        let path = format!("/v1/operations/{}", operation.as_str().unwrap());
        loop {
            if !self.has_worker.get() {
                self.app.run_jobs();
            }
            let operation = self.admin.get(&path).await.assert_status(200).json();
            if !operation["finished_at"].is_null() {
                return operation;
            }
        }
    }
}

/// Moves the clock half an hour past the noon of a day: in Auckland the next day has begun.
pub fn go_to(app: &TestApp, day: NaiveDate) {
    let noon = day.and_hms_opt(12, 30, 0).unwrap().and_utc();
    app.app.clock.advance(noon - app.app.clock.now());
}

fn id(answer: &Answer) -> Uuid {
    id_at(&answer.clone().assert_status(201), "/id")
}

fn id_at(answer: &Answer, pointer: &str) -> Uuid {
    answer.at(pointer).as_str().expect("an id").parse().unwrap()
}
