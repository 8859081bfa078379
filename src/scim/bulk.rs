//! `/scim/v2/Bulk` (RFC 7644, section 3.7): requests that are done one after the other in one transaction, each by itself
//! done or refused. What one of them makes others may name by its `bulkId`.

use std::collections::{HashMap, HashSet};

use actix_web::{http::StatusCode, post};
use serde_json::{Map, Value, json};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    call::{Client, ScimBody, ScimCall},
    groups,
    model::ScimBulk,
    respond,
    schema::{GROUP, ResourceType, USER, check_schemas},
    users,
};
use crate::{
    app::Tx,
    db::Fixed,
    http::{ApiError, ApiResult, Code, IfMatch, Reply, Versioned},
    scim::error::ScimError,
    sql,
};

/// Operations at most in one request.
pub const MOST_OPERATIONS: usize = 500;

/// The routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(bulk_write_scim);
}

/// Write users and groups in bulk (SCIM).
///
/// Each operation succeeds or fails by itself, with the permissions of the single requests. Operations that refer to
/// others by `bulkId` run after them.
#[utoipa::path(tag = "scim", request_body(content = ScimBulk, content_type = "application/scim+json"),
    responses((status = 200, body = ScimBulk, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.write"))))]
#[post("/Bulk")]
async fn bulk_write_scim(call: ScimCall, body: ScimBody) -> ApiResult<Reply> {
    call.write(body.0, |tx, client, body| {
        tx.require(crate::authz::Permission::UsersWrite)?;
        let request = Request::read(body.clone())?;
        request.lock(tx)?;
        respond::ok(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": request.run(tx, client)?,
        }))
    })
    .await
}

struct Request {
    most_errors: Option<u64>,
    operations: Vec<Operation>,
}

#[derive(Clone)]
struct Operation {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Value,
}

impl Request {
    fn read(body: Value) -> ApiResult<Self> {
        let mut members = object(body)?;
        let Some(Value::Array(listed)) = members.remove("operations") else {
            return Err(syntax("A bulk request has a list of Operations."));
        };
        if listed.len() > MOST_OPERATIONS {
            return Err(ApiError::new(
                Code::PayloadTooLarge,
                format!("Send at most {MOST_OPERATIONS} operations at once."),
            ));
        }
        let operations = listed.into_iter().map(Operation::read);
        let operations = operations.collect::<ApiResult<Vec<_>>>()?;
        let mut seen = HashSet::new();
        let mut bulk_ids = operations.iter().filter_map(|one| one.bulk_id.as_deref());
        if let Some(twice) = bulk_ids.find(|bulk_id| !seen.insert(*bulk_id)) {
            let detail = format!("has the bulkId {twice:?} twice");
            return Err(ApiError::field("Operations", detail));
        }
        Ok(Request {
            most_errors: members
                .get("failonerrors")
                .and_then(Value::as_u64)
                .filter(|most| *most > 0),
            operations,
        })
    }

    /// Locks what the operations name, in the order of ids and groups first, as a change of members does: requests that
    /// name the same people in other orders would each hold what the other waits for.
    fn lock(&self, tx: &mut Tx) -> ApiResult<()> {
        let (mut groups, mut users) = (Vec::new(), Vec::new());
        for operation in &self.operations {
            let Ok((resource_type, id)) = operation.target() else {
                continue;
            };
            if resource_type.name == USER.name {
                users.extend(id);
            } else {
                groups.extend(id);
                note_ids(&operation.data, &mut users);
            }
        }
        for (table, ids) in [("groups", groups), ("users", users)] {
            sql!(
                "SELECT id FROM {table} WHERE id = ANY({ids}) ORDER BY id FOR NO KEY UPDATE",
                table = Fixed(table),
            )
            .execute(tx.conn)?;
        }
        Ok(())
    }

