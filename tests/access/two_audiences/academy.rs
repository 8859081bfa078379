//! An academy of two audiences that are built alike. Every code, name and address of an audience holds its word, so that
//! an answer which holds the word, or an id of the audience's things, tells of it.

use std::collections::BTreeMap;

use provost::{app::Acting, authz::Permission, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{PASSWORD, grant_body, person_with, role, sign_in};
use crate::support::{Client, TestApp};

/// Ids by the names that paths, bodies and questions have for them.
pub type Ids = BTreeMap<String, String>;

/// An audience: its things, and who asks on its behalf.
pub struct Audience {
    pub word: &'static str,
    pub ids: Ids,
    /// Holds every permission, in the scopes of the audience's unit, group and category.
    pub administrator: Client,
    /// Has reports, and the role of managers over them.
    pub manager: Client,
    /// Signed in with a password.
    pub learner: Client,
}

impl Audience {
    pub fn callers(&self) -> [(&'static str, &Client); 3] {
        [
            ("administrator", &self.administrator),
            ("manager", &self.manager),
            ("learner", &self.learner),
        ]
    }

    /// The ids of all that is theirs.
    pub fn all_ids(&self, app: &TestApp) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            id: String,
        }
        let word = format!("%{}%", self.word);
        let reading = Acting::system("test");
        let rows: Vec<Row> = app
            .app
            .read_blocking(&reading, move |tx| {
                let ids = sql!(
                    "WITH person AS (SELECT id FROM users WHERE username LIKE {word}), thing AS (
                        SELECT id FROM person
                        UNION ALL SELECT id FROM org_units WHERE code LIKE {word} UNION ALL SELECT id
                        FROM groups WHERE code LIKE {word} UNION ALL SELECT id FROM categories
                        WHERE code LIKE {word} UNION ALL SELECT id FROM courses WHERE code LIKE {word})
                     SELECT id::text FROM thing
                     UNION ALL SELECT v.id::text FROM course_versions v
                     JOIN thing ON thing.id = v.course_id
                     UNION ALL SELECT f.id::text FROM requirements f
                     JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM requirement_reasons f
                     JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM enrollments f JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM completions f JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM certificates f
                     JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.serial FROM certificates f JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM user_history f
                     JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM sessions f JOIN person ON person.id = f.user_id
                     UNION ALL SELECT f.id::text FROM grants f
                     JOIN thing ON thing.id IN (f.principal_id, f.scope_id)
                     UNION ALL SELECT f.id::text FROM events f
                     JOIN thing ON thing.id IN (f.user_id, f.object_id)",
                    word = word.as_str(),
                );
                Ok(diesel::RunQueryDsl::load(ids, tx.conn)?)
            })
            .unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }
}

/// What belongs to the whole academy and to no audience; it holds both words, since it is for neither.
pub async fn commons(app: &TestApp, admin: &Client, words: [&str; 2]) -> Ids {
    let word = words.join("-");
    let make = async |path: &str, body: Value| admin.post(path, body).await.assert_status(201).id();
    let rule = json!({"code": word, "name": word, "audience": {"filter": format!("title eq \"{word}\"")}, "targets": [],
        "due": {"kind": "after_joining", "offset": "P30D"}});
    let profile = json!({"code": word.replace('-', "_"), "name": word, "resource": "users", "mapping": {
        "key": {"source": "feed", "value": {"column": "id"}},
        "fields": {"username": {"column": "id"}, "given_name": {"column": "id"}}}});
    let account = make("/v1/service-accounts", json!({"name": word})).await;
    let secret = admin
        .post(&format!("/v1/service-accounts/{account}/secrets"), json!({}))
        .await
        .assert_status(201);
    let verification = admin.post("/v1/ledger/verifications", json!({})).await;
    let jobs = admin.get("/v1/jobs").await.assert_status(200);
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let ids = [
        ("rule_id", make("/v1/rules", rule).await),
        (
            "template_id",
            make("/v1/certificate-templates", json!({"code": word, "name": word})).await,
        ),
        ("import_profile_id", make("/v1/import-profiles", profile).await),
        ("service_account_id", account),
        ("secret_id", text(secret.at("/record/id"))),
        ("operation_id", verification.assert_status(202).id()),
        ("job_id", text(jobs.at("/data/0/id"))),
        ("role_id", role(admin, "learner").await.to_string()),
        ("resource_type", "User".to_owned()),
        ("schema", "urn:ietf:params:scim:schemas:core:2.0:User".to_owned()),
    ];
    make(
        "/v1/roles",
        json!({"code": "catalogue", "name": "Catalogue", "permissions": ["courses.read"]}),
    )
    .await;
    make(
        "/v1/roles",
        json!({"code": "audience_admin", "name": "Audience", "permissions": Permission::ALL}),
    )
    .await;
    app.run_jobs();
    ids.map(|(name, id)| (name.to_owned(), id)).into()
}

