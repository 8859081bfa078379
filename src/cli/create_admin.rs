//! `provost create-admin`.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::{CommandError, CommandResult, say, start};
use crate::{
    access::{
        grants, hashing,
        passwords::{self, rules},
        sessions::{self, model::SessionEndReason},
        sign_in,
    },
    app::{Acting, App, Tx},
    authz::{self, Permission},
    config::Config,
    http::{ApiError, ApiResult, Ref, body},
    people::users::model::{User, UserStatus},
    resource::{Change, write},
};

/// Create an administrator, or give one a new password.
#[derive(Debug, Args)]
pub struct CreateAdmin {
    /// The new password.
    #[arg(long, default_value = "admin")]
    pub username: String,
    /// The password; made up and printed if absent.
    #[arg(long, env = "PROVOST_ADMIN_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
}

/// Creates the administrator and prints a password that was made up.
pub fn run(config: Config, arguments: &CreateAdmin) -> CommandResult {
    let started = start::start(config)?;
    let password = match &arguments.password {
        Some(password) => {
            let words = [
                arguments.username.clone(),
                started.app.config.academy_name.clone(),
            ];
            if let Some(fault) = rules::fault(password, &words) {
                return Err(CommandError(format!(
                    "PROVOST_ADMIN_PASSWORD (or --password) {fault}."
                )));
            }
            password.clone()
        }
        None => random_password()?,
    };
    create(&started.app, &arguments.username, &password)?;
    say(format_args!(
        "The administrator {} may sign in.",
        arguments.username
    ))?;
    if arguments.password.is_none() {
        say(format_args!("Password: {password}"))?;
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
        passwords::set(tx, user.id, &hash, false)?;
        sessions::end::all(tx, user.id, SessionEndReason::PasswordSet)?;
        grants::check::ensure_everywhere(tx, user.id, "lms_admin")?;
        Ok(user.id)
    })
}

fn find_or_add(tx: &mut Tx, username: &str) -> ApiResult<User> {
    if let Some(id) = sign_in::store::person_named(tx.conn, username)? {
        let before = authz::authorize::<User>(tx, &Ref::from(id), Permission::UsersWrite)?;
        if before.status == UserStatus::Active {
            return Ok(before.into_inner());
        }
        return write::one(tx, Change::edit(before, |user| user.status = UserStatus::Active));
    }
    let mut new = json!({ "username": username, "given_name": "Academy", "family_name": "Administrator" });
    write::one(tx, Change::create(body::read_value(&mut new)?))
}