    /// Does the operations in their order, but those that wait for others after those; answers them in the order of the
    /// request.
    fn run(self, tx: &mut Tx, client: &Client) -> ApiResult<Vec<Value>> {
        let mut made: HashMap<String, Uuid> = HashMap::new();
        let mut answers: Vec<Option<Value>> = self.operations.iter().map(|_| None).collect();
        let mut waiting: Vec<usize> = (0..self.operations.len()).collect();
        let mut errors = 0;
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for at in waiting {
                if self.most_errors.is_some_and(|most| errors >= most) {
                    return Ok(answers.into_iter().flatten().collect());
                }
                let operation = &self.operations[at];
                let Some(operation) = operation.resolved(&made) else {
                    still.push(at);
                    continue;
                };
                let outcome = tx.attempt(|tx| operation.run(tx, client));
                if let (Ok(done), Some(bulk_id)) = (&outcome, &operation.bulk_id) {
                    made.extend(done.id.map(|id| (bulk_id.clone(), id)));
                }
                errors += u64::from(outcome.is_err());
                answers[at] = Some(operation.answer(outcome)?);
            }
            if still.is_empty() {
                return Ok(answers.into_iter().flatten().collect());
            }
            if still.len() == before {
                let circular = self.circular(&still, &made);
                for at in still {
                    let error = match circular.contains(&at) {
                        true => ApiError::new(Code::Conflict, "The operation waits for itself by bulkIds."),
                        false => syntax("The operation names a bulkId that no operation which was done has."),
                    };
                    answers[at] = Some(self.operations[at].answer(Err(error))?);
                }
                return Ok(answers.into_iter().flatten().collect());
            }
            waiting = still;
        }
    }

    /// Those of the operations which only wait for each other: all that they name would be there if all were done.
    fn circular(&self, waiting: &[usize], made: &HashMap<String, Uuid>) -> Vec<usize> {
        let mut left = waiting.to_vec();
        loop {
            let before = left.len();
            let mut there = made.clone();
            let bulk_ids = left.iter().filter_map(|at| self.operations[*at].bulk_id.clone());
            there.extend(bulk_ids.map(|bulk_id| (bulk_id, Uuid::nil())));
            left.retain(|at| self.operations[*at].resolved(&there).is_some());
            if left.len() == before {
                return left;
            }
        }
    }
}

/// An operation that was done.
struct Done {
    status: StatusCode,
    id: Option<Uuid>,
    location: Option<String>,
    etag: Option<String>,
}

