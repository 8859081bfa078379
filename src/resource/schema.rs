//! The bodies that add and change a resource, and their schemas, made of the struct of its fields.
//!
//! A PATCH is a JSON Merge Patch (RFC 7396): present fields as JSON, the changes merged in, and read back. A member that is a
//! free object, such as custom attributes, is merged member by member; one of a fixed form is replaced as a whole.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer,
    },
};
use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema},
};
use validator::{Validate, ValidationErrors};

use super::{Record, Resource};
use crate::http::{ApiError, ApiResult, FieldError, body::deserialize, rules};

/// What a request to add something says beside the fields.
pub trait Extra:
    DeserializeOwned + ToSchema + Default + Clone + std::fmt::Debug + Send + Sync + 'static
{
}
impl<T: DeserializeOwned + ToSchema + Default + Clone + std::fmt::Debug + Send + Sync + 'static> Extra for T {}

/// Nothing more.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct NoExtra {}

/// A body that adds something.
#[derive(Debug, Clone)]
pub struct Create<T: Resource> {
    /// Its fields.
    pub fields: T::Fields,
    /// What else it says.
    pub extra: T::Extra,
}

impl<'de, T: Resource> Deserialize<'de> for Create<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CreateVisitor(PhantomData))
    }
}

struct CreateVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: Resource> Visitor<'de> for CreateVisitor<T> {
    type Value = Create<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members {
            map,
            names: T::Fields::columns().iter().map(|column| column.name).collect(),
            others: Map::new(),
        };
        let fields = T::Fields::deserialize(MapAccessDeserializer::new(&mut members))?;
        let others = Value::Object(members.others);
        let extra = serde_json::from_value(others).map_err(serde::de::Error::custom)?;
        Ok(Create { fields, extra })
    }
}

/// The members that fields are read from, in place, so that a fault is told where it stands. The others are put aside.
struct Members<A> {
    map: A,
    names: Vec<&'static str>,
    others: Map<String, Value>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.map.next_key::<String>()? {
            if self.names.contains(&name.as_str()) {
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
            self.others.insert(name, self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

impl<T: Resource> Validate for Create<T> {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.fields.validate()
    }
}

/// A body that changes something: the members that change.
#[derive(Debug, Clone)]
pub struct Update<T> {
    changes: Map<String, Value>,
    resource: PhantomData<fn() -> T>,
}

impl<'de, T> Deserialize<'de> for Update<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Update::of)
    }
}

impl<T> Serialize for Update<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.changes.serialize(serializer)
    }
}

/// Rules between fields are looked at once the others are known: see [`Update::apply_to`].
impl<T> Validate for Update<T> {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

impl<T> Update<T> {
    /// These changes, whose form is right.
    pub fn of(changes: Map<String, Value>) -> Self {
        Update {
            changes,
            resource: PhantomData,
        }
    }

    /// What it says of a member, if it names it.
    pub fn get(&self, member: &str) -> Option<&Value> {
        self.changes.get(member)
    }

    /// Has it say this of a member, too.
    pub fn set(&mut self, member: &str, value: Value) {
        self.changes.insert(member.to_owned(), value);
    }
}

impl<T: Resource> Update<T> {
    /// What it makes of `present`, and which rules between fields do not hold then;
    /// 422 where it cannot be read.
    pub fn apply_to(&self, present: &T::Fields) -> ApiResult<(T::Fields, Vec<FieldError>)> {
        let mut merged = serde_json::to_value(present).map_err(ApiError::internal)?;
        merge::<T::Fields>(&mut merged, &self.changes);
        let fields: T::Fields = deserialize(&merged).map_err(|fault| ApiError::invalid(vec![fault]))?;
        let faults = fields.validate().err().map(|errors| rules::faults(&errors, ""));
        Ok((fields, faults.unwrap_or_default()))
    }
}

fn merge<F: ToSchema>(present: &mut Value, changes: &Map<String, Value>) {
    let Some(members) = present.as_object_mut() else {
        return;
    };
    for (name, change) in changes {
        match (members.get_mut(name), change) {
            (Some(Value::Object(present)), Value::Object(change)) if is_free::<F>(name) => {
                merge_patch(present, change)
            }
            _ => {
                members.insert(name.clone(), change.clone());
            }
        }
    }
}

/// Whether a member is an object of any form.
fn is_free<F: ToSchema>(member: &str) -> bool {
    match object_of::<F>().properties.get(member) {
        Some(RefOr::T(Schema::Object(object))) => object.properties.is_empty(),
        _ => false,
    }
}

/// Merges `changes` into `present` as RFC 7396, section 2, says.
pub fn merge_patch(present: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match change {
            Value::Null => {
                present.remove(name);
            }
            Value::Object(change) => {
                let member = present.entry(name.clone()).or_insert_with(|| json!({}));
                if !member.is_object() {
                    *member = json!({});
                }
                if let Some(member) = member.as_object_mut() {
                    merge_patch(member, change);
                }
            }
            _ => {
                present.insert(name.clone(), change.clone());
            }
        }
    }
}

/// The schema of `T`'s fields as an object.
fn object_of<T: ToSchema>() -> utoipa::openapi::Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        _ => ObjectBuilder::new().build(),
    }
}

/// The name of a resource's type, such as `User`.
fn type_name<T: Resource>() -> Cow<'static, str> {
    T::name()
}

macro_rules! named_schema {
    ($body:ident, $prefix:literal) => {
        impl<T: Resource> utoipa::__dev::ComposeSchema for $body<T> {
            fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
                Self::object().into()
            }
        }

        impl<T: Resource> ToSchema for $body<T> {
            fn name() -> Cow<'static, str> {
                format!(concat!($prefix, "{}"), type_name::<T>()).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                T::Fields::schemas(schemas);
                T::Extra::schemas(schemas);
            }
        }
    };
}

named_schema!(Create, "Create");
named_schema!(Update, "Update");

impl<T: Resource> Create<T> {
    fn object() -> utoipa::openapi::Object {
        let mut object = object_of::<T::Fields>();
        let extra = object_of::<T::Extra>();
        object.properties.extend(extra.properties);
        object.required.extend(extra.required);
        object.description = Some(format!("A new {}.", T::NAME));
        object
    }
}

impl<T: Resource> Update<T> {
    fn object() -> utoipa::openapi::Object {
        let mut object = object_of::<T::Fields>();
        let columns = T::Fields::columns();
        let fixed = columns.iter().filter(|column| column.is_fixed);
        for column in fixed {
            object.properties.remove(column.name);
        }
        for property in object.properties.values_mut() {
            match property {
                RefOr::T(Schema::Object(property)) => property.default = None,
                RefOr::Ref(reference) => reference.default = None,
                RefOr::T(_) => {}
            }
        }
        object.required.clear();
        let article = if T::NAME.starts_with(['a', 'e', 'i', 'o']) {
            "an"
        } else {
            "a"
        };
        object.description = Some(format!(
            "Changes to {article} {}: a field that is absent stays, null empties it (RFC 7396).",
            T::NAME
        ));
        object
    }
}