/// Builds an audience as `docs/access.md` says.
pub async fn audience(app: &TestApp, admin: &Client, commons: &Ids, word: &'static str) -> Audience {
    let mut ids = commons.clone();
    places(admin, word, &mut ids).await;
    people(admin, word, &mut ids).await;
    grants(admin, &mut ids).await;
    courses(admin, word, &mut ids).await;
    facts(app, admin, &mut ids).await;
    let learner = format!("{word}-learner");
    let path = format!("/v1/users/{}/password", ids["user_id"]);
    admin
        .with("If-Match", "*")
        .put(&path, json!({"password": PASSWORD}))
        .await
        .assert_status(204);
    let learner = sign_in(app, &learner).await.client(app);
    app.run_jobs();
    let user = ids["user_id"].clone();
    save(
        admin,
        &mut ids,
        "session_id",
        &format!("/v1/users/{user}/sessions"),
        "/data/0/id",
    )
    .await;
    let events = format!("/v1/events?filter=user_id%20eq%20%22{user}%22");
    save(admin, &mut ids, "event_id", &events, "/data/0/id").await;
    let client = |name: &str| app.client_of(ids[name].parse().unwrap());
    Audience {
        word,
        administrator: client("administrator_id"),
        manager: client("manager_id"),
        learner,
        ids,
    }
}

/// Its units, one below the other, its group and its category, which is restricted.
async fn places(admin: &Client, word: &str, ids: &mut Ids) {
    let keys = json!([{"source": format!("{word}-hr"), "key": format!("{word}-key")}]);
    let unit = json!({"code": format!("{word}-unit"), "name": format!("{word} unit")});
    make(admin, ids, "org_unit_id", "/v1/org-units", unit).await;
    let desk = json!({"code": format!("{word}-desk"), "name": format!("{word} desk"), "parent_id": ids["org_unit_id"]});
    make(admin, ids, "desk_id", "/v1/org-units", desk).await;
    let group = json!({"code": format!("{word}-group"), "name": format!("{word} group"), "kind": "dynamic",
        "filter": format!("org_unit eq \"{word}-unit\"")});
    make(admin, ids, "dynamic_group_id", "/v1/groups", group).await;
    let group = json!({"code": format!("{word}-static"), "name": format!("{word} static")});
    make(admin, ids, "group_id", "/v1/groups", group).await;
    let category = json!({"code": format!("{word}-category"), "name": format!("{word} category"), "visibility": "restricted"});
    make(admin, ids, "category_id", "/v1/categories", category).await;
    for (resource, id) in [("org-units", "org_unit_id"), ("groups", "group_id")] {
        let path = format!("/v1/{resource}/{}/external-keys", ids[id]);
        admin.post(&path, keys[0].clone()).await.assert_status(201);
    }
    ids.insert("home_unit_id".to_owned(), ids["org_unit_id"].clone());
    ids.insert("source".to_owned(), format!("{word}-hr"));
    ids.insert("key".to_owned(), format!("{word}-key"));
    ids.insert("word".to_owned(), word.to_owned());
}

/// An administrator, a manager, and two who report to them; all in the group.
async fn people(admin: &Client, word: &str, ids: &mut Ids) {
    let mut everybody = Vec::new();
    for (name, title) in [
        ("administrator_id", "administrator"),
        ("manager_id", "manager"),
        ("user_id", "learner"),
        ("colleague_id", "colleague"),
    ] {
        let is_report = matches!(title, "learner" | "colleague");
        let fields = json!({"username": format!("{word}-{title}"), "family_name": word, "department": word,
            "email": format!("{title}@{word}.example"), "org_unit_id": ids[if is_report { "desk_id" } else { "org_unit_id" }],
            "manager_id": is_report.then(|| ids["manager_id"].clone())});
        let person = person_with(admin, fields).await.to_string();
        everybody.push(person.clone());
        ids.insert(name.to_owned(), person);
    }
    let members = format!("/v1/groups/{}/members", ids["group_id"]);
    admin
        .post(&members, json!({"add": everybody}))
        .await
        .assert_status(200);
    let learner = format!("/v1/users/{}", ids["user_id"]);
    admin
        .patch(&learner, json!({"title": format!("{word} nurse")}))
        .await
        .assert_status(200);
    let key = json!({"source": format!("{word}-hr"), "key": format!("{word}-key")});
    admin
        .post(&format!("{learner}/external-keys"), key)
        .await
        .assert_status(201);
    ids.insert("scim_user_id".to_owned(), ids["user_id"].clone());
    ids.insert("scim_group_id".to_owned(), ids["group_id"].clone());
}

