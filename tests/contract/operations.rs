//! The operations of the document.

use std::{collections::BTreeMap, sync::LazyLock};

use awc::http::Method;
use provost::contract;
use serde_json::Value;

/// An operation as the document has it.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub value: &'static Value,
}

/// It is large, and read once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(contract::text()).unwrap());

/// The whole document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Every operation.
pub fn all() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            operations.push(Operation {
                id: value["operationId"].as_str().unwrap_or_default().to_owned(),
                method,
                path: path.clone(),
                value,
            });
        }
    }
    operations
}

/// The operations that need a token.
pub fn private() -> Vec<Operation> {
    all().into_iter().filter(is_private).collect()
}

/// Whether it needs a token.
pub fn is_private(operation: &Operation) -> bool {
    operation.path.starts_with("/v1/") || operation.is_scim()
}

impl Operation {
    /// The permission that it names, or who else may call.
    pub fn permission(&self) -> &str {
        self.value["x-permission"].as_str().unwrap_or_default()
    }

    /// Whether holding the permission anywhere is enough.
    pub fn takes_any_scope(&self) -> bool {
        self.value["x-scope"] == "any"
    }

    /// Whether it is one of SCIM, whose bodies and errors have a form of their own.
    pub fn is_scim(&self) -> bool {
        self.path.starts_with("/scim/v2/")
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET || self.path.ends_with("/.search")
    }

    /// The schema of its JSON body, if it takes one.
    pub fn json_body(&self) -> Option<&Value> {
        self.value
            .pointer("/requestBody/content/application~1json/schema")
    }

    /// The names of its parameters in `place`: `path`, `query`.
    pub fn parameters(&self, place: &str) -> Vec<String> {
        let parameters = self.value["parameters"].as_array().cloned().unwrap_or_default();
        let of_place = parameters
            .into_iter()
            .filter(|parameter| parameter["in"] == place);
        of_place
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Its path with ids filled in: those that are known, and one of nothing for the others.
    pub fn path_with(&self, ids: &BTreeMap<String, String>) -> String {
        fill(&self.path, ids)
    }
}

/// An id that nothing has.
pub const NOBODY: &str = "01900000-0000-7000-8000-000000000000";

/// Fills `{name}`s in.
pub fn fill(template: &str, ids: &BTreeMap<String, String>) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a closing brace");
        filled.push_str(before);
        filled.push_str(ids.get(name).map_or(NOBODY, String::as_str));
        rest = after;
    }
    filled + rest
}

/// The schema that `schema` refers to, or itself.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} names nothing")),
        None => schema,
    }
}
