//! The HTTP server: what domains do for each other, the middleware, and an orderly end.

use std::{
    net::TcpListener,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
};

use actix_cors::{Cors, CorsError};
use actix_web::{
    App as ActixApp, HttpRequest, HttpResponse, HttpServer, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{Server, ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method,
        header::{self, HeaderValue},
    },
    middleware::{Compress, Condition, Next, from_fn},
    web::{self, Data},
};
use utoipa_actix_web::{AppExt, scope, service_config::ServiceConfig};

use crate::{
    access::{
        self,
        authenticate::{authenticate, authenticate_scim},
        rates,
        subject::{Subject, SubjectKind, Subjects},
    },
    app::{App, REPLAYED, Reaction},
    catalog,
    config::Config,
    contract, credential, enrollment, files,
    http::{ApiError, Code, request},
    import, people,
    report::events::routes::LEDGER_POSITION,
    routes, scim,
};

/// What happens in the same transaction when people change, in this order.
pub const REACTIONS: &[Reaction] = &[
    people::facts::refresh_changed,
    access::forget_changed_callers,
    enrollment::rules::reconcile::react,
];

/// What comes in as CSV.
pub const IMPORT_TARGETS: import::Targets = import::Targets(&[
    &people::users::import::UserImport,
    &catalog::courses::import::CourseImport,
    &people::absences::import::IMPORT,
    &enrollment::overrides::import::IMPORT,
    &enrollment::extensions::import::IMPORT,
    &enrollment::waivers::import::IMPORT,
    &enrollment::equivalences::import::IMPORT,
    &enrollment::issues::import::IMPORT,
]);

/// What refers to uploaded files.
pub const BLOB_USES: files::BlobUses = files::BlobUses(&["content_versions", "content_tracks"]);

/// Who finds, makes and changes the people who sign in by a provider.
pub const SSO_PEOPLE: access::sso::PeopleOfProviders =
    access::sso::PeopleOfProviders(&people::users::sso::UserSso);

/// What access can be explained about.
pub const SUBJECTS: Subjects = Subjects(&[
    Subject::of::<people::users::model::User>(SubjectKind::User),
    Subject::of::<people::org_units::model::OrgUnit>(SubjectKind::OrgUnit),
    Subject::of::<people::locations::model::Location>(SubjectKind::Location),
    Subject::of::<people::absences::model::Absence>(SubjectKind::Absence),
    Subject::of::<people::groups::model::Group>(SubjectKind::Group),
    Subject::of::<catalog::categories::model::Category>(SubjectKind::Category),
    Subject::of::<catalog::courses::model::Course>(SubjectKind::Course),
    Subject::of::<catalog::contents::model::Content>(SubjectKind::Content),
    Subject::of::<enrollment::rules::model::Rule>(SubjectKind::Rule),
    Subject::of::<enrollment::issues::model::RuleIssue>(SubjectKind::RuleIssue),
    Subject::of::<enrollment::overrides::model::RuleOverride>(SubjectKind::RuleOverride),
    Subject::of::<enrollment::extensions::model::Extension>(SubjectKind::Extension),
    Subject::of::<enrollment::waivers::model::Waiver>(SubjectKind::Waiver),
    Subject::of::<enrollment::equivalences::model::CourseEquivalence>(SubjectKind::CourseEquivalence),
    Subject::of::<enrollment::enrollments::model::Enrollment>(SubjectKind::Enrollment),
    Subject::of::<enrollment::completions::model::Completion>(SubjectKind::Completion),
    Subject::of::<credential::certificates::model::CertificateRow>(SubjectKind::Certificate),
    Subject::of::<access::roles::model::Role>(SubjectKind::Role),
    Subject::of::<access::grants::model::Grant>(SubjectKind::Grant),
]);

/// Serves `app` on `listener` until it is told to stop; answers what was accepted before that.
pub fn serve(app: Arc<App>, listener: TcpListener) -> std::io::Result<Server> {
    let config = app.config.clone();
    let threads = config.http_threads as usize;
    let shutdown = config.shutdown_timeout.as_secs();
    let server = HttpServer::new(move || {
        let (actix, document) = ActixApp::new()
            .app_data(Data::from(app.clone()))
            .app_data(Data::new(app.config.clone()))
            .app_data(Data::new(app.metrics.clone()))
            .app_data(Rc::new(app.db.pipeline()))
            .app_data(web::PayloadConfig::new(app.config.body_limit as usize))
            .app_data(web::PathConfig::default().error_handler(|error, _| bad_path(&error).into()))
            .into_utoipa_app()
            .configure(routes::public)
            .configure(|config: &mut ServiceConfig| {
                if app.config.metrics_listen.is_none() {
                    routes::probes(config);
                }
            })
            .service(scope("/v1").wrap(from_fn(authenticate)).configure(routes::v1))
            .service(
                scope(scim::error::ADDRESS)
                    .wrap(from_fn(authenticate_scim))
                    .configure(routes::scim),
            )
            .split_for_parts();
        app.metrics.know(|| contract::operations(&document));
        actix
            .configure(contract::configure_docs)
            .default_service(web::to(unmatched))
            .wrap(from_fn(scim::error::trim_slashes))
            .wrap(from_fn(rates::limit))
            .wrap(Compress::default())
            .wrap(cors(&app.config))
            .wrap(from_fn(refuse_preflight))
            .wrap(from_fn(close_when_stopping))
            .wrap(from_fn(request::track))
            .wrap(from_fn(scim::error::speak))
    });
    Ok(server
        .workers(threads)
        .shutdown_timeout(shutdown)
        .disable_signals()
        .listen(listener)?
        .run())
}

