//! The types of `/v1/identity-providers`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::rules::{Audience, OauthScope, RedirectUri, are_distinct, have_openid};
use crate::{db::schema::identity_providers, http::Versioned, import::mapping::ValueMapping, protected};

/// Where each field of a person comes from, in the words of imports: a claim stands where a file has a column.
pub type Mapping = BTreeMap<String, ValueMapping>;

/// A provider's own row, with its secret.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = identity_providers)]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct ProviderRow {
    /// Our id.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub issuer: String,
    /// The client id of Provost at the provider.
    pub client_id: String,
    /// How Provost proves that; none for a public client.
    pub client_secret: Option<String>,
    /// What it is asked for.
    pub scopes: Vec<String>,
    /// Where front ends may be sent back to.
    pub redirect_uris: Vec<String>,
    /// Audiences of its tokens that count here.
    pub audiences: Vec<String>,
    /// Whether users may sign in with it.
    pub enabled: bool,
    /// Whether it makes people.
    pub creates_people: bool,
    /// Whether it changes them.
    pub updates_people: bool,
    /// Whether it finds them by e-mail address.
    pub links_verified_email: bool,
    /// The claim by which it finds them: [`ExternalKeyLink`].
    pub links_external_key: Option<Value>,
    /// [`Mapping`].
    pub mapping: Value,
    /// The claim that names groups.
    pub groups_claim: Option<String>,
    /// A list of [`GroupLink`]s.
    pub groups: Value,
    /// The version.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for ProviderRow {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(ProviderRow in identity_providers, name: "identity provider", external: None, read: IdentityProvidersRead,
    covered: |scope| scope.global());

