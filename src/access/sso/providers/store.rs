//! The statements of OpenID providers.

use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    sql_types,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{
    CreateIdentityProvider, IdentityProvider, OfferedProvider, ProviderRow, UpdateIdentityProvider,
};
use crate::{
    access::{
        events::{PROVIDER_CREATED, PROVIDER_UPDATED},
        sso::PeopleOfProviders,
    },
    app::{Tx, Wake, refuse_taken},
    authz::{Authorized, Protected},
    db::{
        schema::{identity_providers, service_accounts},
        sql::Fragment,
    },
    filter::{Attribute, Kind, Schema},
    http::{
        ApiError, ApiResult, Faults, FieldError, ListQuery, Listing, Page, Sort,
        list::{ORDER_OF_TEXT, SortKind},
    },
    ledger::Event,
    sql,
};

const LISTING: Listing = Listing {
    id: "identity_providers.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "identity_providers.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "name",
            column: "identity_providers.name",
            kind: SortKind::Text,
        },
    ],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "identity_providers.id", "Our id."),
    Attribute::scalar(
        "code",
        Kind::String,
        "identity_providers.code",
        "What front ends call it.",
    ),
    Attribute::scalar(
        "name",
        Kind::String,
        "identity_providers.name",
        "Its display name.",
    ),
    Attribute::scalar(
        "issuer",
        Kind::Exact,
        "identity_providers.issuer",
        "Its issuer identifier.",
    ),
    Attribute::scalar(
        "enabled",
        Kind::Bool,
        "identity_providers.enabled",
        "Whether users may sign in with it.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "identity_providers.created_at",
        "When it was added.",
    ),
]);

