//! Random histories of one user each (200 in `make soak`, a tenth elsewhere), written by SCIM's PUT and PATCH, by an HR
//! import and by `/v1` in any order: after each step every field is as a plain model has it, here and for SCIM.

mod model;

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};

use model::{EMPTIED, Email, EmailStep, KEPT, Model};

use super::{Scim, provider};
use crate::{
    import::Importing,
    support::{TestApp, soak},
};

const HISTORIES: usize = 200;
const STEPS: usize = 8;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PROVOST: &str = "urn:ietf:params:scim:schemas:extension:provost:2.0:User";

type Fields = BTreeMap<&'static str, String>;

/// What SCIM alone keeps, by its path.
const SCIM_ONLY: &[&str] = &["nickName", "displayName", "urn:example:tags:2.0:User:tag"];

/// What a provider calls a field, as a PATCH has it.
fn path(field: &str) -> String {
    match field {
        "username" => "userName".into(),
        "given_name" => "name.givenName".into(),
        "family_name" => "name.familyName".into(),
        "locale" => "preferredLanguage".into(),
        "time_zone" => "timezone".into(),
        "employment_type" => "userType".into(),
        "department" => format!("{ENTERPRISE}:department"),
        "cost_centre" => format!("{ENTERPRISE}:costCenter"),
        "employee_number" => format!("{ENTERPRISE}:employeeNumber"),
        "manager_id" => format!("{ENTERPRISE}:manager.value"),
        "org_unit_id" => format!("{PROVOST}:orgUnit"),
        other => other.into(),
    }
}

/// Where a resource has it.
fn pointer(field: &str) -> String {
    let path = path(field);
    match path.rsplit_once(":User:") {
        Some((urn, rest)) => format!("/{urn}:User/{}", rest.replace('.', "/")),
        None => format!("/{}", path.replace('.', "/")),
    }
}

/// Sets a member of a resource, and what it stands in.
fn set(resource: &mut Value, pointer: &str, value: Value) {
    let at = pointer
        .trim_start_matches('/')
        .split('/')
        .fold(resource, |inner, name| &mut inner[name]);
    *at = value;
}

struct World {
    importing: Importing,
    scim: Scim,
    /// Codes of units to their ids, and ids of people to their names.
    units: BTreeMap<String, String>,
    managers: BTreeMap<String, String>,
}

struct History<'a> {
    world: &'a World,
    random: &'a mut StdRng,
    number: usize,
    model: Model,
    id: String,
    /// What happened, to be told where the model and the product differ.
    log: Vec<String>,
}

