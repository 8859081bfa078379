//! `/healthz`, `/readyz`, `/metrics`.

use actix_web::{HttpRequest, HttpResponse, get, http::header, web::Data};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    app::App,
    db::migrate,
    http::{ApiError, ApiResult, Code, Problem},
    jobs,
    ledger::{self, Consumers, consumers},
};

/// The routes of this module; none needs an access token.
pub fn configure_probes(config: &mut ServiceConfig) {
    config
        .service(get_health)
        .service(get_readiness)
        .service(get_metrics);
}

/// A part of Provost and whether it works.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PartHealth {
    /// The part.
    #[schema(example = "database")]
    pub name: String,
    /// Whether it works.
    pub ready: bool,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// Whether Provost is ready to answer requests.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether all parts work.
    pub ready: bool,
    /// The parts.
    pub parts: Vec<PartHealth>,
}

/// Check that the process is alive.
#[utoipa::path(tag = "system", responses((status = 200, description = "It is.", body = String, content_type = "text/plain")))]
#[get("/healthz")]
async fn get_health() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

/// Check that the process is ready.
///
/// Names the part that fails.
#[utoipa::path(tag = "system", responses(
    (status = 200, description = "It can.", body = Readiness),
    (status = 503, description = "It cannot.", body = Readiness)))]
#[get("/readyz")]
async fn get_readiness(app: Data<App>) -> HttpResponse {
    let app = app.into_inner();
    let pending = app.db.run(migrate::is_pending).await;
    let (database, migrations) = match pending {
        Err(error) => (Some(error.to_string()), None),
        Ok(Err(error)) => (Some(error.to_string()), None),
        Ok(Ok(true)) => (
            None,
            Some("migrations are pending; run `provost migrate`".to_owned()),
        ),
        Ok(Ok(false)) => (None, None),
    };
    let own = [("database", database), ("migrations", migrations)];
    let parts = own.into_iter().chain(app.readiness());
    let parts: Vec<_> = parts
        .map(|(name, fault)| PartHealth {
            name: name.into(),
            ready: fault.is_none(),
            fault,
        })
        .collect();
    let readiness = Readiness {
        ready: parts.iter().all(|part| part.ready),
        parts,
    };
    if readiness.ready {
        HttpResponse::Ok().json(readiness)
    } else {
        HttpResponse::ServiceUnavailable().json(readiness)
    }
}

/// Get metrics for Prometheus.
///
/// `provost_queue_length` tells of requests that wait for a connection to the database, of jobs that are due, and of
/// events that are not sealed yet; `provost_consumer_lag`, `provost_consumer_failures` and `provost_events_set_aside` tell how
/// each consumer of events stands; the others count requests and attempts at jobs. With `PROVOST_METRICS_TOKEN` it wants that
/// token as bearer; with `PROVOST_METRICS_LISTEN` this, `/healthz` and `/readyz` answer on that address only.
#[utoipa::path(tag = "system", responses(
    (status = 401, description = "The token of `PROVOST_METRICS_TOKEN` is missing.", body = Problem, content_type = "application/problem+json"),
    (status = 200, description = "The metrics, as Prometheus reads them.", body = String, content_type = "text/plain")))]
#[get("/metrics")]
async fn get_metrics(app: Data<App>, request: HttpRequest) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    if let Some(token) = &app.config.metrics_token
        && !carries(&request, token)
    {
        return Err(ApiError::new(
            Code::Unauthenticated,
            "Send the token that PROVOST_METRICS_TOKEN sets as `Authorization: Bearer …`.",
        ));
    }
    app.metrics.set_queue("database", app.db.waiting() as i64);
    let now = app.clock.now();
    let consumers = *app.part::<Consumers>();
    let counted = app
        .db
        .run(move |conn| {
            Ok::<_, diesel::result::Error>((
                jobs::due(conn, now)?,
                ledger::count_unsealed(conn)?,
                consumers::counts(conn, &consumers)?,
            ))
        })
        .await;
    // What is wrong with the database, /readyz says; the rest is still worth reading.
    if let Ok(Ok((jobs, events, consumers))) = counted {
        app.metrics.set_queue("jobs", jobs);
        app.metrics.set_queue("unsealed_events", events);
        for each in consumers {
            app.metrics
                .set_consumer(&each.name, each.behind, each.failures, each.set_aside);
        }
    }
    let text = app.metrics.render().map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(text))
}

fn carries(request: &HttpRequest, token: &str) -> bool {
    let header = request.headers().get(header::AUTHORIZATION);
    let sent = header.and_then(|value| value.as_bytes().split_at_checked("Bearer ".len()));
    sent.is_some_and(|(scheme, sent)| {
        scheme.eq_ignore_ascii_case(b"Bearer ") && verify_slices_are_equal(sent, token.as_bytes()).is_ok()
    })
}
