//! The golden cases: what rules make of facts, day by day. Each is a few lines of JSON in `cases/`; all are played on one
//! timeline, each with a user, a course and rules of its own, and stand as a table in docs/rules.md.
//!
//! `PROVOST_WRITE_DOCS=1 cargo test --test integration -- enrollment::cases` writes the table.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use provost::enrollment::{new_days::RecordRequirementDays, rules::job::ReconcileDay};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fixture::{archive_rule, change_rule, course, requirements};
use crate::support::{Client, TestApp};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows, in a sentence.
    says: String,
    /// The validity period of the course.
    #[serde(default)]
    course: Option<String>,
    /// Rules by the department that they are about, with what they say beside the defaults.
    #[serde(default)]
    rules: BTreeMap<String, Map<String, Value>>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    on: NaiveDate,
    #[serde(default, rename = "do")]
    acts: Vec<Act>,
    then: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Act {
    /// Works in the department from now on; in none, if null.
    Moves(Option<String>),
    /// Other facts of the user.
    User(Map<String, Value>),
    /// Completes the course on that day.
    Completes(NaiveDate),
    /// Completes it elsewhere: the day, and the last day that the evidence names.
    CompletesElsewhere(NaiveDate, NaiveDate),
    /// Completes the other course.
    CompletesOther(NaiveDate),
    /// The completion of the first day was on the second.
    Corrects(NaiveDate, NaiveDate),
    /// The completion of that day did not happen.
    Voids(NaiveDate),
    Absent(NaiveDate, Option<NaiveDate>),
    Extended(NaiveDate),
    Waived(NaiveDate, Option<NaiveDate>),
    /// Archives the waiver.
    Unwaived,
    /// The rule of the department releases them, or includes them, until a day.
    Released(String, Option<NaiveDate>),
    Required(String, Option<NaiveDate>),
    /// Somebody assigns it by hand.
    Assigned(Option<NaiveDate>),
    /// The rule of the department says something else, or becomes something else.
    Rule(String, Map<String, Value>),
    Pauses(String),
    Resumes(String),
    Archives(String),
    /// The other course counts for the course.
    Equivalent,
    /// A new version of the course is published.
    NewVersion,
    /// A new version is published, and completions of earlier ones count until that day.
    NewVersionUntil(NaiveDate),
    /// The same of the other course.
    NewVersionOfOtherUntil(NaiveDate),
    /// The course is retired, and brought back.
    Retires,
    Restores,
    /// Somebody decides about an issue: its kind and what is written.
    Decides(String, Map<String, Value>),
}

struct Played {
    name: String,
    case: Case,
    user: Uuid,
    course: Uuid,
    other: Uuid,
    rules: BTreeMap<String, String>,
    waiver: Option<String>,
    completions: BTreeMap<NaiveDate, String>,
}

fn files() -> Vec<(String, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/enrollment/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let read = files.into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let cases = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, cases)
    });
    read.collect()
}

