//! Around every request: its id, its time limit, the access log and the metrics.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{Bytes, Data},
};
use futures_util::{FutureExt, Stream, stream::poll_fn};

use super::{ApiError, Code, address};
use crate::{config::Config, metrics::Metrics};

/// The header that carries the request's id.
pub const REQUEST_ID: &str = "x-request-id";

tokio::task_local! {
    static CURRENT_ID: String;
}

/// The principal of a request, left by the authentication for the access log.
#[derive(Debug, Clone)]
pub struct LogPrincipal(pub String);

/// A request's id: the client's own where it is fit, a new one otherwise.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// When the client is told that its request took too long.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// Whether a handler sees to its time limit itself.
#[derive(Debug, Clone, Default)]
struct TakesLong(Rc<Cell<bool>>);

/// Lifts the time limit of a request, whose handler sees to it that the request gets on.
pub fn take_long(request: &HttpRequest) {
    if let Some(takes_long) = request.extensions().get::<TakesLong>() {
        takes_long.0.set(true);
    }
}

/// The request was HEAD, which is answered as GET is.
#[derive(Debug, Clone, Copy)]
struct IsHead;

/// Whether the body of the answer will be left out.
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().get::<IsHead>().is_some()
}

/// In the data of a server: paths hold secrets, so the access log shows their patterns.
#[derive(Debug, Clone, Copy)]
pub struct SecretPaths;

/// The id of the request that this task works on.
pub fn current_id() -> Option<String> {
    CURRENT_ID.try_with(String::clone).ok()
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
    let address = config
        .as_ref()
        .and_then(|config| address::remember(&request, config));
    let address = address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    let limit = config.map(|config| config.request_timeout);
    if let Some(limit) = limit {
        request.extensions_mut().insert(Deadline(started + limit));
    }
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let method = request.method().clone();
    if method == Method::HEAD {
        // Answered as GET is; the protocol's layer leaves the body out.
        request.extensions_mut().insert(IsHead);
        request.head_mut().method = Method::GET;
    }
    let body = Body::watch(&mut request);
    let kept = body.clone();
    let path = request.path().to_owned();
    let has_secret_paths = request.app_data::<SecretPaths>().is_some();
    let takes_long = TakesLong::default();
    request.extensions_mut().insert(takes_long.clone());

    let answer = CURRENT_ID
        .scope(id.clone(), async move {
            let answer = AssertUnwindSafe(next.call(request))
                .catch_unwind()
                .map(|answer| answer.unwrap_or_else(|panic| Err(panicked(&*panic).into())));
            let answer = match limit {
                Some(limit) => {
                    let mut answer = pin!(answer);
                    match tokio::time::timeout(limit, answer.as_mut()).await {
                        Ok(answer) => answer,
                        Err(_) if takes_long.0.get() => answer.await,
                        Err(_) => Err(body.timeout_problem().into()),
                    }
                }
                None => answer.await,
            };
            // Rendered here, where the request's id is known.
            answer.map_err(|error| (error.error_response(), error))
        })
        .await;

    let took = started.elapsed();
    let log = |status: StatusCode, pattern: Option<&str>, principal: &str, fault: Option<&Error>| {
        if let Some(metrics) = &metrics {
            metrics.observe_request(method.as_str(), pattern, status.as_u16(), took);
        }
        if let Some(fault) = fault.filter(|_| status.is_server_error()) {
            log::error!("request {id}: {fault}");
        }
        let path = match pattern {
            _ if has_secret_paths => pattern.unwrap_or("-"),
            // Signed addresses of content are for the content listener; a wrong rule of a proxy may bring them here.
            None if path.starts_with("/l/") => "/l/…",
            None if path.starts_with("/f/") => "/f/…",
            _ => &path,
        };
        let (method, path, status) = (cut(method.as_str(), 20), cut(path, 500), status.as_u16());
        log::info!(target: "access", "{method} {path} {status} {}ms request={id} principal={principal} address={address}", took.as_millis());
    };
    match answer {
        Ok(mut response) => {
            name(response.headers_mut(), &id);
            let principal = response.request().extensions().get::<LogPrincipal>().cloned();
            let principal = principal.map_or_else(|| "-".to_owned(), |principal| principal.0);
            // Asked after the router found it, which costs nothing; before, all routes would be compared once more.
            let pattern = response.request().match_pattern();
            log(
                response.status(),
                pattern.as_deref(),
                &principal,
                response.response().error(),
            );
            let response = response.map_into_boxed_body();
            Ok(response.map_body(|_, answer| kept.kept_with(answer)))
        }
        Err((mut response, error)) => {
            name(response.headers_mut(), &id);
            let response = response.map_body(|_, answer| kept.kept_with(answer));
            let pattern = metrics.as_ref().and_then(|metrics| metrics.pattern_of(&path));
            log(response.status(), pattern, "-", Some(&error));
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// At most the first `length` bytes of a text that a client may make as long as it likes.
fn cut(text: &str, length: usize) -> &str {
    match text.len() > length {
        true => &text[..text.floor_char_boundary(length)],
        false => text,
    }
}

/// The body of a request on its way in.
#[derive(Clone)]
struct Body {
    /// None where the request has none.
    payload: Option<Rc<RefCell<Payload>>>,
    is_awaited: Rc<Cell<bool>>,
}

impl Body {
    /// Watches the body arrive, independent of the handler.
    fn watch(request: &mut ServiceRequest) -> Self {
        let is_awaited = Rc::new(Cell::new(false));
        let payload = match request.take_payload() {
            Payload::None => None,
            payload => Some(Rc::new(RefCell::new(payload))),
        };
        if let Some(payload) = payload.clone() {
            let is_awaited = is_awaited.clone();
            let watched = poll_fn(move |context| {
                let piece = Pin::new(&mut *payload.borrow_mut()).poll_next(context);
                is_awaited.set(piece.is_pending());
                piece
            });
            request.set_payload(Payload::Stream {
                payload: Box::pin(watched),
            });
        }
        Body { payload, is_awaited }
    }

    /// The body of an answer, which keeps this one until it is sent: the connection then ends if more was to come. For the
    /// rest of a chunked body that nobody holds, the server would wait without end.
    fn kept_with(self, answer: BoxBody) -> BoxBody {
        match self.payload {
            Some(payload) => BoxBody::new(AnswerBody {
                answer,
                _payload: payload,
            }),
            None => answer,
        }
    }

    /// Why a request has no answer in time: the client did not send it whole, or Provost is slow.
    fn timeout_problem(&self) -> ApiError {
        if self.is_awaited.get() {
            ApiError::new(
                Code::RequestTimeout,
                "The body did not arrive in time. Send all of it at once, or less in each request.",
            )
        } else {
            too_slow()
        }
    }
}

/// The body of an answer, and of its request.
struct AnswerBody {
    answer: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for AnswerBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

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
