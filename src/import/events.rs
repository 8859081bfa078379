//! The events of imports and profiles, and those of set-based changes: one for each thing changed, in one statement with
//! the change itself.

use super::{imports::model::Import, profiles::model::ImportProfile};
use crate::{app::Tx, db::Sql, event_kinds, http::ApiResult, ledger::EventKind, sql};

event_kinds! {
    /// The import profile was created.
    PROFILE_CREATED = "import_profile.created" of "import_profile", after: ImportProfile;
    /// The import profile was updated.
    PROFILE_UPDATED = "import_profile.updated" of "import_profile", changes: ImportProfile;
    /// The import profile was archived.
    PROFILE_ARCHIVED = "import_profile.archived" of "import_profile", changes: ImportProfile;
    /// A file was uploaded to be imported.
    IMPORT_CREATED = "import.created" of "import", after: Import;
    /// The plan of the import was made.
    IMPORT_PLANNED = "import.planned" of "import", after: Import;
    /// The plan of the import is to be applied.
    APPLICATION_REQUESTED = "import.application_requested" of "import", after: Import;
    /// The plan of the import was applied.
    IMPORT_APPLIED = "import.applied" of "import", after: Import;
    /// The import failed; `problem` says why.
    IMPORT_FAILED = "import.failed" of "import", after: Import;
    /// The import was cancelled.
    IMPORT_CANCELLED = "import.cancelled" of "import", after: Import;
}

/// Runs `change`, a statement that ends with `RETURNING` the columns `id` and `after`, and records an event
/// for each row that it answers. `before` is a query of `id` and `before` over the state ahead of the change.
pub fn record(tx: &mut Tx, kind: &EventKind, before: Option<Sql>, change: Sql) -> ApiResult<usize> {
    let before = before.unwrap_or_else(|| sql!("SELECT NULL::uuid AS id, NULL::jsonb AS before WHERE FALSE"));
    let changes = sql!(
        "before AS MATERIALIZED ({before}), changed AS ({change}),
         changes AS (SELECT {kind.action} AS action, changed.id,
                CASE WHEN {is_person} THEN changed.id END AS user_id, before.before, changed.after
            FROM changed LEFT JOIN before ON before.id = changed.id ORDER BY changed.id)",
        is_person = kind.object_kind == "user",
    );
    tx.record_changes(&[kind], changes)
}