impl Operation {
    fn read(value: Value) -> ApiResult<Self> {
        let mut members = object(value)?;
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(syntax(
                "An operation's method, path, bulkId and version are text.",
            )),
        };
        let method = text("method")?.unwrap_or_default().to_ascii_uppercase();
        let path = text("path")?.ok_or_else(|| syntax("An operation has a path."))?;
        let (bulk_id, version) = (text("bulkid")?, text("version")?);
        Ok(Operation {
            method,
            path,
            bulk_id,
            version,
            data: members.remove("data").unwrap_or_default(),
        })
    }

    /// With ids in the places of the `bulkId:…` that name what was made; none while one of them is not.
    fn resolved(&self, made: &HashMap<String, Uuid>) -> Option<Self> {
        let path = match self.path.split_once("bulkId:") {
            Some((head, name)) => format!("{head}{}", made.get(name)?),
            None => self.path.clone(),
        };
        Some(Operation {
            path,
            data: with_ids(&self.data, made)?,
            ..self.clone()
        })
    }

    fn run(&self, tx: &mut Tx, client: &Client) -> ApiResult<Done> {
        let (resource_type, id) = self.target()?;
        check_schemas(&self.data)?;
        let known = self.version.clone().map(IfMatch::of);
        let known = known.as_ref();
        let is_user = resource_type.name == USER.name;
        let (status, id, etag) = match (self.method.as_str(), id, is_user) {
            ("POST", None, true) => user(StatusCode::CREATED, users::write::create(tx, client, &self.data)?),
            ("POST", None, false) => group(
                StatusCode::CREATED,
                groups::write::create(tx, client, &self.data)?,
            ),
            ("PUT", Some(id), true) => user(
                StatusCode::OK,
                users::write::replace(tx, client, id, known, &self.data)?,
            ),
            ("PUT", Some(id), false) => group(
                StatusCode::OK,
                groups::write::replace(tx, client, id, known, &self.data)?,
            ),
            ("PATCH", Some(id), true) => user(
                StatusCode::OK,
                users::write::update(tx, client, id, known, &self.data)?,
            ),
            ("PATCH", Some(id), false) => group(
                StatusCode::OK,
                groups::write::update(tx, client, id, known, &self.data)?,
            ),
            ("DELETE", Some(id), is_user) => {
                match is_user {
                    true => users::write::delete(tx, client, id, known)?,
                    false => groups::write::delete(tx, client, id, known)?,
                }
                (StatusCode::NO_CONTENT, id, None)
            }
            _ => {
                return Err(syntax(
                    "POST is for /Users or /Groups; PUT, PATCH and DELETE for one of them.",
                ));
            }
        };
        Ok(Done {
            status,
            id: Some(id),
            location: Some(format!("{}{}/{id}", client.base, resource_type.endpoint)),
            etag,
        })
    }

    /// The resource type of the path, and the id in it.
    fn target(&self) -> ApiResult<(&'static ResourceType, Option<Uuid>)> {
        let unknown = || ApiError::not_found("such resource");
        for resource_type in [&USER, &GROUP] {
            let path = self.path.trim_end_matches('/');
            let Some(rest) = path.strip_prefix(resource_type.endpoint) else {
                continue;
            };
            return match rest.strip_prefix('/') {
                None if rest.is_empty() => Ok((resource_type, None)),
                Some(id) => Uuid::parse_str(id)
                    .map(|id| (resource_type, Some(id)))
                    .map_err(|_| unknown()),
                None => Err(unknown()),
            };
        }
        Err(unknown())
    }

    /// What became of it. A failure that is nobody's doing is one of the whole request.
    fn answer(&self, outcome: ApiResult<Done>) -> ApiResult<Value> {
        let mut answer = json!({ "method": self.method });
        if let Some(bulk_id) = &self.bulk_id {
            answer["bulkId"] = json!(bulk_id);
        }
        match outcome {
            Ok(done) => {
                answer["status"] = json!(done.status.as_str());
                answer["location"] = json!(done.location);
                if let Some(etag) = done.etag {
                    answer["version"] = json!(format!("W/{etag}"));
                }
            }
            Err(error) if error.is_retryable || error.code.status().is_server_error() => return Err(error),
            Err(error) => {
                let error = ScimError::from(&error);
                answer["status"] = json!(error.status);
                answer["response"] = json!(error);
                if self.method != "POST" {
                    answer["location"] = json!(self.path);
                }
            }
        }
        Ok(answer)
    }
}

type Written = (StatusCode, Uuid, Option<String>);

fn user(status: StatusCode, record: users::record::Record) -> Written {
    (status, record.user.id, Some(record.etag()))
}

fn group(status: StatusCode, record: groups::record::Record) -> Written {
    let etag = groups::record::etag(&record.group, None);
    (status, record.group.id, Some(etag))
}

/// The value with ids in the places of `bulkId:…`; none while one of them is not known.
fn with_ids(value: &Value, made: &HashMap<String, Uuid>) -> Option<Value> {
    Some(match value {
        Value::String(text) => match text.strip_prefix("bulkId:") {
            Some(name) => made.get(name)?.to_string().into(),
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| with_ids(item, made))
                .collect::<Option<_>>()?,
        ),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Some((name.clone(), with_ids(value, made)?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}

/// The ids that a value holds as texts, such as those of a group's members.
fn note_ids(value: &Value, ids: &mut Vec<Uuid>) {
    match value {
        Value::String(text) => ids.extend(Uuid::parse_str(text).ok()),
        Value::Array(items) => items.iter().for_each(|item| note_ids(item, ids)),
        Value::Object(members) => members.values().for_each(|member| note_ids(member, ids)),
        _ => {}
    }
}

/// The members of an object, their names in lower case.
fn object(value: Value) -> ApiResult<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect()),
        _ => Err(syntax("A bulk request and its operations are objects.")),
    }
}

fn syntax(detail: &'static str) -> ApiError {
    ApiError::new(Code::MalformedRequest, detail)
}
