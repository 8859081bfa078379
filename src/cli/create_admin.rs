//! `provost create-admin`.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{CommandError, CommandResult, start};
use crate::{
    access::{hashing, sign_in},
    app::{Acting, App, Tx, Wake},
    config::Config,
    db::{
        bind,
        schema::{grants, roles},
    },
    http::{ApiError, ApiResult, Ref, body},
    ledger::Event,
    people::users::{model::User, write},
    sql,
};

/// Create an administrator, or give one a new password.
#[derive(Debug, Args)]
pub struct CreateAdmin {
    /// What they sign in with.
    #[arg(long, default_value = "admin")]
    pub username: String,
    /// The password; made up and printed if absent.
    #[arg(long, env = "PROVOST_ADMIN_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
}

const SHORTEST_PASSWORD: usize = 8;

/// Creates the administrator and prints a password that was made up.
pub fn run(config: Config, arguments: &CreateAdmin) -> CommandResult {
    let started = start::start(config)?;
    let password = match &arguments.password {
        Some(password) if password.chars().count() < SHORTEST_PASSWORD => {
            return Err(CommandError(format!(
                "PROVOST_ADMIN_PASSWORD (or --password) is too short: give at least {SHORTEST_PASSWORD} characters."
            )));
        }
        Some(password) => password.clone(),
        None => random_password()?,
    };
    create(&started.app, &arguments.username, &password)?;
    println!("The administrator {} may sign in.", arguments.username);
    if arguments.password.is_none() {
        println!("Password: {password}");
    }
    Ok(())
}

/// A password with 120 random bits.
pub fn random_password() -> ApiResult<String> {
    let mut bytes = [0; 15];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Makes sure that there is an active person of that name, with that password, who may do everything.
pub fn create(app: &App, username: &str, password: &str) -> ApiResult<Uuid> {
    let hash = hashing::hash_blocking(password)?;
    app.write_blocking(&Acting::system("command:create-admin"), |tx| {
        let user = find_or_add(tx, username)?;
        sign_in::store::set_password(tx.conn, user.id, &hash, tx.now)?;
        tx.record(Event::new("user.password_set", "user", user.id).about(user.id));
        grant_everything(tx, user.id)?;
        Ok(user.id)
    })
}

fn find_or_add(tx: &mut Tx, username: &str) -> ApiResult<User> {
    use crate::db::{Condition, schema::users};
    use diesel::{OptionalExtension, SelectableHelper};
    let found = users::table
        .filter(Condition::new(sql![
            "lower(users.username) = lower(",
            bind(username),
            ")"
        ]))
        .select(User::as_select())
        .first(tx.conn)
        .optional()?;
    if let Some(user) = found {
        let user =
            crate::access::authorize::<User>(tx, &Ref::from(user.id), crate::access::Permission::UsersWrite)?;
        return write::update(
            tx,
            user,
            body::read_value(&mut serde_json::json!({ "status": "active" }))?,
        );
    }
    let mut new =
        serde_json::json!({ "username": username, "given_name": "Academy", "family_name": "Administrator" });
    write::create(tx, body::read_value(&mut new)?)
}

fn grant_everything(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    let role: Uuid = roles::table
        .filter(roles::code.eq("lms_admin"))
        .select(roles::id)
        .first(tx.conn)?;
    let id = Uuid::now_v7();
    let added = diesel::insert_into(grants::table)
        .values((
            grants::id.eq(id),
            grants::principal_kind.eq("user"),
            grants::principal_id.eq(user),
            grants::role_id.eq(role),
            grants::scope_kind.eq("everything"),
            grants::source.eq("command"),
            grants::created_at.eq(tx.now),
            grants::updated_at.eq(tx.now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    if added == 1 {
        tx.record(Event::new("grant.created", "grant", id).about(user));
    }
    tx.wake(Wake::Caller(user));
    Ok(())
}
