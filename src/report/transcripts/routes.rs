//! `/v1/reports/transcripts/{user_id}`.

use actix_web::{Either, HttpResponse, get, web::Path};

use super::{
    model::{Transcript, TranscriptLearner, TranscriptQuery},
    store,
};
use crate::{
    app::Call,
    http::{
        ApiResult, Query, Ref, Reply,
        csv::{self, Accepted},
    },
};

/// Get the transcript of a user.
///
/// The user's completions, enrollments, requirements and certificates, in one list; learners may read their own. CSV
/// for `Accept: text/csv` or `format=csv`.
#[utoipa::path(tag = "reports", params(("user_id" = String, Path), TranscriptQuery),
    responses((status = 200, description = "The transcript.",
        content((Transcript = "application/json"), (String = "text/csv")))),
    extensions(("x-permission" = json!("completions.read"))))]
#[get("/transcripts/{user_id}")]
pub async fn get_transcript(
    call: Call,
    id: Path<Ref<TranscriptLearner>>,
    query: Query<TranscriptQuery>,
    accepted: Accepted,
) -> ApiResult<Either<Reply, HttpResponse>> {
    let transcript = call.read(move |tx| store::transcript(tx, &id)).await?;
    let Some(style) = accepted.csv(query.0.format, query.0.bom) else {
        return Ok(Either::Left(Reply::ok(&transcript)?.header("Vary", "Accept")));
    };
    let name = format!("transcript-{}", transcript.learner.id);
    Ok(Either::Right(csv::whole(&name, style, &transcript.entries)?))
}
