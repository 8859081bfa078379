//! The statements of profiles.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{
    CreateImportProfile, ImportProfile, ImportProfileVersion, ProfileRow, UpdateImportProfile,
};
use crate::{
    app::{Tx, refuse_taken},
    authz::{Authorized, Protected},
    db::schema::{import_profile_versions, import_profiles},
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, Faults, ListQuery, Listing, Page, Sort, list::SortKind},
    import::{
        self, check,
        events::{PROFILE_ARCHIVED, PROFILE_CREATED, PROFILE_UPDATED},
        mapping::Mapping,
    },
    ledger::Event,
};

const LISTING: Listing = Listing {
    id: "import_profiles.id",
    sorts: &[Sort {
        name: "created_at",
        column: "import_profiles.created_at",
        kind: SortKind::Instant,
    }],
};

const VERSIONS: Listing = Listing {
    id: "import_profile_versions.profile_id",
    sorts: &[Sort {
        name: "number",
        column: "import_profile_versions.number",
        kind: SortKind::Integer,
    }],
};

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar(
        "code",
        Kind::String,
        "import_profiles.code",
        "What programs call it.",
    ),
    Attribute::scalar(
        "resource",
        Kind::String,
        "import_profiles.resource",
        "What it imports.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "import_profiles.archived_at",
        "When it was put away.",
    ),
]);

static VERSIONS_SCHEMA: Schema = Schema::new(&[
    Attribute::scalar(
        "number",
        Kind::Integer,
        "import_profile_versions.number",
        "Counts the profile's versions.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "import_profile_versions.created_at",
        "When it was written.",
    ),
]);

