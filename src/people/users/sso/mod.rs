//! The people of OpenID providers: found by subject, linked, made just in time and kept as the provider says.

mod claims;
mod groups;
mod link;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    identities::store as identities,
    import,
    model::{CreateUser, UpdateUser, User, UserStatus},
};
use crate::{
    access::sso::{Person, SsoPeople, providers::model::ProviderRow},
    app::Tx,
    authz::{self, Permission},
    http::{ApiError, ApiResult, FieldError, Ref, body},
    import::{mapping::OnTaken, record::Record},
    resource::{Change, write},
};

/// Finds, makes and changes the people who sign in by a provider.
pub struct UserSso;

impl SsoPeople for UserSso {
    fn faults(&self, tx: &mut Tx, provider: &ProviderRow) -> ApiResult<Vec<FieldError>> {
        let mut faults = claims::faults(tx, provider)?;
        faults.extend(groups::faults(tx, &provider.group_links())?);
        Ok(faults)
    }

    fn sign_in(
        &self,
        tx: &mut Tx,
        provider: &ProviderRow,
        person: &Person,
    ) -> ApiResult<Result<Uuid, String>> {
        let user = match find(tx, provider, person)? {
            Ok(user) => user,
            Err(why) => return Ok(Err(why)),
        };
        // Tokens live on, and may be shown again later: an old one brings nothing back.
        if !identities::note_use(tx, provider.id, &person.subject, person.said_at)? {
            return Ok(Ok(user));
        }
        if provider.updates_people {
            update(tx, provider, person, user)?;
        }
        groups::follow(tx, provider, person, user)?;
        Ok(Ok(user))
    }
}

/// The active person of a subject.
fn find(tx: &mut Tx, provider: &ProviderRow, person: &Person) -> ApiResult<Result<Uuid, String>> {
    let mut owner = identities::owner(tx, provider.id, &person.subject)?;
    if owner.is_none() {
        // First sign-ins take turns, so that several of one person find one person.
        identities::advisory_lock(tx, provider.id)?;
        owner = identities::owner(tx, provider.id, &person.subject)?;
    }
    let (user, is_new) = match owner {
        Some(user) => (user, false),
        None => match link::find(tx, provider, person)? {
            Ok(Some(user)) => (user, true),
            Ok(None) if provider.creates_people => return create(tx, provider, person),
            Ok(None) => return Ok(Err("Nobody here is linked to this account.".into())),
            Err(why) => return Ok(Err(why)),
        },
    };
    let before = authorize(tx, user)?;
    if !matches!(before.status, UserStatus::Active | UserStatus::Invited) {
        return Ok(Err("This account may not sign in.".into()));
    }
    if is_new {
        identities::link(tx, user, provider.id, &person.subject)?;
    }
    if before.status == UserStatus::Invited {
        write::one(tx, Change::edit(before, |user| user.status = UserStatus::Active))?;
    }
    Ok(Ok(user))
}

/// Makes a person of what the provider says.
fn create(tx: &mut Tx, provider: &ProviderRow, person: &Person) -> ApiResult<Result<Uuid, String>> {
    let read = claims::read(tx, provider, person)?;
    // Without these there is nobody; another claim that cannot be taken, such as an e-mail that is no address, keeps
    // nobody out.
    let needs = |field: &Option<String>| matches!(field.as_deref(), Some("username" | "given_name"));
    if let Some(issue) = read.issues.iter().find(|issue| needs(&issue.field)) {
        let field = issue.field.as_deref().unwrap_or_default();
        return Ok(Err(format!(
            "The provider's claims make no person: {field} {}.",
            issue.detail
        )));
    }
    tell(provider, &read);
    let said = read.fields.clone();
    let mut fields: Map<_, _> = read.fields;
    fields.retain(|_, value| !value.is_null());
    // As in imports: some people have one name.
    fields.entry("family_name").or_insert_with(|| "".into());
    choose_username(tx, provider, &mut fields, None)?;
    let made = tx.attempt(|tx| {
        let new: CreateUser = body::read_value(&mut fields.clone().into())?;
        write::one(tx, Change::create(new))
    });
    let user = match made {
        Ok(user) => user.id,
        Err(error) => return refusal_detail(error).map(Err),
    };
    identities::link(tx, user, provider.id, &person.subject)?;
    identities::note_claims(tx, provider.id, &person.subject, said)?;
    Ok(Ok(user))
}

