//! Ids in paths: a UUID, or another system's key as `ext:{source}:{key}`.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

use crate::text::normalize;

/// A thing's id as the client gave it.
#[derive(Debug)]
pub struct Ref<T> {
    /// Which way it is named.
    pub kind: RefKind,
    resource: PhantomData<fn() -> T>,
}

/// The two ways to name a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefKind {
    /// Our id.
    Id(Uuid),
    /// Another system's key.
    External {
        /// The system.
        source: String,
        /// Its key.
        key: String,
    },
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Ref {
            kind: self.kind.clone(),
            resource: PhantomData,
        }
    }
}

impl<T> From<Uuid> for Ref<T> {
    fn from(id: Uuid) -> Self {
        Ref {
            kind: RefKind::Id(id),
            resource: PhantomData,
        }
    }
}

impl<T> FromStr for Ref<T> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = &*normalize(text);
        let kind = match text.strip_prefix("ext:").map(|rest| rest.split_once(':')) {
            // PostgreSQL stores no U+0000 in text.
            Some(Some((source, key))) if !source.is_empty() && !key.is_empty() && !text.contains('\0') => {
                RefKind::External {
                    source: source.to_owned(),
                    key: key.to_owned(),
                }
            }
            Some(_) => return Err("an external key has the form ext:{source}:{key}"),
            None => RefKind::Id(Uuid::parse_str(text).map_err(|_| "an id is a UUID, or ext:{source}:{key}")?),
        };
        Ok(Ref {
            kind,
            resource: PhantomData,
        })
    }
}

impl<T> fmt::Display for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RefKind::Id(id) => id.fmt(f),
            RefKind::External { source, key } => write!(f, "ext:{source}:{key}"),
        }
    }
}

impl<'de, T> Deserialize<'de> for Ref<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