/// A page of profiles.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<ImportProfile>> {
    let scope = tx.scope(ProfileRow::READ)?;
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let rows: Vec<(ProfileRow, Value, Value)> = import_profiles::table
        .inner_join(import_profile_versions::table)
        .filter(import_profile_versions::number.eq(import_profiles::version))
        .select((
            ProfileRow::as_select(),
            import_profile_versions::mapping,
            page.key(),
        ))
        .filter(page.rows([ProfileRow::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    let profiles = rows
        .into_iter()
        .map(|(row, mapping, key)| (ImportProfile::of(row, mapping), key))
        .collect();
    Ok(page.page(profiles, |profile: &ImportProfile| profile.id))
}

/// A page of a profile's versions.
pub fn versions(
    tx: &mut Tx,
    profile: &ProfileRow,
    query: &ListQuery,
) -> ApiResult<Page<ImportProfileVersion>> {
    let (page, filter) = query.page(&VERSIONS, &VERSIONS_SCHEMA, &tx.filter_clock())?;
    let rows = import_profile_versions::table
        .filter(import_profile_versions::profile_id.eq(profile.id))
        .select((ImportProfileVersion::as_select(), page.key()))
        .filter(page.rows([filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |version: &ImportProfileVersion| version.profile_id))
}

/// The profile with the mapping of its present version.
pub fn whole(tx: &mut Tx, row: ProfileRow) -> ApiResult<ImportProfile> {
    let mapping = import_profile_versions::table
        .find((row.id, row.version))
        .select(import_profile_versions::mapping)
        .first(tx.conn)?;
    Ok(ImportProfile::of(row, mapping))
}

/// The profile with this code, if there is one.
pub fn with_code(tx: &mut Tx, code: &str) -> ApiResult<Option<ProfileRow>> {
    Ok(import_profiles::table
        .filter(import_profiles::code.eq(code))
        .select(ProfileRow::as_select())
        .first(tx.conn)
        .optional()?)
}

/// Adds a profile.
pub fn insert(tx: &mut Tx, id: Uuid, new: &CreateImportProfile) -> ApiResult<ImportProfile> {
    let mut faults = Faults::default();
    faults.check(check_mapping(tx, &new.resource, &new.mapping))?;
    faults.last(refuse_taken(tx, "import_profiles", "code", Some(&new.code), None))?;
    let row: ProfileRow = diesel::insert_into(import_profiles::table)
        .values((
            import_profiles::id.eq(id),
            import_profiles::code.eq(&new.code),
            import_profiles::name.eq(&new.name),
            import_profiles::resource.eq(&new.resource),
            import_profiles::created_at.eq(tx.now),
            import_profiles::updated_at.eq(tx.now),
        ))
        .returning(ProfileRow::as_returning())
        .get_result(tx.conn)?;
    let profile = with_version(tx, row, json!(new.mapping))?;
    tx.record(Event::new(&PROFILE_CREATED, id).after(&profile));
    Ok(profile)
}

/// Changes a profile: a new version, even where only the name is another.
pub fn update(
    tx: &mut Tx,
    row: &Authorized<ProfileRow>,
    changes: &UpdateImportProfile,
) -> ApiResult<ImportProfile> {
    refuse_archived(row)?;
    let before = whole(tx, (**row).clone())?;
    if let Some(mapping) = &changes.mapping {
        check_mapping(tx, &row.resource, mapping)?;
    }
    let mapping = changes
        .mapping
        .as_ref()
        .map_or_else(|| before.mapping.clone(), |mapping| json!(mapping));
    let after: ProfileRow = diesel::update(import_profiles::table.find(row.id))
        .set((
            changes.name.as_ref().map(|name| import_profiles::name.eq(name)),
            import_profiles::version.eq(import_profiles::version + 1),
            import_profiles::updated_at.eq(tx.now),
        ))
        .returning(ProfileRow::as_returning())
        .get_result(tx.conn)?;
    let after = with_version(tx, after, mapping)?;
    tx.record(Event::new(&PROFILE_UPDATED, row.id).before(&before).after(&after));
    Ok(after)
}

/// Puts a profile away; its imports stay.
pub fn archive(tx: &mut Tx, row: &Authorized<ProfileRow>) -> ApiResult<()> {
    refuse_archived(row)?;
    let before = whole(tx, (**row).clone())?;
    let after: ProfileRow = diesel::update(import_profiles::table.find(row.id))
        .set((
            import_profiles::archived_at.eq(tx.now),
            import_profiles::updated_at.eq(tx.now),
            import_profiles::version.eq(import_profiles::version + 1),
        ))
        .returning(ProfileRow::as_returning())
        .get_result(tx.conn)?;
    let after = with_version(tx, after, before.mapping.clone())?;
    tx.record(
        Event::new(&PROFILE_ARCHIVED, row.id)
            .before(&before)
            .after(&after),
    );
    Ok(())
}

/// 409 for a profile that was put away.
pub fn refuse_archived(row: &ProfileRow) -> ApiResult<()> {
    if row.archived_at.is_none() {
        return Ok(());
    }
    Err(ApiError::new(
        Code::Conflict,
        "The profile was put away; use another one.",
    ))
}

fn with_version(tx: &mut Tx, row: ProfileRow, mapping: Value) -> ApiResult<ImportProfile> {
    diesel::insert_into(import_profile_versions::table)
        .values((
            import_profile_versions::profile_id.eq(row.id),
            import_profile_versions::number.eq(row.version),
            import_profile_versions::mapping.eq(&mapping),
            import_profile_versions::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(ImportProfile::of(row, mapping))
}

/// 422 with all that is wrong with a mapping.
fn check_mapping(tx: &mut Tx, resource: &str, mapping: &Mapping) -> ApiResult<()> {
    let Some(target) = import::target(tx.app, resource) else {
        let known = tx.app.part::<import::Targets>().0.iter();
        let known: Vec<_> = known.map(|target| target.declaration().resource).collect();
        let detail = format!("must be one of {}", known.join(", "));
        return Err(ApiError::field("/resource", detail));
    };
    let fields = target.fields(tx)?;
    let faults = check::faults(mapping, Some((target.declaration(), &fields)), "/mapping");
    if faults.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(faults))
}
