//! Trying a request: it is done, answered, and taken back, and only the record of it stays.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    model::{ScimDryRun, ScimDryRunChange, ScimDryRunField},
    store,
};
use crate::{
    access::service_accounts::scim_tokens::ScimToken,
    app::Tx,
    http::{ApiError, ApiResult, Reply},
    ledger::Event,
    scim::{
        call::Asked,
        error::{self, MEDIA_TYPE, ScimError},
    },
};

/// The header that leads from an answer to its record.
const HEADER: &str = "Provost-Dry-Run";

/// Answers what `f` would, and records what it would have changed.
pub fn rehearse(
    tx: &mut Tx,
    token: &ScimToken,
    asked: &Asked,
    f: impl FnOnce(&mut Tx) -> ApiResult<Reply>,
) -> ApiResult<Reply> {
    let (outcome, events) = tx.rehearse(f)?;
    let (reply, detail) = match outcome {
        Ok(reply) => (reply, None),
        Err(error) => refusal(&error)?,
    };
    let run = ScimDryRun {
        id: Uuid::now_v7(),
        service_account_id: token.service_account_id,
        secret_id: token.id,
        request_id: tx.request_id.clone(),
        method: asked.method.clone(),
        path: asked.path.clone(),
        body: (!asked.body.is_null()).then(|| Value::clone(&asked.body)),
        status: reply.status.into(),
        changes: match detail {
            None => serde_json::to_value(changes(&events)).map_err(ApiError::internal)?,
            Some(_) => Value::Array(Vec::new()),
        },
        detail,
        created_at: tx.now,
    };
    store::insert(tx, &run)?;
    Ok(reply.header(HEADER, format!("/v1/scim/dry-runs/{}", run.id)))
}

/// A refusal as an answer, since an error would take its own record back.
fn refusal(error: &ApiError) -> ApiResult<(Reply, Option<String>)> {
    let body = ScimError::from(error);
    let bytes = serde_json::to_vec(&body).map_err(ApiError::internal)?;
    let headers = vec![("Content-Type".to_owned(), MEDIA_TYPE.to_owned())];
    let status = error::status(error.code).as_u16();
    Ok((Reply::stored(status, headers, bytes), Some(body.detail)))
}

/// What events tell, by field.
fn changes(events: &[Event]) -> Vec<ScimDryRunChange> {
    let changes = events.iter().map(|event| ScimDryRunChange {
        action: event.action.to_owned(),
        object_kind: event.object_kind.to_owned(),
        object_id: event.object_id,
        user_id: event.user_id,
        fields: fields(event.before.as_deref(), event.after.as_deref()),
    });
    changes.collect()
}

/// What every change changes.
const COUNTED: &[&str] = &["version", "updated_at"];

fn fields(before: Option<&str>, after: Option<&str>) -> BTreeMap<String, ScimDryRunField> {
    let members = |json: Option<&str>| -> Map<String, Value> {
        let members = json.and_then(|json| serde_json::from_str(json).ok());
        members.unwrap_or_default()
    };
    let (before, after) = (members(before), members(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |members: &Map<String, Value>, name: &str| members.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .filter(|name| !COUNTED.contains(&name.as_str()))
        .map(|name| {
            let (before, after) = (value(&before, name), value(&after, name));
            (name.clone(), ScimDryRunField { before, after })
        })
        .filter(|(_, field)| field.before != field.after)
        .collect()
}
