//! Rows that either add a thing or change one.

use uuid::Uuid;
use validator::ValidationError;

use crate::http::{ApiError, ApiResult, Code, FieldError, Versioned, body::Body, rules::complaints};

/// A row that either adds a thing or changes one: see [`bulk_row!`](crate::bulk_row!).
pub trait ChangeRow: Body {
    /// What adds a thing.
    type Create;
    /// What changes one.
    type Update;
    /// The pointer to the latter.
    const CHANGE: &'static str;

    /// Whether it has exactly one of its two forms.
    fn has_one_form(&self) -> bool;

    /// What it asks for; nothing if it has neither form.
    fn into_change(self) -> Option<RowChange<Self::Create, Self::Update>>;

    /// The id of the thing to be changed.
    fn id(&self) -> Option<Uuid>;
}

/// What a row asks for.
#[derive(Debug)]
pub enum RowChange<C, U> {
    /// A thing is to be added.
    Create(C),
    /// A thing is to be changed.
    Update {
        /// Which.
        id: Uuid,
        /// The version that the caller read.
        version: Option<i64>,
        /// How.
        changes: U,
    },
}

impl<C, U> RowChange<C, U> {
    /// The id of the thing to be changed.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            RowChange::Create(_) => None,
            RowChange::Update { id, .. } => Some(*id),
        }
    }

    /// What is to be added.
    pub fn new_fields(&self) -> Option<&C> {
        match self {
            RowChange::Create(new) => Some(new),
            RowChange::Update { .. } => None,
        }
    }
}

/// The rule of [`ChangeRow`]s, for [`validator`].
pub fn creates_or_updates<R: ChangeRow>(row: &R) -> Result<(), ValidationError> {
    if row.has_one_form() {
        return Ok(());
    }
    let detail = format!(
        "must have either create alone, or id and {}",
        R::CHANGE.trim_start_matches('/')
    );
    complaints([FieldError::new("", detail)])
}

/// Declares a row type that either adds a thing or changes one, with more optional fields if need be:
/// `bulk_row! { /// … BulkUserRow: CreateUser, UpdateUser }`; what changes a thing in another way than a PATCH has a name of its
/// own: `BulkGrantRow: CreateGrant, /// … revoke: RevokeGrant`. Where it stands, [`validator::Validate`] is in scope.
#[macro_export]
macro_rules! bulk_row {
    ($(#[$doc:meta])* $row:ident: $create:ident, $update:ident
     $(, $(#[$extra_meta:meta])* $extra:ident: $extra_type:ident)* $(,)?) => {
        $crate::bulk_row! {
            @row $(#[$doc])* $row: $create,
            /// The fields that change.
            update: $update
            $(, $(#[$extra_meta])* $extra: $extra_type)*
        }
    };
    ($(#[$doc:meta])* $row:ident: $create:ident, $(#[$change_doc:meta])* $change:ident: $update:ident $(,)?) => {
        $crate::bulk_row! { @row $(#[$doc])* $row: $create, $(#[$change_doc])* $change: $update }
    };
    (@row $(#[$doc:meta])* $row:ident: $create:ident, $(#[$change_doc:meta])* $change:ident: $update:ident
     $(, $(#[$extra_meta:meta])* $extra:ident: $extra_type:ident)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema, validator::Validate)]
        #[serde(deny_unknown_fields)]
        #[validate(schema(function = $row::creates_or_updates, skip_on_field_errors = false))]
        pub struct $row {
            /// Your name for the row, unique in the request; its result comes under it.
            #[schema(min_length = 1, max_length = 200, format = "verbatim", example = "line 17")]
            pub row_key: String,
            /// The fields of the new resource.
            #[schema(nullable = false)]
            #[validate(nested)]
            pub create: Option<$create>,
            /// The id of the resource to update.
            #[schema(nullable = false)]
            pub id: Option<uuid::Uuid>,
            /// The version that you read; if it is not the current one, the row is refused with 412.
            #[schema(nullable = false)]
            pub version: Option<i64>,
            $(#[$change_doc])*
            #[schema(nullable = false)]
            #[validate(nested)]
            pub $change: Option<$update>,
            $($(#[$extra_meta])* #[schema(nullable = false)] pub $extra: Option<$extra_type>,)*
        }

        impl $row {
            fn creates_or_updates(&self) -> Result<(), validator::ValidationError> {
                $crate::http::bulk::creates_or_updates(self)
            }
        }

        impl $crate::http::bulk::ChangeRow for $row {
            type Create = $create;
            type Update = $update;
            const CHANGE: &'static str = concat!("/", stringify!($change));

            fn has_one_form(&self) -> bool {
                matches!(
                    (&self.create, self.id, &self.$change, self.version),
                    (Some(_), None, None, None) | (None, Some(_), Some(_), _)
                )
            }

            fn into_change(self) -> Option<$crate::http::bulk::RowChange<$create, $update>> {
                use $crate::http::bulk::RowChange;
                match self.create {
                    Some(new) => Some(RowChange::Create(new)),
                    None => Some(RowChange::Update {
                        id: self.id?,
                        version: self.version,
                        changes: self.$change?,
                    }),
                }
            }

            fn id(&self) -> Option<uuid::Uuid> {
                self.id
            }
        }
    };
}

/// Refuses a row with 412 if the thing is not at the version that the caller read.
pub fn check_version(thing: &impl Versioned, read: Option<i64>) -> ApiResult<()> {
    if read.is_none_or(|version| version == thing.version()) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::PreconditionFailed,
        format!("Read it again: its version is {} now.", thing.version()),
    ))
}