impl History<'_> {
    fn one_in(&mut self, times: u32) -> bool {
        self.random.random_ratio(1, times)
    }

    fn pick(&mut self, words: &[&str]) -> String {
        (*words.choose(self.random).unwrap()).to_owned()
    }

    /// A value of a field; of few, so that the same one is often said again.
    fn value(&mut self, field: &str) -> String {
        match field {
            "username" => format!("{}{}", self.pick(&["u", "v"]), self.number),
            "given_name" => self.pick(&["Ana", "Bea", "Cem"]),
            "family_name" => self.pick(&["Silva", "Yılmaz"]),
            "locale" => self.pick(&["en", "pt-BR", "tr"]),
            "time_zone" => self.pick(&["UTC", "Europe/Lisbon"]),
            "manager_id" => self.pick_of(|world| &world.managers),
            "org_unit_id" => self.pick_of(|world| &world.units),
            "email" => format!("{}@example.com", self.pick(&["a", "b", "c"])),
            _ => self.pick(&["one", "two", "three"]),
        }
    }

    fn pick_of(&mut self, of: impl Fn(&World) -> &BTreeMap<String, String>) -> String {
        let all: Vec<&String> = of(self.world).keys().collect();
        (*all.choose(self.random).unwrap()).clone()
    }

    fn fields(&mut self, of: &[&'static str], times: u32) -> Fields {
        let mut fields = Fields::new();
        for field in of {
            if self.one_in(times) {
                fields.insert(field, self.value(field));
            }
        }
        fields
    }

    fn email(&mut self) -> Email {
        Email {
            kind: ["work", "home"].choose(self.random).unwrap(),
            primary: self.one_in(2),
            value: Some(self.value("email")),
        }
    }

    /// No, one or two addresses, of which at most one is the primary one.
    fn emails(&mut self) -> Vec<Email> {
        let mut emails: Vec<Email> = (0..self.random.random_range(0..3))
            .map(|_| self.email())
            .collect();
        if let [first, second] = emails.as_mut_slice() {
            second.primary = second.primary && !first.primary;
        }
        emails
    }

    /// They come by one of the three ways.
    async fn begin(&mut self) {
        self.model.is_active = true;
        let key = format!("k{}", self.number);
        match self.random.random_range(0..3) {
            0 => {
                let name = self.value("username");
                let fields = [
                    ("username", name),
                    ("given_name", "Ana".into()),
                    ("family_name", "Silva".into()),
                ];
                let mut body = json!({ "external_keys": [{ "source": "hr", "key": key }] });
                for (field, value) in &fields {
                    body[*field] = json!(value);
                }
                self.log.push(format!("/v1 {body}"));
                self.model.write(&fields.into());
                let made = self.world.importing.admin.post("/v1/users", body).await;
                self.id = made.assert_status(201).id();
            }
            1 => {
                let (body, fields, emails, scim_only) = self.resource();
                self.log.push(format!("POST {body}"));
                self.model.put(fields, emails, scim_only);
                self.id = self.world.scim.post("/Users", body).await.assert_status(201).id();
                let path = format!("/v1/users/{}/external-keys", self.id);
                let key = json!({ "source": "hr", "key": key });
                self.world
                    .importing
                    .admin
                    .post(&path, key)
                    .await
                    .assert_status(201);
            }
            _ => {
                self.import().await;
                self.id = self.world.importing.user(&key).await.assert_status(200).id();
            }
        }
        let made = self
            .world
            .importing
            .admin
            .get(&format!("/v1/users/{}", self.id))
            .await;
        for field in ["locale", "time_zone"] {
            if let Some(value) = made.at(&format!("/{field}")).as_str() {
                self.model.row.entry(field).or_insert_with(|| value.to_owned());
            }
        }
    }

    async fn step(&mut self) {
        match self.random.random_range(0..10) {
            0..3 => self.put().await,
            3..6 => self.patch().await,
            6..8 => self.import().await,
            _ => self.v1().await,
        }
    }

    /// What a whole resource says; everybody has a username and a given name.
    fn resource(&mut self) -> (Value, Fields, Vec<Email>, Fields) {
        let mut fields = self.fields(EMPTIED, 2);
        fields.extend(self.fields(KEPT, 2));
        for field in ["username", "given_name", "family_name"] {
            let value = self.value(field);
            fields.insert(field, value);
        }
        let (emails, scim_only) = (self.emails(), self.fields(SCIM_ONLY, 2));
        let mut body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"] });
        for (field, value) in fields.iter().chain(&scim_only) {
            set(&mut body, &pointer(field), json!(value));
        }
        if !emails.is_empty() {
            body["emails"] = emails.iter().map(shown).collect();
        }
        (body, fields, emails, scim_only)
    }

    async fn put(&mut self) {
        let (mut body, fields, emails, scim_only) = self.resource();
        let active = self.one_in(3).then(|| self.one_in(2));
        if let Some(active) = active {
            body["active"] = json!(active);
            self.model.is_active = active;
        }
        self.log.push(format!("PUT {body}"));
        self.model.put(fields, emails, scim_only);
        let path = format!("/Users/{}", self.id);
        self.world.scim.put(&path, body).await.assert_status(200);
    }

    async fn patch(&mut self) {
        let (mut operations, mut about_emails) = (Vec::new(), Vec::new());
        for _ in 0..self.random.random_range(1..4) {
            let operation = match self.random.random_range(0..6) {
                0..3 => self.patch_field(),
                3 => {
                    let field = *SCIM_ONLY.choose(self.random).unwrap();
                    let value = self.value(field);
                    self.model.scim_only.insert(field, value.clone());
                    json!({"op": "add", "path": field, "value": value})
                }
                4 => {
                    self.model.is_active = self.one_in(2);
                    json!({"op": "Replace", "value": {"active": self.model.is_active}})
                }
                _ => {
                    let step = self.email_step();
                    let operation = match &step {
                        EmailStep::All(emails) => {
                            let emails: Vec<Value> = emails.iter().map(shown).collect();
                            json!({"op": "replace", "path": "emails", "value": emails})
                        }
                        EmailStep::Remove(kind) => {
                            json!({"op": "remove", "path": format!("emails[type eq \"{kind}\"]")})
                        }
                        EmailStep::Value(kind, Some(value)) => {
                            json!({"op": "add", "path": format!("emails[type eq \"{kind}\"].value"), "value": value})
                        }
                        EmailStep::Value(kind, None) => {
                            json!({"op": "remove", "path": format!("emails[type eq \"{kind}\"].value")})
                        }
                    };
                    about_emails.push(step);
                    operation
                }
            };
            operations.push(operation);
        }
        if !about_emails.is_empty() {
            self.model.patch_emails(&about_emails);
        }
        self.log.push(format!("PATCH {}", json!(operations)));
        let path = format!("/Users/{}", self.id);
        let answer = self.world.scim.patch(&path, json!(operations)).await;
        assert_eq!(answer.status, 200, "{:#?}: {}", self.log, answer.text());
    }

    fn patch_field(&mut self) -> Value {
        let removes = self.one_in(3);
        let field = match removes {
            true => *EMPTIED.choose(self.random).unwrap(),
            false => *[EMPTIED, KEPT].concat().choose(self.random).unwrap(),
        };
        let value = (!removes).then(|| self.value(field));
        self.model.patch(field, value.clone());
        match value {
            Some(value) if self.one_in(2) => json!({"op": "replace", "path": path(field), "value": value}),
            Some(value) => json!({"op": "add", "value": { path(field): value }}),
            None => json!({"op": "remove", "path": path(field)}),
        }
    }

    fn email_step(&mut self) -> EmailStep {
        let kind = ["work", "home"].choose(self.random).unwrap();
        match self.random.random_range(0..6) {
            0 => EmailStep::All(self.emails()),
            1 => EmailStep::Remove(kind),
            2 => EmailStep::Value(kind, None),
            _ => EmailStep::Value(kind, Some(self.value("email"))),
        }
    }

    /// The whole row of the HR system, with empty cells.
    async fn import(&mut self) {
        const CELLS: &[&str] = &[
            "email",
            "title",
            "employment_type",
            "department",
            "cost_centre",
            "employee_number",
        ];
        let mut fields = Fields::new();
        for field in CELLS {
            let value = match self.one_in(4) {
                true => String::new(),
                false => self.value(field),
            };
            fields.insert(field, value);
        }
        for field in [
            "username",
            "given_name",
            "family_name",
            "manager_id",
            "org_unit_id",
        ] {
            let value = self.value(field);
            fields.insert(field, value);
        }
        let cell = |field: &&str| fields[*field].clone();
        let mut cells: Vec<String> = ["username", "given_name", "family_name"]
            .iter()
            .chain(CELLS)
            .map(cell)
            .collect();
        cells.push(self.world.managers[&fields["manager_id"]].clone());
        cells.push(fields["org_unit_id"].clone());
        let header = "id,name,given_name,family_name,email,title,employment_type,department,cost_centre,employee_number,boss,unit";
        let file = format!("{header}\nk{},{}\n", self.number, cells.join(","));
        self.log.push(format!("import {file}"));
        self.model.write(&fields);
        let import = self.world.importing.plan("side", file).await;
        assert_eq!(
            import.at("/counts/refuse"),
            0,
            "{:#?}: {}",
            self.log,
            import.text()
        );
        if import.at("/counts/unchanged") != 1 {
            self.world.importing.applied(&import).await;
        }
    }

    async fn v1(&mut self) {
        let mut fields = self.fields(EMPTIED, 4);
        let some = self.fields(
            &["title", "department", "manager_id", "employee_number", "email"],
            4,
        );
        fields.extend(some.into_keys().map(|field| (field, String::new())));
        fields.extend(self.fields(KEPT, 4));
        fields.extend(self.fields(&["email"], 4));
        let mut body = Map::new();
        for (field, value) in &fields {
            let value = match (*field, value.as_str()) {
                (_, "") => Value::Null,
                ("org_unit_id", code) => json!(self.world.units[code]),
                (_, value) => json!(value),
            };
            match *field {
                "employee_number" => body.insert("attributes".into(), json!({ "employee_number": value })),
                field => body.insert(field.into(), value),
            };
        }
        if self.one_in(4) {
            self.model.is_active = self.one_in(2);
            let status = if self.model.is_active {
                "active"
            } else {
                "suspended"
            };
            body.insert("status".into(), json!(status));
        }
        self.log.push(format!("/v1 {}", json!(body)));
        self.model.write(&fields);
        let path = format!("/v1/users/{}", self.id);
        self.world
            .importing
            .admin
            .patch(&path, body.into())
            .await
            .assert_status(200);
    }

    /// Every field is as the model has it.
    async fn compare(&self) {
        let (model, log) = (&self.model, &self.log);
        let of_v1 = |field: &str| match field {
            "employee_number" => "/attributes/employee_number".to_owned(),
            field => format!("/{field}"),
        };
        let row = self
            .world
            .importing
            .admin
            .get(&format!("/v1/users/{}", self.id))
            .await;
        let resource = self.world.scim.get(&format!("/Users/{}", self.id)).await;
        for field in EMPTIED.iter().chain(KEPT) {
            let value = model.row.get(field);
            let in_row = match *field {
                "org_unit_id" => value.map(|code| &self.world.units[code]),
                _ => value,
            };
            assert_eq!(
                row.at(&of_v1(field)),
                json!(in_row),
                "{field} of /v1 after {log:#?}"
            );
            assert_eq!(
                resource.at(&pointer(field)),
                json!(value),
                "{field} of SCIM after {log:#?}"
            );
        }
        for field in SCIM_ONLY {
            let value = json!(model.scim_only.get(field));
            assert_eq!(resource.at(&pointer(field)), value, "{field} after {log:#?}");
        }
        assert_eq!(
            row.at("/email"),
            json!(model.email),
            "email of /v1 after {log:#?}"
        );
        let emails: Vec<Value> = model.emails().iter().map(shown).collect();
        let mut seen = resource.at("/emails").as_array().cloned().unwrap_or_default();
        for email in seen.iter_mut().filter(|email| email["primary"] == false) {
            email.as_object_mut().unwrap().remove("primary");
        }
        assert_eq!(seen, emails, "emails of SCIM after {log:#?}");
        assert_eq!(
            resource.at("/active"),
            json!(model.is_active),
            "active after {log:#?}"
        );
        assert_eq!(
            row.at("/status") == "active",
            model.is_active,
            "status after {log:#?}"
        );
    }
}

