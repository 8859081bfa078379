//! Query parameters, checked against the very schemas that the API's document publishes.
//!
//! What is wrong is told all at once: lists keep it and add what only they can know, such as that there is no such
//! order; see [`Parameters::fault_collector`].

use std::{
    borrow::Cow,
    collections::HashSet,
    future::{Ready, ready},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::{
    IntoParams,
    openapi::{Required, path::ParameterIn},
};

use super::{
    ApiError, ApiResult, Code, FieldError,
    schema::{self, PerType},
};
use crate::text::normalize;

/// What query parameters are read into.
pub trait Parameters: DeserializeOwned + IntoParams + 'static {
    /// Where faults wait for those that are found later; without it they are answered at once.
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        None
    }
}

/// The query parameters, read into `T`.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: Parameters> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(unread) = request.extensions().get::<UnreadParameters>() {
            unread.is_read.store(true, Ordering::Relaxed);
        }
        ready(read(request.query_string()))
    }
}

/// The parameters of a request, until a [`Query`] reads them: an operation that takes none would not miss them.
#[derive(Debug, Clone, Default)]
pub struct UnreadParameters {
    names: Vec<String>,
    is_read: Arc<AtomicBool>,
}

impl UnreadParameters {
    /// Those of a request.
    pub fn of(request: &HttpRequest) -> Self {
        let names =
            form_urlencoded::parse(request.query_string().as_bytes()).map(|(name, _)| name.into_owned());
        UnreadParameters {
            names: names.take(MOST_PARAMETERS).collect(),
            is_read: Arc::default(),
        }
    }

    /// Refuses what nothing reads; to be asked when everything that reads has done so.
    pub fn refuse(&self) -> ApiResult<()> {
        if self.names.is_empty() || self.is_read.load(Ordering::Relaxed) {
            return Ok(());
        }
        let faults = self
            .names
            .iter()
            .map(|name| FieldError::new(pointer(name), UNKNOWN_HERE));
        Err(ApiError::parameters(faults.collect()))
    }
}

const UNKNOWN_HERE: &str = "is not known; this operation takes no parameters beside those in its path";

/// What is wrong with the parameters: `faults`, and why what followed failed.
pub fn joined(faults: &[FieldError], mut errors: Vec<ApiError>) -> ApiError {
    let other = errors.iter().position(|error| error.fields.is_empty());
    match (other, errors.len()) {
        (Some(other), _) => errors.swap_remove(other),
        (None, 1) if faults.is_empty() => errors.swap_remove(0),
        _ => {
            let mut all = faults.to_vec();
            all.extend(errors.into_iter().flat_map(|error| error.fields));
            ApiError::parameters(all)
        }
    }
}

/// The names and values of a query, in NFC.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let normalized = |text: Cow<'_, str>| normalize(&text).into_owned();
    form_urlencoded::parse(query.as_bytes()).map(move |(name, text)| (normalized(name), normalized(text)))
}

/// The most parameters that are looked at.
const MOST_PARAMETERS: usize = 100;

fn read<T: Parameters>(query: &str) -> ApiResult<Query<T>> {
    let known = known::<T>()?;
    let pairs: Vec<(String, String)> = pairs(query).take(MOST_PARAMETERS + 1).collect();
    if pairs.len() > MOST_PARAMETERS {
        return Err(ApiError::new(
            Code::InvalidParameter,
            format!("Send at most {MOST_PARAMETERS} parameters."),
        ));
    }
    let faults = known.faults(&pairs);
    let is_faulty = |name: &str| faults.iter().any(|fault| fault.pointer == pointer(name));
    let others = pairs.iter().filter(|(name, _)| !is_faulty(name));
    let good = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .finish();
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(good.as_bytes()));
    let mut read: T = match serde_path_to_error::deserialize(pairs) {
        Ok(read) => read,
        Err(_) if !faults.is_empty() => return Err(ApiError::parameters(faults)),
        Err(error) => {
            let detail = format!("cannot be read: {}", error.inner());
            return Err(ApiError::parameter(&error.path().to_string(), detail));
        }
    };
    if faults.is_empty() {
        return Ok(Query(read));
    }
    match read.fault_collector() {
        Some(kept) => *kept = faults,
        None => return Err(ApiError::parameters(faults)),
    }
    Ok(Query(read))
}

/// The parameters that a type publishes.
#[derive(Debug)]
struct Known {
    names: Vec<String>,
    properties: Map<String, Value>,
    validator: Validator,
}

fn known<T: Parameters>() -> ApiResult<Arc<Known>> {
    static KNOWN: LazyLock<PerType<Known>> = LazyLock::new(PerType::default);
    KNOWN.of::<T>(|| {
        let (mut names, mut properties, mut required) = (Vec::new(), Map::new(), Vec::new());
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            let schema = serde_json::to_value(&parameter.schema).map_err(ApiError::internal)?;
            properties.insert(parameter.name.clone(), plain(schema));
            if matches!(parameter.required, Required::True) {
                required.push(parameter.name.clone());
            }
            names.push(parameter.name);
        }
        let validator = schema::compile(&json!({ "properties": properties, "required": required }))?;
        Ok(Known {
            names,
            properties,
            validator,
        })
    })
}

/// The schema of a parameter that is there: it is never null, and an integer fits into 64 bits.
fn plain(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array_mut() {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    if schema["type"] == "integer" {
        for (bound, value) in [("minimum", i64::MIN), ("maximum", i64::MAX)] {
            if schema[bound].is_null() {
                schema[bound] = json!(value);
            }
        }
    }
    schema
}

impl Known {
    /// Everything that is wrong with the parameters, each named once and in their order.
    fn faults(&self, pairs: &[(String, String)]) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut object = Map::new();
        let mut seen = HashSet::new();
        for (name, text) in pairs {
            let fault = if !self.names.contains(name) {
                format!("is not a parameter here; there are {}", self.names.join(", "))
            } else if !seen.insert(name) {
                "is given twice; give it once".into()
            } else if text.contains('\0') {
                "must not hold U+0000; leave it out".into()
            } else {
                object.insert(name.clone(), self.value(name, text));
                continue;
            };
            faults.push(FieldError::new(pointer(name), fault));
        }
        let by_schema = schema::faults(&self.validator, &Value::Object(object)).into_iter();
        faults.extend(by_schema.map(|fault| {
            let name = fault.pointer.trim_start_matches('/');
            FieldError::new(pointer(name), fault.detail)
        }));
        schema::retain_first_per_field(&mut faults);
        let place = |fault: &FieldError| {
            let named = |(name, _): &(String, String)| pointer(name) == fault.pointer;
            pairs.iter().position(named).unwrap_or(pairs.len())
        };
        faults.sort_by_key(place);
        faults
    }

    /// The value as its schema would have it; the text itself, where it is no such value.
    fn value(&self, name: &str, text: &str) -> Value {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = match self.properties[name]["type"].as_str() {
            Some("integer") if is_whole => text
                .parse::<i64>()
                .map_or_else(|_| text.parse::<f64>().ok().map(Value::from), |n| Some(n.into())),
            Some("number") => text.parse::<f64>().ok().map(Value::from),
            Some("boolean") => text.parse::<bool>().ok().map(Value::from),
            _ => None,
        };
        value.unwrap_or_else(|| text.into())
    }
}

/// How a parameter is named; U+0000 in its name would make the answer unreadable to some.
fn pointer(name: &str) -> String {
    format!("?{}", name.replace('\0', ""))
}