/// An OpenID provider by which people sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IdentityProvider {
    /// Our id.
    pub id: Uuid,
    /// What front ends call it.
    #[schema(example = "corp")]
    pub code: String,
    /// Its display name.
    #[schema(example = "Company account")]
    pub name: String,
    /// Its issuer identifier: `{issuer}/.well-known/openid-configuration` says the rest.
    #[schema(example = "https://login.example.com")]
    pub issuer: String,
    /// The client id of Provost at the provider.
    pub client_id: String,
    /// Whether there is a client secret; it is never shown.
    pub has_client_secret: bool,
    /// What it is asked for.
    #[schema(example = json!(["openid", "profile", "email"]))]
    pub scopes: Vec<String>,
    /// Where front ends may be sent back to after a sign-in, letter by letter.
    pub redirect_uris: Vec<String>,
    /// Audiences of its tokens that count as bearer tokens and in exchange; of others none does.
    pub audiences: Vec<String>,
    /// Whether users may sign in with it. Sessions that began before go on.
    pub enabled: bool,
    /// Whether an unknown person becomes a user at sign-in.
    pub creates_people: bool,
    /// Whether new claims about a person replace the stored values at sign-in.
    pub updates_people: bool,
    /// Whether somebody who signs in for the first time is taken for the one person who has their e-mail address, if the
    /// provider says that it verified it (`email_verified`).
    pub links_verified_email: bool,
    /// The claim that finds the user at the first sign-in.
    pub links_external_key: Option<ExternalKeyLink>,
    /// Where each field of a person comes from; `column` names a claim, with dots between the levels.
    #[schema(value_type = BTreeMap<String, ValueMapping>)]
    pub mapping: Value,
    /// The claim that names the groups of a user.
    #[schema(example = "groups")]
    pub groups_claim: Option<String>,
    /// The group that each value of the claim means.
    pub groups: Vec<GroupLink>,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&ProviderRow> for IdentityProvider {
    fn from(row: &ProviderRow) -> Self {
        let row = row.clone();
        IdentityProvider {
            id: row.id,
            has_client_secret: row.client_secret.is_some(),
            links_external_key: row.external_key_link(),
            groups: row.group_links(),
            code: row.code,
            name: row.name,
            issuer: row.issuer,
            client_id: row.client_id,
            scopes: row.scopes,
            redirect_uris: row.redirect_uris,
            audiences: row.audiences,
            enabled: row.enabled,
            creates_people: row.creates_people,
            updates_people: row.updates_people,
            links_verified_email: row.links_verified_email,
            mapping: row.mapping,
            groups_claim: row.groups_claim,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Versioned for IdentityProvider {
    fn version(&self) -> i64 {
        self.version
    }
}

impl ProviderRow {
    /// Where each field of a person comes from.
    pub fn fields(&self) -> Mapping {
        serde_json::from_value(self.mapping.clone()).unwrap_or_default()
    }

    /// The claim by which people are found, if there is one.
    pub fn external_key_link(&self) -> Option<ExternalKeyLink> {
        let link = self.links_external_key.clone()?;
        serde_json::from_value(link).ok()
    }

    /// Which groups its values mean.
    pub fn group_links(&self) -> Vec<GroupLink> {
        serde_json::from_value(self.groups.clone()).unwrap_or_default()
    }
}

/// How people are found by a claim: it holds the key that they have in another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalKeyLink {
    /// The claim.
    #[schema(min_length = 1, max_length = 200, example = "employee_number")]
    pub claim: String,
    /// The other system, as in `ext:{source}:{key}`; or `scim:{id}` for what the SCIM client of that service account calls
    /// its people (`externalId`).
    #[schema(pattern = "^(scim:)?[a-z0-9][a-z0-9_.-]{0,62}$", example = "hr")]
    pub source: String,
    /// Whether people who were granted something are found by it too: the system that set their keys could sign in as them.
    /// Keys of the source are then given to such people by those only who hold as much.
    #[serde(default)]
    pub privileged: bool,
}

/// A group that a value of the groups claim means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupLink {
    /// The value.
    #[schema(min_length = 1, max_length = 200, example = "safety-officers")]
    pub value: String,
    /// A static group.
    pub group_id: Uuid,
}

/// An OpenID provider to create.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateIdentityProvider {
    /// Its unique name for front ends.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,62}$", example = "corp")]
    pub code: String,
    /// Its display name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Company account"
    )]
    pub name: String,
    /// Its issuer identifier, letter by letter as its tokens have it; unique. `https`, or `http` on this machine.
    #[schema(max_length = 500, format = "issuer", example = "https://login.example.com")]
    pub issuer: String,
    /// The client id of Provost at the provider.
    #[schema(min_length = 1, max_length = 500)]
    pub client_id: String,
    /// The client secret; absent for a public client.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, format = Password)]
    pub client_secret: Option<String>,
    /// The scopes to request; `openid` is required.
    #[serde(default = "usual_scopes")]
    #[schema(
        inline,
        value_type = Vec<OauthScope>,
        min_items = 1,
        max_items = 50,
        default = json!(["openid", "profile", "email"])
    )]
    #[validate(custom(function = have_openid))]
    pub scopes: Vec<String>,
    /// Addresses to which front ends may be sent back after a sign-in.
    #[serde(default)]
    #[schema(
        inline,
        value_type = Vec<RedirectUri>,
        max_items = 50,
        example = json!(["https://learn.example.com/signed-in"])
    )]
    pub redirect_uris: Vec<String>,
    /// Audiences for which its tokens are accepted as bearer tokens and in token exchange.
    #[serde(default)]
    #[schema(inline, value_type = Vec<Audience>, max_items = 50, example = json!(["https://api.example.com"]))]
    pub audiences: Vec<String>,
    /// Whether users may sign in with it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// Whether an unknown person becomes a user at sign-in.
    #[serde(default)]
    pub creates_people: bool,
    /// Whether new claims about a person replace the stored values at sign-in.
    #[serde(default)]
    pub updates_people: bool,
    /// Whether a first sign-in is matched to the one user with that e-mail address, if the provider says that it
    /// verified the address.
    #[serde(default)]
    pub links_verified_email: bool,
    /// The claim that finds the user at the first sign-in.
    #[serde(default)]
    pub links_external_key: Option<ExternalKeyLink>,
    /// Where each field of a person comes from, in the words of imports; `column` names a claim. If absent, `username`
    /// comes from the claim `preferred_username`, `time_zone` from `zoneinfo`, and `email`, `given_name` and
    /// `family_name` from the claims of these names.
    #[serde(default = "usual_mapping")]
    #[schema(value_type = BTreeMap<String, ValueMapping>)]
    pub mapping: Mapping,
    /// The claim that names the groups of a user.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, example = "groups")]
    pub groups_claim: Option<String>,
    /// The group that each value of the claim means.
    #[serde(default)]
    #[schema(max_items = 1000)]
    #[validate(custom(function = are_distinct))]
    pub groups: Vec<GroupLink>,
}