/// The catalogue for the group, the line below for the manager, and everything in scope for the administrator.
async fn grants(admin: &Client, ids: &mut Ids) {
    let keeper = role(admin, "audience_admin").await;
    let id = |name: &str| -> Uuid { ids[name].parse().unwrap() };
    let administrator = ("user", id("administrator_id"));
    let bodies = [
        grant_body(
            ("group", id("group_id")),
            role(admin, "catalogue").await,
            ("category", Some(id("category_id"))),
        ),
        grant_body(
            ("user", id("manager_id")),
            role(admin, "manager").await,
            ("own_reports", None),
        ),
        grant_body(administrator, keeper, ("group", Some(id("group_id")))),
        grant_body(administrator, keeper, ("category", Some(id("category_id")))),
        grant_body(administrator, keeper, ("org_unit", Some(id("org_unit_id")))),
    ];
    for body in bodies {
        make(admin, ids, "grant_id", "/v1/grants", body).await;
    }
}

/// A course of two versions, another, and a draft.
async fn courses(admin: &Client, word: &str, ids: &mut Ids) {
    for (name, code) in [
        ("draft_id", "draft"),
        ("second_id", "second"),
        ("course_id", "course"),
    ] {
        let body = json!({"code": format!("{word}-{code}"), "title": format!("Fire {word} {code}"), "language": "en",
            "category_id": ids["category_id"], "tags": [word], "provider": word,
            "modules": [{"title": format!("{word} doors")}]});
        make(admin, ids, name, "/v1/courses", body).await;
    }
    for name in ["second_id", "course_id", "course_id"] {
        let path = format!("/v1/courses/{}", ids[name]);
        let publication = format!("{path}/publications");
        admin.post(&publication, json!({})).await.assert_status(201);
        admin
            .patch(&path, json!({"summary": format!("{word} smoke")}))
            .await
            .assert_status(200);
    }
    let key = json!({"source": format!("{word}-hr"), "key": format!("{word}-key")});
    let path = format!("/v1/courses/{}/external-keys", ids["course_id"]);
    admin.post(&path, key).await.assert_status(201);
    ids.insert("number".to_owned(), "2".to_owned());
}

/// What must be learnt and is late, with the enrollment that comes with it, and what was done, with its certificate.
async fn facts(app: &TestApp, admin: &Client, ids: &mut Ids) {
    for person in ["colleague_id", "user_id"] {
        let body = json!({"user_id": ids[person], "target": {"kind": "course", "id": ids["course_id"]}, "note": ids["word"],
            "opens_on": "2020-01-01", "due_on": "2020-02-01"});
        make(admin, ids, "requirement_id", "/v1/requirements", body).await;
        let body = json!({"user_id": ids[person], "course_id": ids["second_id"], "evidence": ids["word"]});
        make(admin, ids, "completion_id", "/v1/completions", body).await;
    }
    let rule = json!({"code": format!("{word}-rule", word = ids["word"]), "name": ids["word"], "org_unit_id": ids["org_unit_id"],
        "audience": {"filter": "username pr"}, "due": {"kind": "after_joining", "offset": "P30D"},
        "targets": [{"kind": "course", "id": ids["second_id"]}]});
    make(admin, ids, "rule_id", "/v1/rules", rule).await;
    app.run_jobs();
    let requirement = format!("/v1/requirements/{}", ids["requirement_id"]);
    save(admin, ids, "reason_id", &requirement, "/reasons/0/id").await;
    let mine = format!("?filter=user_id%20eq%20%22{}%22", ids["user_id"]);
    save(
        admin,
        ids,
        "certificate_id",
        &format!("/v1/certificates{mine}"),
        "/data/0/id",
    )
    .await;
    save(
        admin,
        ids,
        "enrollment_id",
        &format!("/v1/enrollments{mine}"),
        "/data/0/id",
    )
    .await;
}

async fn make(admin: &Client, ids: &mut Ids, name: &str, path: &str, body: Value) {
    let id = admin.post(path, body).await.assert_status(201).id();
    ids.insert(name.to_owned(), id);
}

async fn save(admin: &Client, ids: &mut Ids, name: &str, path: &str, pointer: &str) {
    let answer = admin.get(path).await.assert_status(200);
    let id = answer.at(pointer);
    let id = id
        .as_str()
        .unwrap_or_else(|| panic!("{path} answers no {pointer}"));
    ids.insert(name.to_owned(), id.to_owned());
}
