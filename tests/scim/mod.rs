//! SCIM, through HTTP.

mod addresses;
mod bulk;
mod dry_runs;
mod entity_tags;
mod extensions;
mod groups;
mod lists;
mod lives;
mod password_names;
mod passwords;
mod protocol;
mod random_histories;
mod removals;
mod strictness;
mod tokens;
mod transcripts;
mod users;
mod values;

use awc::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// A service account for an identity provider, and a client with a SCIM token of it.
pub struct Provider {
    pub account: String,
    pub scim: Scim,
}

/// A client that speaks SCIM.
#[derive(Clone)]
pub struct Scim(pub Client);

impl Scim {
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let path = format!("/scim/v2{path}");
        let body = body.map(|body| body.to_string().into_bytes());
        let content_type = if body.is_some() {
            "application/scim+json"
        } else {
            ""
        };
        self.0.send(method, &path, body, content_type).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// A PATCH with these operations.
    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations,
        });
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// A user of that name; their id.
    pub async fn user(&self, name: &str) -> String {
        self.post("/Users", user(name)).await.assert_status(201).id()
    }

    /// The names of a list.
    pub async fn names(&self, path: &str) -> Vec<String> {
        let listed = self.get(path).await.assert_status(200);
        let resources = listed.at("/Resources").as_array().unwrap().clone();
        let name = |one: &Value| one.get("userName").or(one.get("displayName")).cloned().unwrap();
        resources
            .iter()
            .map(|one| name(one).as_str().unwrap().to_owned())
            .collect()
    }
}

impl Answer {
    /// It is an error of SCIM.
    #[track_caller]
    pub fn assert_scim_error(self, status: u16, scim_type: Option<&str>) -> Self {
        assert_eq!(
            (self.status, self.at("/status"), self.at("/scimType")),
            (status, json!(status.to_string()), json!(scim_type)),
            "{}: {}",
            self.request,
            self.text()
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/scim+json"),
            "{}",
            self.request
        );
        assert_eq!(
            self.at("/schemas"),
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert!(
            !self.at("/detail").as_str().unwrap_or_default().is_empty(),
            "{}",
            self.request
        );
        self
    }
}

/// The least that a user is.
pub fn user(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "name": { "givenName": name, "familyName": "Silva" }, "active": true,
    })
}

/// A service account with the role `integration` everywhere, and a SCIM token of it.
pub async fn provider(app: &TestApp, name: &str) -> Provider {
    let admin = app.admin().await;
    let account = admin
        .post("/v1/service-accounts", json!({ "name": name }))
        .await
        .assert_status(201)
        .id();
    let roles = admin.get("/v1/roles?filter=code%20eq%20%22integration%22").await;
    let grant = json!({
        "principal_kind": "service_account", "principal_id": account, "role_id": roles.at("/data/0/id"),
        "scope_kind": "everything",
    });
    admin.post("/v1/grants", grant).await.assert_status(201);
    let token = token(app, &account, json!({ "kind": "scim" })).await;
    Provider {
        account,
        scim: Scim(Client::new(&app.address, Some(token))),
    }
}

/// Another token of an account.
pub async fn token(app: &TestApp, account: &str, wanted: Value) -> String {
    let path = format!("/v1/service-accounts/{account}/secrets");
    let made = app.admin().await.post(&path, wanted).await.assert_status(201);
    made.at("/secret").as_str().unwrap().to_owned()
}
