//! The letters about passwords. Each is a job, which makes its token when it is sent: no secret lies in the queue.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::passwords::tokens::{self, TokenPurpose},
    app::Tx,
    authz,
    http::{ApiError, ApiResult, Code, Ref},
    jobs::{Job, JobError, JobRun},
    ledger::Event,
    mail::{self, Mail, MailSettings},
    people::{
        events::PASSWORD_TOKEN_SENT,
        users::model::{User, UserStatus},
    },
};

/// What a letter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    /// Choose your first password.
    Invitation,
    /// Choose another password.
    Reset,
    /// Your password was changed.
    Changed,
}

/// Sends a person a letter.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendPasswordLetter {
    /// To whom.
    pub user_id: Uuid,
    /// Which.
    pub letter: Letter,
}

impl Job for SendPasswordLetter {
    const KIND: &'static str = "users.password_letter";
    const MAX_ATTEMPTS: i32 = 5;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let settings = run.app().config.mail().map_err(JobError::Dead)?;
        let settings = settings.ok_or_else(|| {
            JobError::Dead("PROVOST_SMTP_URL is not set for this worker; set it and retry the job.".into())
        })?;
        let mail = run.write(|tx| write(tx, &settings, self))?;
        // Sent again if the attempt is lost after this: the earlier letter's token counts no more.
        match mail {
            Some(mail) => mail::send(&settings, mail).map_err(JobError::Retry),
            None => Ok(()),
        }
    }
}

/// Queues the news that a password was changed, where there is mail.
pub fn notify_of_change(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    if tx.app.config.smtp_url.is_none() {
        return Ok(());
    }
    tx.enqueue(&SendPasswordLetter {
        user_id: user,
        letter: Letter::Changed,
    })
}

/// 409 where no mail is sent.
pub fn require_mail(tx: &Tx) -> ApiResult<()> {
    match tx.app.config.smtp_url {
        Some(_) => Ok(()),
        None => Err(no_mail()),
    }
}

/// There is no mail server.
pub fn no_mail() -> ApiError {
    ApiError::new(
        Code::MailNotSetUp,
        "No mail is sent from here: ask the operator of Provost to set PROVOST_SMTP_URL, or an administrator for a password.",
    )
}

/// The letter with a new token; none if the user no longer needs it.
fn write(tx: &mut Tx, settings: &MailSettings, job: &SendPasswordLetter) -> ApiResult<Option<Mail>> {
    let user: User = authz::read(tx, &Ref::from(job.user_id))?;
    let wanted = match job.letter {
        Letter::Invitation => UserStatus::Invited,
        Letter::Reset | Letter::Changed => UserStatus::Active,
    };
    let Some(to) = user.email.clone().filter(|_| user.status == wanted) else {
        return Ok(None);
    };
    let academy = tx.app.config.academy_name.clone();
    let (subject, text) = match job.letter {
        Letter::Invitation => {
            let way = way(tx, settings, &user, &to, TokenPurpose::Invitation)?;
            let username = &user.username;
            (
                format!("{academy}: your account"),
                format!(
                    "you have an account at {academy}. Your username is {username}. Choose a password here:\n\n{way}"
                ),
            )
        }
        Letter::Reset => {
            let way = way(tx, settings, &user, &to, TokenPurpose::Reset)?;
            let username = &user.username;
            (
                format!("{academy}: choose a new password"),
                format!(
                    "somebody asked for a new password for {username} at {academy}. If it was you, choose one here:\n\n{way}\n\nIf it was not you, you need do nothing: your password stays as it is."
                ),
            )
        }
        Letter::Changed => (
            format!("{academy}: your password was changed"),
            format!(
                "the password of {} at {academy} was changed, and all sessions with the old one were ended.\n\nIf it was not you, ask for a new password and tell an administrator.",
                user.username
            ),
        ),
    };
    Ok(Some(Mail {
        to,
        subject,
        text: format!("Hello {},\n\n{text}\n", user.given_name),
    }))
}

/// The address that a person goes to with a new token, and for how long.
fn way(
    tx: &mut Tx,
    settings: &MailSettings,
    user: &User,
    to: &str,
    purpose: TokenPurpose,
) -> ApiResult<String> {
    let (token, expires_at) = tokens::issue(tx, user.id, purpose, Some(to))?;
    tx.record(Event::new(&PASSWORD_TOKEN_SENT, user.id).about(user.id));
    let page = &settings.password_page;
    let until = expires_at.format("%Y-%m-%d %H:%M");
    Ok(format!("{page}{token}\n\nIt works once, until {until} UTC."))
}