/// As in imports: a taken username gets a number, if the provider's mapping says so, and who has one keeps it.
fn choose_username(
    tx: &mut Tx,
    provider: &ProviderRow,
    fields: &mut Map<String, Value>,
    before: Option<&User>,
) -> ApiResult<()> {
    let mapping = provider.fields();
    let is_numbered = mapping
        .get("username")
        .is_some_and(|value| value.on_taken == Some(OnTaken::Number));
    if let Some(Value::String(username)) = fields.get_mut("username")
        && is_numbered
    {
        *username = import::free_username(tx, username, before)?;
    }
    Ok(())
}

/// Writes the claims that changed since the last sign-in: repeated claims overwrite nothing that others set meanwhile.
/// What cannot be written stays as it is: nobody is kept out for it.
fn update(tx: &mut Tx, provider: &ProviderRow, person: &Person, user: Uuid) -> ApiResult<()> {
    let read = claims::read(tx, provider, person)?;
    tell(provider, &read);
    let said = identities::said(tx, provider.id, &person.subject)?;
    let differences = differences(&said, &read.fields);
    if differences.is_empty() {
        return Ok(());
    }
    let written = tx.attempt(|tx| {
        let before = authorize(tx, user)?;
        let mut fields = differences.clone();
        choose_username(tx, provider, &mut fields, Some(&before))?;
        let changes: UpdateUser = body::read_value(&mut fields.into())?;
        write::one(tx, Change::Update(before, changes))
    });
    match written {
        Ok(_) => identities::note_claims(tx, provider.id, &person.subject, merge(said, read.fields)),
        Err(error) => {
            let why = refusal_detail(error)?;
            log::warn!(
                "identity provider {}: user {user} stays as they are: {why}",
                provider.code
            );
            Ok(())
        }
    }
}

/// The fields that are not as they were said the last time; of custom attributes those which are not.
fn differences(said: &Map<String, Value>, fields: &Map<String, Value>) -> Map<String, Value> {
    let differences = fields
        .iter()
        .filter_map(|(name, value)| match (said.get(name), value) {
            (Some(Value::Object(said)), Value::Object(inner)) => {
                let inner = differences(said, inner);
                (!inner.is_empty()).then(|| (name.clone(), inner.into()))
            }
            (said, value) => (said != Some(value)).then(|| (name.clone(), value.clone())),
        });
    differences.collect()
}

/// What was said, with what is said now in its place.
fn merge(mut said: Map<String, Value>, fields: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in fields {
        let merged = match (said.remove(&name), value) {
            (Some(Value::Object(said)), Value::Object(inner)) => merge(said, inner).into(),
            (_, value) => value,
        };
        said.insert(name, merged);
    }
    said
}

/// Logs the names of claims that were ignored. Their values are personal, so they are not logged.
fn tell(provider: &ProviderRow, read: &Record) {
    for issue in &read.issues {
        let field = issue.field.as_deref().unwrap_or_default();
        log::warn!(
            "identity provider {}: the claim for {field} was passed over: {}",
            provider.code,
            issue.code
        );
    }
}

fn authorize(tx: &mut Tx, user: Uuid) -> ApiResult<authz::Authorized<User>> {
    authz::authorize(tx, &Ref::from(user), Permission::UsersWrite)
}

/// What spoke against writing a person, if it was what the provider said of them.
fn refusal_detail(error: ApiError) -> ApiResult<String> {
    if error.is_retryable || !error.code.status().is_client_error() {
        return Err(error);
    }
    let faults: Vec<String> = error
        .fields
        .iter()
        .map(|fault| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail))
        .collect();
    Ok(if faults.is_empty() {
        format!("The provider's claims make no person: {}", error.detail)
    } else {
        format!("The provider's claims make no person: {}.", faults.join("; "))
    })
}
