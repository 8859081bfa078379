//! Issuing: a completion becomes a certificate, once; a reissue puts another in its place.
//!
//! What a certificate shows is frozen in the transaction that issues it; its PDF is set afterwards.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    files::Unset,
    glyphs,
    model::{Certificate, CertificateRow, CertificateState, CompletionKey},
    store::{self, Draft, NotedCompletion},
};
use crate::{
    app::Tx,
    authz::Authorized,
    credential::{
        events::{CERTIFICATE_ISSUED, CERTIFICATE_REVOKED, CERTIFICATE_SUPERSEDED},
        serial, templates,
    },
    http::{ApiError, ApiResult, Code},
    jobs::{Job, JobError, JobRun},
    ledger::{Event, SealedEvent},
};

/// Sees to it that a completion has its certificate, and its certificates their files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueCertificate {
    /// The user.
    pub user_id: Uuid,
    /// The completion that it certifies.
    pub completion_id: Uuid,
}

impl Job for IssueCertificate {
    const KIND: &'static str = "issue_certificate";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.write(|tx| self.issue(tx))?;
        let unset = run.read(|tx| self.unset(tx))?;
        let set = unset
            .into_iter()
            .map(|(id, certificate)| Ok((id, certificate.set()?.pdf)))
            .collect::<ApiResult<Vec<_>>>()?;
        run.finish(|tx| self.store_files(tx, &set))
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.completion_id.to_string())
    }
}

impl IssueCertificate {
    /// Issues the certificate, unless the completion ever had one or was corrected; in a transaction.
    pub fn issue(&self, tx: &mut Tx) -> ApiResult<()> {
        let noted = completion(tx, self.user_id, self.completion_id)?;
        // Of several corrections in a row the last one may come first.
        let corrected = match noted.corrects {
            Some(_) => store::corrected_by(tx, self.user_id, self.completion_id)?,
            None => Vec::new(),
        };
        if noted.is_void {
            let revoke = |id: &Uuid| revoke_all(tx, self.user_id, *id, "the completion did not happen");
            return corrected.iter().try_for_each(revoke);
        }
        let had_one = !store::of_completion(tx, self.user_id, self.completion_id)?.is_empty();
        if had_one || store::is_corrected(tx, self.user_id, self.completion_id)? {
            return Ok(());
        }
        let Some(certificate) = add(tx, &draft(noted.key)?, None)? else {
            return Ok(());
        };
        corrected.into_iter().try_for_each(|id| {
            let reason = Some("the completion was corrected".into());
            replace(tx, self.user_id, id, certificate.id, reason)
        })
    }

    /// The certificates whose files are still to be set.
    fn unset(&self, tx: &mut Tx) -> ApiResult<Vec<(Uuid, Unset)>> {
        store::without_file(tx, self.user_id, self.completion_id)?
            .iter()
            .map(|row| Ok((row.id, Unset::of(row, &tx.app.config)?)))
            .collect()
    }

    /// Keeps the files that were set; in a transaction.
    fn store_files(&self, tx: &mut Tx, set: &[(Uuid, Vec<u8>)]) -> ApiResult<()> {
        set.iter()
            .try_for_each(|(id, pdf)| store::insert_file(tx, self.user_id, *id, pdf))
    }
}

/// Issues the certificates of completions that were recorded: of one with its file, which a job sets; of many at once
/// without, and their files are set when somebody asks for them.
pub fn react(tx: &mut Tx, events: &[SealedEvent]) -> ApiResult<()> {
    let completions: Vec<CompletionKey> = events
        .iter()
        .filter_map(|event| {
            Some(CompletionKey {
                user_id: event.user_id?,
                completion_id: event.object_id,
            })
        })
        .collect();
    match completions.as_slice() {
        [one] => {
            let job = IssueCertificate {
                user_id: one.user_id,
                completion_id: one.completion_id,
            };
            job.issue(tx)?;
            tx.enqueue(&job)
        }
        many => issue_all(tx, many),
    }
}

/// Issues the certificates of many completions. Corrections leave it to the job, which puts them in the place of others.
fn issue_all(tx: &mut Tx, noted: &[CompletionKey]) -> ApiResult<()> {
    let template = templates::store::default(tx)?;
    let mut drafts = Vec::with_capacity(noted.len());
    for noted in store::completions(tx, noted)? {
        if noted.corrects.is_some() {
            tx.enqueue(&IssueCertificate {
                user_id: noted.key.user_id,
                completion_id: noted.key.completion_id,
            })?;
        } else {
            drafts.push(draft(noted.key)?);
        }
    }
    store::insert_all(tx, &drafts, &template.layout)?;
    glyphs::record_missing_glyphs(tx, &drafts, &template.layout)
}

