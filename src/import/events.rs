//! The events of imports and profiles, and those of set-based changes: one for each thing changed, in one statement with
//! the change itself.

use super::{imports::model::Import, profiles::model::ImportProfile};
use crate::{app::Tx, db::Sql, http::ApiResult, ledger::EventKind, sql};

pub const PROFILE_CREATED: EventKind = EventKind::new(
    "import_profile.created",
    "import_profile",
    "The import profile was created.",
)
.after::<ImportProfile>();
pub const PROFILE_UPDATED: EventKind = EventKind::new(
    "import_profile.updated",
    "import_profile",
    "The import profile was updated.",
)
.changes::<ImportProfile>();
pub const PROFILE_ARCHIVED: EventKind = EventKind::new(
    "import_profile.archived",
    "import_profile",
    "The import profile was archived.",
)
.changes::<ImportProfile>();
pub const IMPORT_CREATED: EventKind =
    EventKind::new("import.created", "import", "A file was uploaded to be imported.").after::<Import>();
pub const IMPORT_PLANNED: EventKind =
    EventKind::new("import.planned", "import", "The plan of the import was made.").after::<Import>();
pub const APPLICATION_REQUESTED: EventKind = EventKind::new(
    "import.application_requested",
    "import",
    "The plan of the import is to be applied.",
)
.after::<Import>();
pub const IMPORT_APPLIED: EventKind =
    EventKind::new("import.applied", "import", "The plan of the import was applied.").after::<Import>();
pub const IMPORT_FAILED: EventKind = EventKind::new(
    "import.failed",
    "import",
    "The import failed; `problem` says why.",
)
.after::<Import>();
pub const IMPORT_CANCELLED: EventKind =
    EventKind::new("import.cancelled", "import", "The import was cancelled.").after::<Import>();

/// All of them.
pub const KINDS: &[EventKind] = &[
    PROFILE_CREATED,
    PROFILE_UPDATED,
    PROFILE_ARCHIVED,
    IMPORT_CREATED,
    IMPORT_PLANNED,
    APPLICATION_REQUESTED,
    IMPORT_APPLIED,
    IMPORT_FAILED,
    IMPORT_CANCELLED,
];

/// Runs `change`, a statement that ends with `RETURNING` the columns `id` and `after`, and records an event
/// for each row that it answers. `before` is a query of `id` and `before` over the state ahead of the change.
pub fn record(tx: &mut Tx, kind: &EventKind, before: Option<Sql>, change: Sql) -> ApiResult<usize> {
    let before = before.unwrap_or_else(|| sql!("SELECT NULL::uuid AS id, NULL::jsonb AS before WHERE FALSE"));
    let recorded = sql!(
        "WITH before AS MATERIALIZED ({before}), changed AS ({change}),
         changes AS (SELECT {kind.action} AS action, changed.id,
                CASE WHEN {is_person} THEN changed.id END AS user_id, before.before, changed.after
            FROM changed LEFT JOIN before ON before.id = changed.id ORDER BY changed.id){events}",
        is_person = kind.object_kind == "user",
        events = tx.events_from(&[kind], "changes"),
    )
    .execute(tx.conn)?;
    Ok(recorded)
}