#[actix_web::test]
async fn rules_make_of_facts_what_the_cases_say() {
    let app = TestApp::start().await;
    let mut cases = Vec::new();
    for (file, list) in files() {
        for (number, case) in list.into_iter().enumerate() {
            cases.push((format!("{file} {}: {}", number + 1, case.says), case));
        }
    }
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let steps = cases
        .iter()
        .flat_map(|(_, case)| case.steps.iter().map(|step| step.on));
    let mut days: Vec<NaiveDate> = steps.collect();
    days.sort();
    days.dedup();
    go_to(&app, days[0] - TimeDelta::days(1));
    let admin = app.admin().await;
    let mut played = Vec::new();
    for (number, (name, case)) in cases.into_iter().enumerate() {
        played.push(Played::begin(&app, &admin, number, name, case).await);
    }
    run_jobs(&app);

    let mut faults = String::new();
    for day in days {
        go_to(&app, day);
        run_jobs(&app);
        let admin = app.admin().await;
        for one in &mut played {
            let step = one.case.steps.iter().find(|step| step.on == day);
            for act in step.map(|step| step.acts.clone()).unwrap_or_default() {
                one.take(&app, &admin, &act).await;
            }
        }
        run_jobs(&app);
        for one in &played {
            let Some(step) = one.case.steps.iter().find(|step| step.on == day) else {
                continue;
            };
            let told = one.states(&admin).await;
            if told != step.then {
                let _ = writeln!(
                    faults,
                    "{}\n  {day} is {told:?}\n       not {:?}",
                    one.name, step.then
                );
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

/// Moves the clock to the noon of a day.
fn go_to(app: &TestApp, day: NaiveDate) {
    let noon = day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(12);
    app.app.clock.advance(noon - app.app.clock.now());
}

/// What the worker does on a new day, and what changes left for later.
fn run_jobs(app: &TestApp) {
    app.write(|tx| {
        tx.enqueue(&RecordRequirementDays {})?;
        tx.enqueue(&ReconcileDay {})
    });
    app.run_jobs();
}

impl Played {
    async fn begin(app: &TestApp, admin: &Client, number: usize, name: String, case: Case) -> Self {
        let asked = course(app, &format!("course-{number}"), case.course.as_deref());
        let other = course(app, &format!("other-{number}"), None);
        let body = json!({"username": format!("case-{number}"), "given_name": "Ana", "family_name": number.to_string()});
        let user = admin.post("/v1/users", body).await.assert_status(201).id();
        let mut rules = BTreeMap::new();
        for (department, says) in &case.rules {
            let code = format!("{department}-{number}");
            let mut rule = json!({"code": code, "name": code, "audience": {"filter": format!("department eq \"{code}\"")},
                "targets": [{"kind": "course", "id": asked}], "due": {"kind": "after_joining", "offset": "P30D"}});
            for (name, value) in says {
                rule[name] = value.clone();
            }
            if rule["due"]["kind"] == json!("after_completion") {
                rule["due"]["course_id"] = json!(other);
            }
            let rule = admin.post("/v1/rules", rule).await.assert_status(201).id();
            let path = format!("/v1/rules/{rule}/activation");
            admin.post(&path, json!({})).await.assert_status(200);
            rules.insert(department.clone(), rule);
        }
        Played {
            name: format!("{number} {name}"),
            case,
            user: user.parse().unwrap(),
            course: asked,
            other,
            rules,
            waiver: None,
            completions: BTreeMap::new(),
        }
    }

    fn department(&self, name: &str) -> String {
        let number = self.name.split(' ').next().unwrap();
        format!("{name}-{number}")
    }

    async fn take(&mut self, app: &TestApp, admin: &Client, act: &Act) {
        let (user, course) = (self.user, self.course);
        let target = json!({"kind": "course", "id": course});
        let path = format!("/v1/users/{user}");
        let rule = |name: &String| format!("/v1/rules/{}", self.rules[name]);
        match act {
            Act::Moves(department) => {
                let department = department.as_ref().map(|name| self.department(name));
                let body = json!({"department": department});
                admin.patch(&path, body).await.assert_status(200);
            }
            Act::User(facts) => {
                admin.patch(&path, json!(facts)).await.assert_status(200);
            }
            Act::Completes(day) => self.complete(admin, course, *day, json!({})).await,
            Act::CompletesElsewhere(day, expires_on) => {
                let more = json!({"expires_on": expires_on, "evidence": "a certificate"});
                self.complete(admin, course, *day, more).await;
            }
            Act::CompletesOther(day) => self.complete(admin, self.other, *day, json!({})).await,
            Act::Corrects(day, right) => {
                let body = json!({"occurred_at": at(*right), "reason": "the wrong day"});
                self.correct(admin, *day, *right, body).await;
            }
            Act::Voids(day) => {
                let body = json!({"is_void": true, "reason": "somebody else's"});
                self.correct(admin, *day, *day, body).await;
            }
            Act::Absent(from, to) => {
                let body = json!({"user_id": user, "kind": "leave", "starts_on": from, "ends_on": to});
                admin.post("/v1/absences", body).await.assert_status(201);
            }
            Act::Extended(day) => {
                let body = json!({"user_id": user, "target": target, "due_on": day, "reason": "agreed"});
                admin.post("/v1/extensions", body).await.assert_status(201);
            }
            Act::Waived(from, to) => {
                let body = json!({"user_id": user, "target": target, "begins_on": from, "expires_on": to, "reason": "known"});
                let waiver = admin.post("/v1/waivers", body).await.assert_status(201).id();
                self.waiver = Some(waiver);
            }
            Act::Unwaived => {
                let path = format!("/v1/waivers/{}/archival", self.waiver.as_ref().unwrap());
                admin.post(&path, json!({})).await.assert_status(200);
            }
            Act::Released(rule, until) => self.exempt(admin, rule, "released", *until).await,
            Act::Required(rule, until) => self.exempt(admin, rule, "required", *until).await,
            Act::Assigned(due_on) => {
                let body = json!({"user_id": user, "target": target, "due_on": due_on});
                admin.post("/v1/requirements", body).await.assert_status(201);
            }
            Act::Rule(name, says) => {
                change_rule(app, admin, &rule(name), json!(says)).await;
            }
            Act::Pauses(name) => {
                let path = format!("{}/pause", rule(name));
                admin.post(&path, json!({})).await.assert_status(200);
            }
            Act::Resumes(name) => {
                change_rule(app, admin, &rule(name), json!({})).await;
            }
            Act::Archives(name) => {
                archive_rule(app, admin, &rule(name)).await;
            }
            Act::Equivalent => {
                let body = json!({"course_id": course, "equivalent_id": self.other});
                admin
                    .post("/v1/course-equivalences", body)
                    .await
                    .assert_status(201);
            }
            Act::NewVersion => publish(admin, course, json!({})).await,
            Act::NewVersionUntil(day) => publish(admin, course, json!({"earlier_count_until": day})).await,
            Act::NewVersionOfOtherUntil(day) => {
                publish(admin, self.other, json!({"earlier_count_until": day})).await
            }
            Act::Retires => {
                let path = format!("/v1/courses/{course}/retirement");
                admin.post(&path, json!({})).await.assert_status(200);
            }
            Act::Restores => {
                let path = format!("/v1/courses/{course}/retirement");
                admin.delete(&path).await.assert_status(200);
            }
            Act::Decides(kind, says) => {
                let issues = self.issues(admin).await;
                let issue = issues.iter().find(|issue| issue["kind"] == json!(kind)).unwrap();
                let path = format!("/v1/rule-issues/{}", issue["id"].as_str().unwrap());
                admin.patch(&path, json!(says)).await.assert_status(200);
            }
        }
    }

    /// The issues about the course that are not closed.
    async fn issues(&self, admin: &Client) -> Vec<Value> {
        let filter = format!(
            "user_id%20eq%20%22{}%22%20and%20course_id%20eq%20%22{}%22%20and%20closed_at%20eq%20null",
            self.user, self.course
        );
        let page = admin.get(&format!("/v1/rule-issues?filter={filter}")).await;
        page.assert_status(200).at("/data").as_array().unwrap().clone()
    }

    async fn complete(&mut self, admin: &Client, course: Uuid, day: NaiveDate, mut body: Value) {
        body["user_id"] = json!(self.user);
        body["course_id"] = json!(course);
        body["occurred_at"] = json!(at(day));
        let done = admin.post("/v1/completions", body).await.assert_status(201);
        self.completions.insert(day, done.id());
    }

    async fn correct(&mut self, admin: &Client, day: NaiveDate, right: NaiveDate, body: Value) {
        let path = format!("/v1/completions/{}/corrections", self.completions[&day]);
        let correction = admin.post(&path, body).await.assert_status(201).id();
        self.completions.insert(right, correction);
    }

    async fn exempt(&self, admin: &Client, rule: &str, effect: &str, until: Option<NaiveDate>) {
        let body = json!({"rule_id": self.rules[rule], "user_id": self.user, "effect": effect, "until": until,
            "reason": "decided"});
        admin.post("/v1/rule-overrides", body).await.assert_status(201);
    }

    /// Each requirement in words, cycle by cycle.
    async fn states(&self, admin: &Client) -> Vec<String> {
        let mut all = requirements(admin, self.user).await;
        all.retain(|one| one["target"]["id"] == json!(self.course));
        all.sort_by_key(|one| one["cycle"].as_i64());
        let mut states: Vec<String> = all.iter().map(state).collect();
        if let Some(last) = states.last_mut() {
            for issue in self.issues(admin).await {
                let _ = write!(last, ", {}", issue["kind"].as_str().unwrap());
                if let Some(choice) = issue["choice"].as_str() {
                    let _ = write!(last, ": {choice}");
                }
            }
        }
        states
    }
}

fn state(one: &Value) -> String {
    let word = |name: &str| one[name].as_str();
    let mut state = format!("{} {}", one["cycle"], word("status").unwrap());
    match (word("end_reason"), word("satisfied_at")) {
        (Some(why), _) => {
            let _ = write!(state, ", {why}");
        }
        (None, Some(_)) => {
            let _ = write!(state, " until {}", word("valid_until").unwrap_or("for ever"));
            if let Some(day) = word("renews_on") {
                let _ = write!(state, ", renews {day}");
            }
        }
        (None, None) => {
            let _ = write!(state, ", due {}", word("due_on").unwrap_or("never"));
        }
    }
    state
}

fn at(day: NaiveDate) -> String {
    format!("{day}T09:00:00Z")
}

/// Where the table begins in docs/rules.md.
const MARK: &str =
    "<!-- Below: the cases in tests/enrollment/cases, as the test of that name writes them. -->\n";

#[test]
fn the_table_of_cases_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_once(MARK).expect("the page has the mark of the table");
    let table = table();
    if std::env::var_os("PROVOST_WRITE_DOCS").is_some() {
        return fs::write(path, format!("{before}{MARK}{table}")).unwrap();
    }
    assert!(after == table, "docs/rules.md is stale: see the module's comment");
}

fn table() -> String {
    let mut table = String::new();
    for (file, cases) in files() {
        let title = file.replace('_', " ");
        let _ = write!(
            table,
            "\n### Cases: {title}\n\n| case | day | what happens | requirements then |\n|---|---|---|---|\n"
        );
        for case in cases {
            for (index, step) in case.steps.iter().enumerate() {
                let case_column = match index {
                    0 => describe(&case),
                    _ => String::new(),
                };
                let acts: Vec<String> = step.acts.iter().map(told).collect();
                let _ = writeln!(
                    table,
                    "| {case_column} | {} | {} | {} |",
                    step.on,
                    acts.join("; "),
                    step.then.join("<br>")
                );
            }
        }
    }
    table
}

fn describe(case: &Case) -> String {
    let mut text = case.says.clone();
    for (name, says) in &case.rules {
        let says: Vec<String> = says
            .iter()
            .map(|(field, value)| format!("`{field}`: `{value}`"))
            .collect();
        if !says.is_empty() {
            let _ = write!(text, "<br>Rule {name}: {}", says.join(", "));
        }
    }
    if let Some(period) = &case.course {
        let _ = write!(text, "<br>Course: `{period}`");
    }
    text
}

fn told(act: &Act) -> String {
    let until = |day: &Option<NaiveDate>| day.map_or("without an end".into(), |day| format!("until {day}"));
    match act {
        Act::Moves(Some(department)) => format!("moves into the audience of rule {department}"),
        Act::Moves(None) => "leaves all audiences".into(),
        Act::User(facts) => {
            let facts: Vec<String> = facts
                .iter()
                .map(|(name, value)| format!("`{name}` becomes `{value}`"))
                .collect();
            facts.join(", ")
        }
        Act::Completes(day) => format!("a completion of {day} is recorded"),
        Act::CompletesElsewhere(day, last) => {
            format!("a completion of {day} that expires on {last} is recorded")
        }
        Act::CompletesOther(day) => format!("a completion of the other course, of {day}, is recorded"),
        Act::Corrects(day, right) => format!("the completion of {day} is corrected to {right}"),
        Act::Voids(day) => format!("the completion of {day} is corrected: it did not happen"),
        Act::Absent(from, to) => format!("absent from {from}, {}", until(to)),
        Act::Extended(day) => format!("extended to {day}"),
        Act::Waived(from, to) => format!("waived from {from}, {}", until(to)),
        Act::Unwaived => "the waiver is archived".into(),
        Act::Released(rule, day) => format!("released from rule {rule}, {}", until(day)),
        Act::Required(rule, day) => format!("required by rule {rule}, {}", until(day)),
        Act::Assigned(day) => format!(
            "assigned by hand, due {}",
            day.map_or("never".into(), |day| day.to_string())
        ),
        Act::Rule(rule, says) => format!("rule {rule} becomes `{}`", json!(says)),
        Act::Pauses(rule) => format!("rule {rule} is paused"),
        Act::Resumes(rule) => format!("rule {rule} is activated again"),
        Act::Archives(rule) => format!("rule {rule} is archived"),
        Act::Equivalent => "the other course becomes equivalent".into(),
        Act::NewVersion => "a new version of the course is published".into(),
        Act::NewVersionOfOtherUntil(day) => {
            format!(
                "a new version of the other course is published, and completions of earlier ones count until {day}"
            )
        }
        Act::NewVersionUntil(day) => {
            format!(
                "a new version of the course is published, and completions of earlier ones count until {day}"
            )
        }
        Act::Retires => "the course is retired".into(),
        Act::Restores => "the course is brought back".into(),
        Act::Decides(kind, says) => format!("somebody decides about `{kind}`: `{}`", json!(says)),
    }
}

/// Publishes another version of a course.
async fn publish(admin: &Client, course: Uuid, body: Value) {
    let path = format!("/v1/courses/{course}");
    let modules = json!([{"title": "New", "activities": [{"title": "Read", "kind": "task"}]}]);
    let new = json!({"title": "New", "modules": modules});
    admin.patch(&path, new).await.assert_status(200);
    let path = format!("{path}/publications");
    admin.post(&path, body).await.assert_status(201);
}
