//! Sign-in, tokens, roles, grants and scopes, through HTTP.

mod escalation;
mod explain;
mod grants;
mod roles;
mod scopes;
mod service_accounts;
mod sign_in;
mod tokens;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Client};

/// A person of that name.
async fn person(admin: &Client, name: &str) -> Uuid {
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
fn grant_body(principal: (&str, Uuid), role: Uuid, scope: (&str, Option<Uuid>)) -> Value {
    json!({"principal_kind": principal.0, "principal_id": principal.1, "role_id": role,
        "scope_kind": scope.0, "scope_id": scope.1})
}

fn id(answer: &Answer) -> Uuid {
    answer.id().parse().unwrap()
}