/// Reissues a certificate, from what is known today, under another serial. One that is in force gives way to
/// it; a revoked one stays revoked.
pub fn reissue(
    tx: &mut Tx,
    old: &Authorized<CertificateRow>,
    reason: Option<String>,
) -> ApiResult<CertificateRow> {
    if old.state == CertificateState::Superseded {
        return Err(not_issued(
            "Another certificate was issued in its place; reissue that one.",
        ));
    }
    let noted = completion(tx, old.user_id, old.completion_id)?;
    let draft = draft(noted.key)?;
    if old.state == CertificateState::Issued {
        replace(tx, old.user_id, old.completion_id, draft.id, reason.clone())?;
    }
    let certificate = add(tx, &draft, reason)?.ok_or_else(|| {
        not_issued("The completion has another certificate in force already; reissue that one.")
    })?;
    tx.enqueue(&IssueCertificate {
        user_id: old.user_id,
        completion_id: old.completion_id,
    })?;
    Ok(certificate)
}

/// The certificate does not stand where the caller took it to.
pub fn not_issued(detail: &'static str) -> ApiError {
    ApiError::new(Code::CertificateNotIssued, detail)
}

fn completion(tx: &mut Tx, user_id: Uuid, completion_id: Uuid) -> ApiResult<NotedCompletion> {
    let noted = CompletionKey {
        user_id,
        completion_id,
    };
    store::completions(tx, &[noted])?
        .pop()
        .ok_or_else(|| ApiError::not_found("completion"))
}

/// A certificate for `completion` under a new serial.
fn draft(completion: CompletionKey) -> ApiResult<Draft> {
    Ok(Draft {
        id: Uuid::now_v7(),
        completion,
        serial: serial::random()?,
    })
}

fn add(tx: &mut Tx, draft: &Draft, reason: Option<String>) -> ApiResult<Option<CertificateRow>> {
    let layout = templates::store::default(tx)?.layout;
    let added = store::insert(tx, draft, &layout)?;
    if let Some(certificate) = &added {
        note_issued(tx, certificate.clone(), reason)?;
        glyphs::record_missing_glyphs(tx, std::slice::from_ref(draft), &layout)?;
    }
    Ok(added)
}

fn note_issued(tx: &mut Tx, certificate: CertificateRow, reason: Option<String>) -> ApiResult<()> {
    let issued = certificate.on(tx.today())?;
    tx.record(
        Event::new(&CERTIFICATE_ISSUED, issued.id)
            .about(issued.user_id)
            .after(&issued)
            .because(reason),
    );
    Ok(())
}

/// Revokes the certificates of a completion that are in force.
fn revoke_all(tx: &mut Tx, user_id: Uuid, completion_id: Uuid, reason: &str) -> ApiResult<()> {
    for certificate in store::of_completion(tx, user_id, completion_id)? {
        if certificate.state == CertificateState::Issued {
            revoke(tx, certificate, reason)?;
        }
    }
    Ok(())
}

/// Takes a certificate in force back.
pub fn revoke(tx: &mut Tx, certificate: CertificateRow, reason: &str) -> ApiResult<Certificate> {
    let today = tx.today();
    let revoked = store::revoke(tx, &certificate, reason)?.on(today)?;
    tx.record(
        Event::new(&CERTIFICATE_REVOKED, revoked.id)
            .about(revoked.user_id)
            .before(&certificate.on(today)?)
            .after(&revoked)
            .because(Some(reason.to_owned())),
    );
    Ok(revoked)
}

fn replace(
    tx: &mut Tx,
    user_id: Uuid,
    completion_id: Uuid,
    by: Uuid,
    reason: Option<String>,
) -> ApiResult<()> {
    if let Some((before, after)) = store::supersede(tx, user_id, completion_id, by)? {
        let today = tx.today();
        tx.record(
            Event::new(&CERTIFICATE_SUPERSEDED, after.id)
                .about(user_id)
                .before(&before.on(today)?)
                .after(&after.on(today)?)
                .because(reason),
        );
    }
    Ok(())
}
