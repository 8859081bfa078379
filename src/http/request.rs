//! Around every request: its id, its time limit, the access log and the metrics.

use std::{any::Any, panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt;

use super::{ApiError, Code, address, scim};
use crate::{config::Config, metrics::Metrics};

/// The header that carries the request's id.
pub const REQUEST_ID: &str = "x-request-id";

/// What the task that works on a request knows of it.
struct Current {
    id: String,
    speaks_scim: bool,
}

tokio::task_local! {
    static CURRENT: Current;
}

/// The principal of a request, left by the authentication for the access log.
#[derive(Debug, Clone)]
pub struct LoggedPrincipal(pub String);

/// A request's id: the client's own where it is fit, a new one otherwise.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// When the client is told that its request took too long.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// The id of the request that this task works on.
pub fn current_id() -> Option<String> {
    CURRENT.try_with(|current| current.id.clone()).ok()
}

/// Whether the request that this task works on is one of SCIM, whose errors have a form of their own.
pub fn speaks_scim() -> bool {
    CURRENT.try_with(|current| current.speaks_scim).unwrap_or(false)
}

fn fit(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b))
}

/// Middleware: see the module.
pub async fn track<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| fit(id));
    let id = given.map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let config = request.app_data::<Data<Config>>().cloned();
    let address = config.as_ref().and_then(|config| address::keep(&request, config));
    let address = address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    let limit = config.map(|config| config.request_timeout);
    if let Some(limit) = limit {
        request.extensions_mut().insert(Deadline(started + limit));
    }
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let method = request.method().clone();
    if method == Method::HEAD {
        // Answered as GET is; the protocol's layer leaves the body out.
        request.head_mut().method = Method::GET;
    }
    let path = request.path().to_owned();

    let current = Current {
        id: id.clone(),
        speaks_scim: scim::is_address(&path),
    };
    let answer = CURRENT
        .scope(current, async move {
            let answer = AssertUnwindSafe(next.call(request))
                .catch_unwind()
                .map(|answer| answer.unwrap_or_else(|panic| Err(panicked(&*panic).into())));
            let answer = match limit {
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .unwrap_or_else(|_| Err(too_slow().into())),
                None => answer.await,
            };
            // Rendered here, where the request's id is known.
            answer.map_err(|error| (error.error_response(), error))
        })
        .await;

    let took = started.elapsed();
    let log = |status: StatusCode, operation: &str, principal: &str, fault: Option<&Error>| {
        if let Some(metrics) = &metrics {
            metrics.observe_request(method.as_str(), operation, status.as_u16(), took);
        }
        if let Some(fault) = fault.filter(|_| status.is_server_error()) {
            log::error!("request {id}: {fault}");
        }
        let status = status.as_u16();
        log::info!(target: "access", "{method} {path} {status} {}ms request={id} principal={principal} address={address}", took.as_millis());
    };
    match answer {
        Ok(mut response) => {
            name(response.headers_mut(), &id);
            let operation = response
                .request()
                .match_pattern()
                .unwrap_or_else(|| UNMATCHED.into());
            let principal = response.request().extensions().get::<LoggedPrincipal>().cloned();
            let principal = principal.map_or_else(|| "-".to_owned(), |principal| principal.0);
            log(
                response.status(),
                &operation,
                &principal,
                response.response().error(),
            );
            Ok(response.map_into_boxed_body())
        }
        Err((mut response, error)) => {
            name(response.headers_mut(), &id);
            log(response.status(), UNMATCHED, "-", Some(&error));
            Err(InternalError::from_response(error, response).into())
        }
    }
}

const UNMATCHED: &str = "unmatched";

/// A panic costs its own request a 500, not the connection. Its message goes to the log.
fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(format!("panic: {}", message.unwrap_or("of an unknown kind")))
}

/// The answer to a request that took longer than it may.
pub fn too_slow() -> ApiError {
    ApiError::new(
        Code::Unavailable,
        "This took too long. Ask for less at once, or try again later.",
    )
}

fn name(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, http::Method, middleware::from_fn, test, web};
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Defaults {
        #[command(flatten)]
        config: Config,
    }

    async fn answer(
        handler: impl actix_web::Handler<(), Output = HttpResponse>,
    ) -> (StatusCode, serde_json::Value) {
        let mut config = Defaults::parse_from(["provost"]).config;
        config.request_timeout = std::time::Duration::from_millis(10);
        let app = App::new()
            .app_data(Data::new(config))
            .route("/", web::method(Method::GET).to(handler))
            .wrap(from_fn(track));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get()
            .uri("/")
            .insert_header((REQUEST_ID, "of-the-test"));
        let response = match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let status = response.status();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[actix_web::test]
    async fn a_panic_in_a_handler_is_a_500_problem() {
        async fn panicking() -> HttpResponse {
            panic!("a secret cause")
        }
        let (status, body) = answer(panicking).await;
        assert_eq!(
            (status.as_u16(), &body["code"], &body["request_id"]),
            (500, &"internal".into(), &"of-the-test".into())
        );
        assert!(!body.to_string().contains("secret"));
    }

    #[actix_web::test]
    async fn a_request_that_takes_too_long_is_a_503_problem() {
        let (status, body) = answer(std::future::pending::<HttpResponse>).await;
        assert_eq!((status.as_u16(), &body["code"]), (503, &"unavailable".into()));
    }
}