/// Changes to an OpenID provider: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateIdentityProvider {
    /// Its unique name for front ends.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,62}$", nullable = false)]
    pub code: Option<String>,
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", nullable = false)]
    pub name: Option<String>,
    /// The client id of Provost at the provider.
    #[schema(min_length = 1, max_length = 500, nullable = false)]
    pub client_id: Option<String>,
    /// The client secret; null for a public client.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(min_length = 1, max_length = 1000, format = Password, value_type = Option<String>)]
    pub client_secret: Option<Option<String>>,
    /// The scopes to request; `openid` is required.
    #[schema(inline, value_type = Option<Vec<OauthScope>>, min_items = 1, max_items = 50, nullable = false)]
    #[validate(custom(function = have_openid))]
    pub scopes: Option<Vec<String>>,
    /// Addresses to which front ends may be sent back after a sign-in.
    #[schema(inline, value_type = Option<Vec<RedirectUri>>, max_items = 50, nullable = false)]
    pub redirect_uris: Option<Vec<String>>,
    /// Audiences for which its tokens are accepted as bearer tokens and in token exchange.
    #[schema(inline, value_type = Option<Vec<Audience>>, max_items = 50, nullable = false)]
    pub audiences: Option<Vec<String>>,
    /// Whether users may sign in with it.
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
    /// Whether an unknown person becomes a user at sign-in.
    #[schema(nullable = false)]
    pub creates_people: Option<bool>,
    /// Whether new claims about a person replace the stored values at sign-in.
    #[schema(nullable = false)]
    pub updates_people: Option<bool>,
    /// Whether a first sign-in is matched to the one user with that e-mail address, if the provider says that it
    /// verified the address.
    #[schema(nullable = false)]
    pub links_verified_email: Option<bool>,
    /// The claim that finds the user at the first sign-in.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<ExternalKeyLink>)]
    pub links_external_key: Option<Option<ExternalKeyLink>>,
    /// Where each field of a person comes from, as a whole.
    #[schema(nullable = false, value_type = Option<BTreeMap<String, ValueMapping>>)]
    pub mapping: Option<Mapping>,
    /// The claim that names the groups of a user.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(min_length = 1, max_length = 200, value_type = Option<String>)]
    pub groups_claim: Option<Option<String>>,
    /// Which group each value of that claim means, as a whole.
    #[schema(max_items = 1000, nullable = false)]
    #[validate(custom(function = are_distinct))]
    pub groups: Option<Vec<GroupLink>>,
}

/// A provider that a front end may offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = identity_providers)]
pub struct OfferedProvider {
    /// What `/oauth/authorize` calls it.
    #[schema(example = "corp")]
    pub code: String,
    /// Its display name.
    #[schema(example = "Company account")]
    pub name: String,
}

/// The providers that a front end may offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedProviders {
    /// Each of them, by name.
    #[schema(max_items = 1000)]
    pub data: Vec<OfferedProvider>,
}

fn yes() -> bool {
    true
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn usual_mapping() -> Mapping {
    let claims = [
        ("username", "preferred_username"),
        ("email", "email"),
        ("given_name", "given_name"),
        ("family_name", "family_name"),
        ("time_zone", "zoneinfo"),
    ];
    let mapping = claims.map(|(field, claim)| {
        let value = ValueMapping {
            column: Some(claim.to_owned()),
            ..ValueMapping::default()
        };
        (field.to_owned(), value)
    });
    mapping.into()
}
