//! Closed lists of words: one declaration for JSON, the API's document and the database.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

/// Declares an enum that is a word in JSON and a `text` column in PostgreSQL.
#[macro_export]
macro_rules! text_enum {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $variant_doc:literal])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name {
            $($(#[doc = $variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $crate::db::text_enum::Words for $name {
            const WORDS: &'static [&'static str] = Self::WORDS;
        }

        impl $name {
            /// Every word.
            pub const WORDS: &[&str] = &[$($text),*];

            /// Every one.
            pub const ALL: &[Self] = &[$($name::$variant),*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl utoipa::__dev::ComposeSchema for $name {
            fn compose(
                _: Vec<utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>>,
            ) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::db::text_enum::schema(concat!($($doc, "\n"),*), &[$(($text, concat!($($variant_doc, "\n"),*))),*])
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                match std::str::from_utf8(value.as_bytes())? {
                    $($text => Ok($name::$variant),)*
                    other => Err(format!("{other} is no {}", stringify!($name)).into()),
                }
            }
        }
    };
}

/// A type whose values are a closed list of words.
pub trait Words {
    /// Every word.
    const WORDS: &'static [&'static str];
}

/// The schema of a closed list of words, each with its meaning.
pub fn schema(doc: &str, words: &[(&str, &str)]) -> RefOr<Schema> {
    let meanings = words.iter().map(|(word, meaning)| {
        let meaning = meaning.split_whitespace().collect::<Vec<_>>().join(" ");
        if meaning.is_empty() {
            format!("- `{word}`")
        } else {
            format!("- `{word}`: {meaning}")
        }
    });
    let meanings = meanings.collect::<Vec<_>>().join("\n");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.iter().map(|(word, _)| *word)))
        .description(Some(format!("{}\n\n{meanings}", doc.trim())))
        .into()
}