/// An address as a resource has it.
fn shown(email: &Email) -> Value {
    let mut shown = json!({ "type": email.kind });
    if email.primary {
        shown["primary"] = json!(true);
    }
    if let Some(value) = &email.value {
        shown["value"] = json!(value);
    }
    shown
}

/// The profile of an HR system.
fn profile() -> Value {
    let column = |name: &str| json!({ "column": name });
    json!({ "code": "side", "name": "HR", "resource": "users", "mapping": {
        "key": { "source": "hr", "value": column("id") },
        "fields": {
            "username": column("name"),
            "given_name": column("given_name"), "family_name": column("family_name"), "email": column("email"),
            "title": column("title"), "employment_type": column("employment_type"),
            "department": column("department"), "cost_centre": column("cost_centre"),
            "attributes.employee_number": column("employee_number"),
        },
        "references": {
            "manager": { "by": "username", "value": column("boss") },
            "org_unit": { "by": "code", "value": column("unit") },
        },
    }})
}

async fn world() -> World {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let definition = json!({"name": "employee_number", "label": "Employee number", "kind": "string"});
    admin
        .post("/v1/attribute-definitions", definition)
        .await
        .assert_status(201);
    admin
        .post("/v1/import-profiles", profile())
        .await
        .assert_status(201);
    let (mut units, mut managers) = (BTreeMap::new(), BTreeMap::new());
    for code in ["north", "south"] {
        let unit = admin
            .post("/v1/org-units", json!({"code": code, "name": code}))
            .await;
        units.insert(code.to_owned(), unit.assert_status(201).id());
    }
    for name in ["boss1", "boss2"] {
        let body = json!({"username": name, "given_name": name, "family_name": ""});
        let boss = admin.post("/v1/users", body).await;
        managers.insert(boss.assert_status(201).id(), name.to_owned());
    }
    let scim = provider(&app, "Okta").await.scim;
    let importing = Importing { app, admin };
    World {
        importing,
        scim,
        units,
        managers,
    }
}

// Faults 12 and 23.
#[actix_web::test]
async fn random_histories_by_scim_hr_and_v1_agree_with_a_plain_model() {
    let world = world().await;
    let mut random = StdRng::seed_from_u64(23);
    for number in 0..soak(HISTORIES) {
        let mut history = History {
            world: &world,
            random: &mut random,
            number,
            model: Model::default(),
            id: String::new(),
            log: Vec::new(),
        };
        history.begin().await;
        history.compare().await;
        for _ in 0..STEPS {
            history.step().await;
            history.compare().await;
        }
    }
}