/// Serves what watches over `app` on a `listener` of its own, until it is told to stop.
pub fn serve_probes(app: Arc<App>, listener: TcpListener) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        let (actix, _) = ActixApp::new()
            .app_data(Data::from(app.clone()))
            .app_data(Data::new(app.config.clone()))
            .app_data(Data::new(app.metrics.clone()))
            .into_utoipa_app()
            .configure(routes::probes)
            .split_for_parts();
        actix
            .default_service(web::to(unmatched))
            .wrap(from_fn(request::track))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

/// Serves content on a `listener` of its own, which is another origin than the API's, until it is told to stop. Browsers reach it,
/// and nothing on it takes a token: each address is itself the permission.
pub fn serve_content(app: Arc<App>, listener: TcpListener) -> std::io::Result<Server> {
    let (threads, shutdown) = (app.config.http_threads, app.config.shutdown_timeout);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(Data::from(app.clone()))
            .app_data(Data::new(app.config.clone()))
            .app_data(Data::new(app.metrics.clone()))
            .app_data(request::SecretPaths)
            .configure(routes::content)
            .route("/healthz", web::get().to(|| async { "ok\n" }))
            .default_service(web::to(no_content))
            .wrap(from_fn(refuse_service_workers))
            .wrap(from_fn(close_when_stopping))
            .wrap(from_fn(request::track))
    });
    Ok(server
        .workers(threads as usize)
        .shutdown_timeout(shutdown.as_secs())
        .disable_signals()
        .listen(listener)?
        .run())
}

async fn no_content() -> HttpResponse {
    ApiError::new(Code::NotFound, "There is nothing at this address.").error_response()
}

/// Content must not stand between the browser and other content of this origin.
async fn refuse_service_workers<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let header = request.headers().get("service-worker");
    if header.is_some_and(|value| value == "script") {
        let refused = ApiError::new(Code::Forbidden, "Content may not install service workers.");
        return Ok(request.error_response(refused));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Ends connections that are kept alive, which would hold up the stop, without cutting one off.
async fn close_when_stopping<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let app = request.app_data::<Data<App>>().cloned();
    let mut response = next.call(request).await?;
    if app.is_some_and(|app| app.is_stopping.load(Ordering::Relaxed)) {
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Whatever no route takes. Under `/v1` and `/scim/v2` the authentication has spoken first.
async fn unmatched(request: HttpRequest) -> HttpResponse {
    let methods = contract::methods_of(request.path().trim_end_matches('/'));
    // What another listener answers is not here.
    if methods.is_empty() || methods.contains(&request.method().as_str()) {
        return ApiError::new(
            Code::NotFound,
            "No such address; the API's document at /openapi.json lists them all.",
        )
        .error_response();
    }
    let allowed = methods.join(", ");
    let mut answer = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent().finish()
    } else {
        ApiError::new(Code::MethodNotAllowed, format!("This address answers {allowed}.")).error_response()
    };
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

fn bad_path(error: &actix_web::error::PathError) -> ApiError {
    ApiError {
        cause: Some(error.to_string()),
        ..ApiError::new(
            Code::NotFound,
            "An id in a path is a UUID, or ext:{source}:{key} with another system's key.",
        )
    }
}

/// What browsers may not ask is refused with a problem, as all else is.
async fn refuse_preflight<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?;
    let error = response.response().error();
    let Some(refused) = error.and_then(|error| error.as_error::<CorsError>()) else {
        return Ok(response.map_into_boxed_body());
    };
    let detail = match refused {
        CorsError::OriginNotAllowed => {
            "Pages of this origin may not call from browsers: PROVOST_CORS_ORIGINS has those that may.".into()
        }
        other => format!("{other}."),
    };
    let problem = ApiError::new(Code::Forbidden, detail).error_response();
    Ok(response.into_response(problem))
}

fn cors(config: &Config) -> Condition<Cors> {
    let origins: Vec<_> = config
        .cors_origins
        .iter()
        .filter(|origin| !origin.is_empty())
        .collect();
    let mut cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allow_any_header()
        .expose_headers(["ETag", "Link", "Location", "Retry-After", "Content-Disposition"])
        .expose_headers([request::REQUEST_ID, REPLAYED])
        .expose_headers([LEDGER_POSITION])
        .expose_headers([rates::RATE_LIMIT, rates::RATE_LIMIT_POLICY])
        .expose_headers(files::uploads::EXPOSED_HEADERS.iter().copied())
        .max_age(3600);
    for origin in &origins {
        cors = if origin.as_str() == "*" {
            cors.allow_any_origin()
        } else {
            cors.allowed_origin(origin)
        };
    }
    Condition::new(!origins.is_empty(), cors)
}
