//! `POST /v1/users/{user_id}/invitations`.

use actix_web::{post, web::Path};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::letters::{self, Letter, SendPasswordLetter};
use crate::{
    access::{
        inclusion,
        passwords::tokens::{self, TokenPurpose},
    },
    app::{Call, Tx},
    authz::{self, Permission},
    http::{ApiError, ApiResult, Code, Ref, Reply, Valid},
    ledger::Event,
    people::{
        events::USER_INVITED,
        users::model::{User, UserStatus},
    },
    text_enum,
};

text_enum! {
    /// How an invitation reaches its person.
    InvitationDelivery {
        /// By mail to the person's address.
        Email = "email",
        /// By the caller: the answer shows the token, this once.
        Answer = "answer",
    }
}

/// An invitation to create.
#[derive(Debug, Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// How the user gets it.
    #[serde(default = "by_email")]
    #[schema(default = "email")]
    pub delivery: InvitationDelivery,
}

fn by_email() -> InvitationDelivery {
    InvitationDelivery::Email
}

/// An invitation that was just made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Invitation {
    /// How the user gets it.
    pub delivery: InvitationDelivery,
    /// Where the mail goes; null if it is not mailed.
    pub sent_to: Option<String>,
    /// The token for `POST /account/passwords`; null if it is mailed, and where an idempotent request is repeated.
    pub token: Option<String>,
    /// Until when that token is good; one that is mailed is good from its sending on.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Invite a user.
///
/// For users with the status `invited`: they choose their first password with a single-use token, and are active from
/// then on. A later invitation replaces an earlier one. A caller who sees the token could sign in as the user, so the
/// caller needs every permission that the user was granted, in scopes that include the user's.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)), request_body = CreateInvitation,
    responses((status = 201, body = Invitation)), extensions(("x-permission" = json!("users.write"))))]
#[post("/{user_id}/invitations")]
pub(in crate::people::users) async fn create_user_invitation(
    call: Call,
    id: Path<Ref<User>>,
    body: Valid<CreateInvitation>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let user = authz::authorize(tx, &id, Permission::UsersWrite)?.into_inner();
        inclusion::require_all_of(tx, user.id)?;
        if user.status != UserStatus::Invited {
            return Err(ApiError::new(
                Code::UserNotInvited,
                format!(
                    "The person is {}; set the status to invited first.",
                    user.status.as_str()
                ),
            ));
        }
        let invitation = invite(tx, &user, body.0.delivery)?;
        tx.record(Event::new(&USER_INVITED, user.id).about(user.id));
        let kept = Invitation {
            token: None,
            ..invitation.clone()
        };
        Reply::created_part(&invitation)?.kept_as(&kept)
    })
    .await
}

fn invite(tx: &mut Tx, user: &User, delivery: InvitationDelivery) -> ApiResult<Invitation> {
    let mut invitation = Invitation {
        delivery,
        sent_to: None,
        token: None,
        expires_at: None,
    };
    match delivery {
        InvitationDelivery::Email => {
            letters::require_mail(tx)?;
            let email = user.email.clone();
            invitation.sent_to = Some(email.ok_or_else(|| {
                ApiError::field(
                    "/delivery",
                    "cannot be email for a person without an e-mail address",
                )
            })?);
            tx.enqueue(&SendPasswordLetter {
                user_id: user.id,
                letter: Letter::Invitation,
            })?;
        }
        InvitationDelivery::Answer => {
            let (token, expires_at) = tokens::issue(tx, user.id, TokenPurpose::Invitation, None)?;
            invitation.token = Some(token);
            invitation.expires_at = Some(expires_at);
        }
    }
    Ok(invitation)
}
