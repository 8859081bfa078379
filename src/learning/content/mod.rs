//! What the content listener answers below `/l/{signed}/`: the player's pages, the files of packages, and what runs there. The
//! first segment is the permission; nothing here knows cookies or tokens.

mod answer;
mod assets;
mod files;
mod pages;

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    web::{self, Bytes, Data, Path, PayloadConfig, ServiceConfig},
};
use percent_encoding::percent_decode_str;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    address::LaunchAddress,
    commits::{self, Commit},
    live::{self, Launches, LiveLaunch},
    state, support,
    watched::{self, Watched},
};
use crate::{
    app::{Acting, App, Tx},
    authz::Caller,
    http::{
        ApiError, ApiResult, Code,
        body::unreadable,
        request::{Deadline, RequestId},
    },
};

/// The most bytes of a commit: 1 MiB of suspend data, written as JSON.
const MOST_COMMIT: usize = 8 << 20;

/// The routes of this domain on the content listener.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        web::scope("/l/{signed}")
            .app_data(PayloadConfig::new(MOST_COMMIT))
            .route("", web::get().to(to_folder))
            .route("/", web::get().to(page))
            .route("/_/state", web::get().to(get_state))
            .route("/_/commit", web::post().to(post_commit))
            .route("/_/watched", web::post().to(post_watched))
            .route("/_/file", web::get().to(get_file))
            .route("/_/file/{name}", web::get().to(get_file))
            .route("/_/tracks/{place}", web::get().to(get_track))
            .route("/_/{asset}", web::get().to(get_asset))
            .route("/p/{path:.*}", web::get().to(get_package_file)),
    );
}

/// The launch of an address; 410 where it may not be used any more, 404 under the origin of another content.
async fn opened(app: &Arc<App>, signed: &str, request: &HttpRequest) -> ApiResult<Arc<LiveLaunch>> {
    let address = LaunchAddress::open(app, signed).ok_or_else(commits::ended)?;
    let launch = match app.part::<Launches>().get(&address) {
        Some(launch) => launch,
        None => {
            let load = move |app: &App, conn: &mut _| {
                app.read(conn, &Acting::system("launch"), |tx| live::load(tx, address))
            };
            app.on_database(load).await?
        }
    };
    answer::refuse_other_origins(app, &launch, request)?;
    Ok(launch)
}

/// Relative addresses begin below a folder.
async fn to_folder(request: HttpRequest) -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header(("Location", format!("{}/", request.path())))
        .finish()
}

async fn page(app: Data<App>, signed: Path<String>, request: HttpRequest) -> ApiResult<HttpResponse> {
    answer::refuse_workers(&request)?;
    let app = app.into_inner();
    let launch = match opened(&app, &signed, &request).await {
        Ok(launch) => launch,
        Err(error) if error.code == Code::LaunchEnded => return Ok(pages::ended(&app, &error)),
        Err(error) => return Err(error),
    };
    let asked = launch.clone();
    let record = app
        .on_database(move |app, conn| {
            app.read(conn, &Acting::system("launch"), |tx| state::record_of(tx, &asked))
        })
        .await?;
    pages::page(&app, &launch, record.as_ref(), request.query_string())
}

async fn get_state(app: Data<App>, signed: Path<String>, request: HttpRequest) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let launch = opened(&app, &signed, &request).await?;
    let state = app
        .on_database(move |app, conn| {
            app.read(conn, &Acting::system("launch"), |tx| {
                let state = state::of_package(tx, &launch)?;
                serde_json::to_value(state).map_err(ApiError::internal)
            })
        })
        .await?;
    Ok(json(&app, &state))
}

async fn post_commit(
    app: Data<App>,
    signed: Path<String>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let commit: Commit = read(body)?;
    write(app.into_inner(), &signed, &request, move |tx, launch| {
        let package = launch.content.package.as_ref();
        let package = package.ok_or_else(|| ApiError::not_found("package"))?;
        commits::commit(tx, launch, package, commit.clone())
    })
    .await
}

