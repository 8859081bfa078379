//! The types of `/v1/events`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder,
        schema::{ArrayBuilder, SchemaType, Type},
    },
};

use super::changes;
use crate::{
    http::{
        FieldError, ListQuery, Parameters,
        csv::{CsvRow, cell},
        export::ExportFormat,
    },
    ledger::SealedEvent,
};

/// A member that differs between `before` and `after`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// The member; within another object, the path to it, such as `attributes/badge`.
    #[schema(example = "given_name")]
    pub field: String,
    /// Its value before; null where it was not there.
    #[schema(schema_with = any_value)]
    pub before: Value,
    /// Its value after; null where it is gone.
    #[schema(schema_with = any_value)]
    pub after: Value,
}

/// Any JSON. Generators of clients want to know what arrays hold.
fn any_value() -> OneOfBuilder {
    let types = [
        Type::String,
        Type::Number,
        Type::Boolean,
        Type::Object,
        Type::Null,
    ];
    let one = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter(types))
        .build();
    let many = ArrayBuilder::new().items(one.clone());
    OneOfBuilder::new().item(one).item(many)
}

/// A change to one thing, sealed into the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The event.
    #[serde(flatten)]
    pub event: SealedEvent,
    /// What differs between `before` and `after`, without `version` and `updated_at`; empty if one of them is null.
    pub changes: Vec<FieldChange>,
}

impl From<SealedEvent> for Event {
    fn from(event: SealedEvent) -> Self {
        Event {
            changes: changes::between(event.before.as_ref(), event.after.as_ref()),
            event,
        }
    }
}

/// The feed's parameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// Only events after this position: the last one that the reader has.
    #[param(minimum = 0)]
    pub after: Option<i64>,
    /// Rows a page; CSV and NDJSON always hold all.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The order: `position`, or `-position` for the latest first.
    #[param(example = "-position")]
    pub sort: Option<String>,
    /// Which events, in the filter language.
    #[param(max_length = 4096, example = "object_kind eq \"user\"")]
    pub filter: Option<String>,
    /// What to show inside each event of a page.
    #[param(max_length = 200)]
    pub expand: Option<String>,
    /// `json`, `csv` or `ndjson`; overrides `Accept`.
    #[param(inline)]
    pub format: Option<ExportFormat>,
    /// Begin CSV with a byte order mark, so that Excel shows all letters as they are. The others never have one.
    #[param(default = false)]
    pub bom: Option<bool>,
    /// What is wrong with the parameters so far.
    #[serde(skip)]
    pub faults: Vec<FieldError>,
}

impl Parameters for ListEvents {
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        Some(&mut self.faults)
    }
}

impl ListEvents {
    /// What it has in common with other lists.
    pub fn common(&self) -> ListQuery {
        ListQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
            sort: self.sort.clone(),
            filter: self.filter.clone(),
            faults: self.faults.clone(),
        }
    }
}

impl CsvRow for Event {
    const HEADER: &'static [&'static str] = &[
        "position",
        "id",
        "recorded_at",
        "action",
        "object_kind",
        "object_id",
        "user_id",
        "actor_kind",
        "actor_id",
        "on_behalf_of",
        "request_id",
        "reason",
        "version",
        "before",
        "after",
        "changes",
        "hash",
    ];

    fn cells(&self) -> Vec<String> {
        let event = &self.event;
        let instant = serde_json::to_value(event.recorded_at).unwrap_or_default();
        let changes = serde_json::to_value(&self.changes).unwrap_or_default();
        vec![
            event.position.to_string(),
            event.id.to_string(),
            instant.as_str().unwrap_or_default().to_owned(),
            event.action.clone(),
            event.object_kind.clone(),
            event.object_id.to_string(),
            cell(event.user_id.as_ref()),
            event.actor_kind.as_str().to_owned(),
            cell(event.actor_id.as_ref()),
            cell(event.on_behalf_of.as_ref()),
            event.request_id.clone(),
            cell(event.reason.as_ref()),
            event.version.to_string(),
            cell(event.before.as_ref()),
            cell(event.after.as_ref()),
            changes.to_string(),
            event.hash.clone(),
        ]
    }
}
