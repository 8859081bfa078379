//! Sign-in, tokens, roles, grants and scopes, through HTTP.

mod attempts;
mod bad_tokens;
mod bulk;
mod descriptions;
mod discovery;
mod dynamic_groups;
mod escalation;
pub mod exchange;
mod explain;
mod grants;
mod introspection;
mod keys;
mod moving;
mod password_rules;
mod passwords;
mod probing;
mod random_grants;
mod rates;
mod refresh;
mod revocation;
mod roles;
pub mod scopes;
mod service_accounts;
mod sessions;
mod sign_in;
mod sso;
mod tokens;
mod two_audiences;

use provost::authz::Permission;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Client, TestApp};

/// Sends a form to one of the OAuth endpoints.
pub async fn form(client: &Client, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    client
        .send(
            awc::http::Method::POST,
            path,
            Some(body.into_bytes()),
            "application/x-www-form-urlencoded",
        )
        .await
}

/// What a person got at the token endpoint.
struct SignedIn {
    access_token: String,
    refresh_token: String,
}

impl SignedIn {
    fn of(answer: &Answer) -> Self {
        let text = |pointer| answer.at(pointer).as_str().unwrap_or_default().to_owned();
        SignedIn {
            access_token: text("/access_token"),
            refresh_token: text("/refresh_token"),
        }
    }

    fn client(&self, app: &TestApp) -> Client {
        Client::new(&app.address, Some(self.access_token.clone()))
    }
}

const PASSWORD: &str = "a long password";

/// A person of that name with a password.
async fn person_with_password(app: &TestApp, name: &str) -> Uuid {
    let admin = app.admin().await;
    let user = person(&admin, name).await;
    admin
        .with("If-Match", "*")
        .put(
            &format!("/v1/users/{user}/password"),
            json!({"password": PASSWORD}),
        )
        .await
        .assert_status(204);
    user
}

/// Signs in with [`PASSWORD`].
async fn sign_in(app: &TestApp, name: &str) -> SignedIn {
    let parameters = [
        ("grant_type", "password"),
        ("username", name),
        ("password", PASSWORD),
    ];
    let answer = form(&app.anonymous(), "/oauth/token", &parameters).await;
    SignedIn::of(&answer.assert_status(200))
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
    form(&app.anonymous(), "/oauth/token", &parameters).await
}

/// The person's sessions, the newest first.
async fn sessions(client: &Client, user: Uuid) -> Vec<Value> {
    let answer = client.get(&format!("/v1/users/{user}/sessions")).await;
    answer.assert_status(200).at("/data").as_array().unwrap().clone()
}

/// A service account with a secret, which holds these permissions in a scope.
async fn client_with_secret(
    app: &TestApp,
    permissions: &[Permission],
    scope: (&str, Option<Uuid>),
) -> (String, String) {
    let account = app.holding(permissions, scope.0, scope.1);
    let account = account.get("/v1/me").await.id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let secret = app.admin().await.post(&path, json!({})).await.assert_status(201);
    (account, secret.at("/secret").as_str().unwrap().to_owned())
}

/// It has the shape of RFC 6749, section 5.2.
#[track_caller]
fn assert_oauth_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.status, answer.at("/error")),
        (status, json!(error)),
        "{}: {}",
        answer.request,
        answer.text()
    );
    assert!(answer.at("/error_description").is_string());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// A person of that name.
pub async fn person(admin: &Client, name: &str) -> Uuid {
    person_with(admin, json!({"username": name})).await
}

/// A person with these fields beside the required ones.
async fn person_with(admin: &Client, fields: Value) -> Uuid {
    let mut body = json!({"given_name": "Given", "family_name": "Family"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    id(&admin.post("/v1/users", body).await.assert_status(201))
}

/// The id of the role with that code.
async fn role(client: &Client, code: &str) -> Uuid {
    let roles = client.get("/v1/roles?limit=200").await.assert_status(200);
    let roles = roles.at("/data");
    let role = roles.as_array().unwrap().iter().find(|role| role["code"] == code);
    role.unwrap()["id"].as_str().unwrap().parse().unwrap()
}

/// A grant's body.
pub fn grant_body(principal: (&str, Uuid), role: Uuid, scope: (&str, Option<Uuid>)) -> Value {
    json!({"principal_kind": principal.0, "principal_id": principal.1, "role_id": role,
        "scope_kind": scope.0, "scope_id": scope.1})
}

pub fn id(answer: &Answer) -> Uuid {
    answer.id().parse().unwrap()
}
