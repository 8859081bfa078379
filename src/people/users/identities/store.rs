//! The statements of identities.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper,
    sql_types::{Nullable, Timestamptz},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::model::{Identity, LinkedIdentity};
use crate::{
    app::{Tx, Wake},
    db::schema::{identities, identity_providers},
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    ledger::Event,
    people::events::{IDENTITY_LINKED, IDENTITY_UNLINKED},
};

const LISTING: Listing = Listing {
    id: "identities.id",
    sorts: &[Sort {
        name: "created_at",
        column: "identities.created_at",
        kind: SortKind::Instant,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar(
        "identity_provider_id",
        Kind::Id,
        "identities.provider_id",
        "The provider.",
    ),
    Attribute::scalar(
        "subject",
        Kind::Exact,
        "identities.subject",
        "Who they are there.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "identities.created_at",
        "When it was linked.",
    ),
    Attribute::scalar(
        "last_used_at",
        Kind::Instant,
        "identities.last_used_at",
        "When they last signed in by it.",
    ),
]);

/// A page of a person's identities.
pub fn list(tx: &mut Tx, user: Uuid, query: &ListQuery) -> ApiResult<Page<Identity>> {
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows = identities::table
        .select((Identity::as_select(), page.key()))
        .filter(identities::user_id.eq(user))
        .filter(page.rows([filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |identity| identity.id))
}

/// One of a person's identities.
pub fn find(tx: &mut Tx, user: Uuid, id: Uuid) -> ApiResult<Identity> {
    identities::table
        .find(id)
        .filter(identities::user_id.eq(user))
        .select(Identity::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| ApiError::not_found("identity"))
}

/// Whose a subject of a provider is, if anybody's.
pub fn owner(tx: &mut Tx, provider: Uuid, subject: &str) -> ApiResult<Option<Uuid>> {
    Ok(identities::table
        .filter(identities::provider_id.eq(provider))
        .filter(identities::subject.eq(subject))
        .select(identities::user_id)
        .first(tx.conn)
        .optional()?)
}

/// Whether a person has an identity at a provider.
pub fn is_linked(tx: &mut Tx, provider: Uuid, user: Uuid) -> ApiResult<bool> {
    let linked = identities::table
        .filter(identities::provider_id.eq(provider))
        .filter(identities::user_id.eq(user))
        .select(identities::id)
        .first::<Uuid>(tx.conn)
        .optional()?;
    Ok(linked.is_some())
}

/// Whether a person has an identity anywhere.
pub fn has_identity(tx: &mut Tx, user: Uuid) -> ApiResult<bool> {
    let identities = identities::table.filter(identities::user_id.eq(user));
    Ok(diesel::select(diesel::dsl::exists(identities)).get_result(tx.conn)?)
}

/// Takes the provider's advisory lock until commit, so that no two transactions link identities of it at a time.
pub fn advisory_lock(tx: &mut Tx, provider: Uuid) -> ApiResult<()> {
    tx.advisory_lock(format!("identities {provider}"))
}

/// Links a subject of a provider to a person.
pub fn link(tx: &mut Tx, user: Uuid, provider: Uuid, subject: &str) -> ApiResult<Identity> {
    let known: Option<Uuid> = identity_providers::table
        .find(provider)
        .select(identity_providers::id)
        .first(tx.conn)
        .optional()?;
    advisory_lock(tx, provider)?;
    let checks = [
        (known.is_none()).then(|| ApiError::field("/identity_provider_id", "names no identity provider")),
        owner(tx, provider, subject)?.map(|_| ApiError::taken("/subject")),
        is_linked(tx, provider, user)?.then(|| ApiError::taken("/identity_provider_id")),
    ];
    if let Some(error) = checks.into_iter().flatten().reduce(ApiError::and) {
        return Err(error);
    }
    let identity: Identity = diesel::insert_into(identities::table)
        .values((
            identities::id.eq(Uuid::now_v7()),
            identities::user_id.eq(user),
            identities::provider_id.eq(provider),
            identities::subject.eq(subject),
            identities::created_at.eq(tx.now),
        ))
        .returning(Identity::as_returning())
        .get_result(tx.conn)?;
    tx.record(
        Event::new(&IDENTITY_LINKED, user)
            .about(user)
            .after(&LinkedIdentity::from(&identity)),
    );
    Ok(identity)
}

/// Takes an identity away: who signs in as that subject is unknown again.
pub fn unlink(tx: &mut Tx, identity: &Identity) -> ApiResult<()> {
    diesel::delete(identities::table.find(identity.id)).execute(tx.conn)?;
    tx.record(
        Event::new(&IDENTITY_UNLINKED, identity.user_id)
            .about(identity.user_id)
            .before(&LinkedIdentity::from(identity)),
    );
    // Bearer tokens of that subject were taken for this person's.
    tx.wake(Wake::IdentityProviders);
    Ok(())
}

/// Notes that somebody signed in by an identity, and answers whether what the provider said then is its latest word.
pub fn note_use(tx: &mut Tx, provider: Uuid, subject: &str, said_at: DateTime<Utc>) -> ApiResult<bool> {
    let latest = diesel::update(identities::table)
        .filter(identities::provider_id.eq(provider))
        .filter(identities::subject.eq(subject))
        .set((
            identities::last_used_at.eq(tx.now),
            identities::said_at.eq(greatest(identities::said_at, said_at)),
        ))
        .returning(identities::said_at)
        .get_result::<Option<DateTime<Utc>>>(tx.conn)?;
    Ok(latest == Some(said_at))
}

/// The fields that were taken of what the provider said of an identity.
pub fn said(tx: &mut Tx, provider: Uuid, subject: &str) -> ApiResult<Map<String, Value>> {
    let said: Option<Value> = identities::table
        .filter(identities::provider_id.eq(provider))
        .filter(identities::subject.eq(subject))
        .select(identities::said)
        .first(tx.conn)
        .optional()?;
    Ok(said
        .and_then(|said| said.as_object().cloned())
        .unwrap_or_default())
}

/// Keeps them.
pub fn note_claims(tx: &mut Tx, provider: Uuid, subject: &str, said: Map<String, Value>) -> ApiResult<()> {
    diesel::update(identities::table)
        .filter(identities::provider_id.eq(provider))
        .filter(identities::subject.eq(subject))
        .set(identities::said.eq(Value::Object(said)))
        .execute(tx.conn)?;
    Ok(())
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn greatest(a: Nullable<Timestamptz>, b: Timestamptz) -> Nullable<Timestamptz>;
}