async fn post_watched(
    app: Data<App>,
    signed: Path<String>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let told: Watched = read(body)?;
    write(app.into_inner(), &signed, &request, move |tx, launch| {
        watched::watch(tx, launch, &told)
    })
    .await
}

/// Writes as the learner, in one transaction.
async fn write<T: Serialize + Send + 'static>(
    app: Arc<App>,
    signed: &str,
    request: &HttpRequest,
    f: impl Fn(&mut Tx, &LiveLaunch) -> ApiResult<T> + Send + 'static,
) -> ApiResult<HttpResponse> {
    let address = LaunchAddress::open(&app, signed).ok_or_else(commits::ended)?;
    let opened = opened(&app, signed, request).await;
    let acting = {
        let extensions = request.extensions();
        let request_id = extensions.get::<RequestId>().map(|id| id.0.clone());
        Acting {
            caller: Arc::new(Caller::signing_in(address.user_id)),
            session: None,
            request_id: request_id.unwrap_or_else(|| format!("launch:{}", address.launch_id)),
            deadline: extensions.get::<Deadline>().map(|deadline| deadline.0),
        }
    };
    let written = app
        .on_database(move |app, conn| {
            let written = opened.and_then(|launch| app.write(conn, &acting, |tx| f(tx, &launch)));
            if let Err(error) = &written
                && support::log::is_noted(error)
            {
                // What was refused was rolled back: the log tells of it in a transaction of its own.
                let noted = app.write(conn, &acting, |tx| support::log::note_refusal(tx, address, error));
                if let Err(fault) = noted {
                    log::warn!(
                        "a refusal of launch {} is not in its log: {fault}",
                        address.launch_id
                    );
                }
            }
            written
        })
        .await?;
    Ok(json(&app, &written))
}

fn read<T: DeserializeOwned>(body: Result<Bytes, actix_web::Error>) -> ApiResult<T> {
    let body = body.map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&body).map_err(|error| {
        ApiError::new(
            Code::MalformedRequest,
            format!("The body is not what the player sends: {error}."),
        )
    })
}

fn json(app: &App, body: &impl Serialize) -> HttpResponse {
    answer::headed(app, HttpResponse::Ok(), answer::Kind::Ours)
        .insert_header(("Cache-Control", "no-store"))
        .json(body)
}

async fn get_file(app: Data<App>, path: Path<Signed>, request: HttpRequest) -> ApiResult<HttpResponse> {
    answer::refuse_workers(&request)?;
    let app = app.into_inner();
    let launch = opened(&app, &path.signed, &request).await?;
    files::upload(&app, &launch, &request).await
}

#[derive(serde::Deserialize)]
struct Signed {
    signed: String,
}

async fn get_track(
    app: Data<App>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let launch = opened(&app, &path.0, &request).await?;
    let place = path.1.parse().map_err(|_| ApiError::not_found("track"))?;
    files::track(&app, &launch, place, &request).await
}

async fn get_asset(
    app: Data<App>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    answer::refuse_workers(&request)?;
    let app = app.into_inner();
    LaunchAddress::open(&app, &path.0).ok_or_else(commits::ended)?;
    assets::answer(&app, &path.1, &request)
}

/// The path of a file in a package. The router reads some escapes twice, others never: this is what was sent, read once.
fn written_path(request: &HttpRequest) -> ApiResult<String> {
    let missing = || ApiError::not_found("file");
    let (_, path) = request.uri().path().split_once("/p/").ok_or_else(missing)?;
    let path = percent_decode_str(path).decode_utf8().map_err(|_| missing())?;
    Ok(path.into_owned())
}

async fn get_package_file(
    app: Data<App>,
    path: Path<Signed>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    answer::refuse_workers(&request)?;
    let app = app.into_inner();
    let launch = opened(&app, &path.signed, &request).await?;
    files::of_package(&app, &launch, &written_path(&request)?, &request).await
}