/// A page of the providers.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<IdentityProvider>> {
    let scope = tx.scope(ProviderRow::READ)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows: Vec<(ProviderRow, _)> = identity_providers::table
        .select((ProviderRow::as_select(), page.key()))
        .filter(page.rows([ProviderRow::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    let providers = rows
        .into_iter()
        .map(|(row, key)| (IdentityProvider::from(&row), key))
        .collect();
    Ok(page.page(providers, |provider: &IdentityProvider| provider.id))
}

/// More buttons than this no front end shows.
const MOST_OFFERED: i64 = 1_000;

/// Those that people may sign in by, for front ends.
pub fn offered(conn: &mut PgConnection) -> QueryResult<Vec<OfferedProvider>> {
    identity_providers::table
        .filter(identity_providers::enabled)
        .order((
            Fragment::<sql_types::Text>::new(sql!("identity_providers.name{ORDER_OF_TEXT}")),
            identity_providers::id,
        ))
        .select(OfferedProvider::as_select())
        .limit(MOST_OFFERED)
        .load(conn)
}

/// Those that people may sign in by.
pub fn enabled(conn: &mut PgConnection) -> QueryResult<Vec<ProviderRow>> {
    identity_providers::table
        .filter(identity_providers::enabled)
        .select(ProviderRow::as_select())
        .load(conn)
}

/// The provider of that issuer, whether or not people may sign in by it.
pub fn by_issuer(conn: &mut PgConnection, issuer: &str) -> QueryResult<Option<ProviderRow>> {
    identity_providers::table
        .filter(identity_providers::issuer.eq(issuer))
        .select(ProviderRow::as_select())
        .first(conn)
        .optional()
}

/// Adds a provider.
pub fn insert(tx: &mut Tx, new: CreateIdentityProvider) -> ApiResult<IdentityProvider> {
    let row = ProviderRow {
        id: Uuid::now_v7(),
        code: new.code,
        name: new.name,
        issuer: new.issuer,
        client_id: new.client_id,
        client_secret: new.client_secret,
        scopes: new.scopes,
        redirect_uris: new.redirect_uris,
        audiences: new.audiences,
        enabled: new.enabled,
        creates_people: new.creates_people,
        updates_people: new.updates_people,
        links_verified_email: new.links_verified_email,
        links_external_key: new.links_external_key.map(|link| json!(link)),
        mapping: json!(new.mapping),
        groups_claim: new.groups_claim,
        groups: json!(new.groups),
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
    };
    check(tx, &row, None)?;
    diesel::insert_into(identity_providers::table)
        .values(&row)
        .execute(tx.conn)?;
    let provider = IdentityProvider::from(&row);
    tx.record(Event::new(&PROVIDER_CREATED, row.id).after(&provider));
    tx.wake(Wake::IdentityProviders);
    Ok(provider)
}

/// Changes a provider.
pub fn update(
    tx: &mut Tx,
    before: &Authorized<ProviderRow>,
    changes: UpdateIdentityProvider,
) -> ApiResult<IdentityProvider> {
    let old = (**before).clone();
    let row = ProviderRow {
        code: changes.code.unwrap_or(old.code),
        name: changes.name.unwrap_or(old.name),
        client_id: changes.client_id.unwrap_or(old.client_id),
        client_secret: changes.client_secret.unwrap_or(old.client_secret),
        scopes: changes.scopes.unwrap_or(old.scopes),
        redirect_uris: changes.redirect_uris.unwrap_or(old.redirect_uris),
        audiences: changes.audiences.unwrap_or(old.audiences),
        enabled: changes.enabled.unwrap_or(old.enabled),
        creates_people: changes.creates_people.unwrap_or(old.creates_people),
        updates_people: changes.updates_people.unwrap_or(old.updates_people),
        links_verified_email: changes.links_verified_email.unwrap_or(old.links_verified_email),
        links_external_key: match changes.links_external_key {
            Some(link) => link.map(|link| json!(link)),
            None => old.links_external_key,
        },
        mapping: changes.mapping.map_or(old.mapping, |mapping| json!(mapping)),
        groups_claim: changes.groups_claim.unwrap_or(old.groups_claim),
        groups: changes.groups.map_or(old.groups, |groups| json!(groups)),
        version: old.version + 1,
        updated_at: tx.now,
        id: old.id,
        issuer: old.issuer,
        created_at: old.created_at,
    };
    check(tx, &row, Some(&**before))?;
    diesel::update(identity_providers::table.find(row.id))
        .set(&row)
        .execute(tx.conn)?;
    let after = IdentityProvider::from(&row);
    let event = Event::new(&PROVIDER_UPDATED, row.id);
    tx.record(event.before(&IdentityProvider::from(&**before)).after(&after));
    tx.wake(Wake::IdentityProviders);
    Ok(after)
}

/// Every fault beyond the schema's, in settings that changed: what was taken once keeps nobody from turning
/// the provider off.
fn check(tx: &mut Tx, row: &ProviderRow, before: Option<&ProviderRow>) -> ApiResult<()> {
    let mut faults = Faults::default();
    for (column, value) in [("code", &row.code), ("issuer", &row.issuer)] {
        let taken = refuse_taken(tx, "identity_providers", column, Some(value), Some(row.id));
        faults.check(taken)?;
    }
    let is_as_before =
        |said: fn(&ProviderRow) -> Value| before.is_some_and(|before| said(before) == said(row));
    if !is_as_before(|row| json!([row.audiences, row.client_id])) {
        let own = row
            .audiences
            .iter()
            .position(|audience| *audience == row.client_id);
        let fault = own.map(|index| {
            let detail = "is Provost's own client_id, whose tokens count in a sign-in alone";
            ApiError::field(format!("/audiences/{index}"), detail)
        });
        faults.check(fault.map_or(Ok(()), Err))?;
    }
    if !is_as_before(|row| json!(row.links_external_key)) {
        let source = row.external_key_link().map(|link| link.source);
        faults.check(check_source(tx, source.as_deref().unwrap_or_default()))?;
    }
    if is_as_before(|row| json!([row.mapping, row.groups, row.groups_claim, row.creates_people])) {
        return faults.into_result();
    }
    let mut of_people = tx.app.part::<PeopleOfProviders>().0.faults(tx, row)?;
    if row.groups_claim.is_none() && !row.group_links().is_empty() {
        of_people.push(FieldError::new(
            "/groups_claim",
            "is needed where groups are named",
        ));
    }
    if !of_people.is_empty() {
        faults.check(Err(ApiError::invalid(of_people)))?;
    }
    faults.into_result()
}

/// Keys of a SCIM client are named by its service account.
fn check_source(tx: &mut Tx, source: &str) -> ApiResult<()> {
    let Some(client) = source.strip_prefix("scim:") else {
        return Ok(());
    };
    let known = match client.parse::<Uuid>() {
        Ok(id) => service_accounts::table
            .find(id)
            .select(service_accounts::id)
            .first::<Uuid>(tx.conn)
            .optional()?,
        Err(_) => None,
    };
    match known {
        Some(_) => Ok(()),
        None => Err(ApiError::field(
            "/links_external_key/source",
            "names no service account after scim:",
        )),
    }
}
