//! What all endpoints share: problems, bodies, lists, preconditions, answers. Knows no domain.

pub mod accept;
pub mod address;
pub mod body;
pub mod bulk;
pub mod codes;
pub mod csv;
pub mod cursor;
pub mod export;
mod faults;
mod field;
pub mod filter;
mod formats;
pub mod forms;
pub mod json;
pub mod jwk;
pub mod list;
pub mod path;
pub mod precondition;
pub mod problem;
pub mod query;
mod reply;
pub mod request;
pub mod rules;
pub mod schema;
pub mod upload;

pub use body::Valid;
pub use codes::Code;
pub use faults::Faults;
pub use field::FieldError;
pub use list::{ListQuery, Listing, Page, Sort};
pub use path::{Ref, RefKind};
pub use precondition::{IfMatch, IfNoneMatch, Versioned, showing};
pub use problem::{ApiError, ApiResult, ErrorForm, Problem};
pub use query::{Parameters, Query};
pub use reply::Reply;
pub use upload::CsvUpload;
