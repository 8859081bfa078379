//! `provost serve`.

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::Ordering,
};

use clap::Args;

use super::{CommandError, CommandResult, start, worker};
use crate::{config::Config, server};

/// Serve the API.
#[derive(Debug, Args)]
pub struct Serve {
    /// Leave the jobs to `provost worker`.
    #[arg(long)]
    pub no_worker: bool,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(mut config: Config, arguments: &Serve) -> CommandResult {
    // Taken before anything else starts, so that a taken port is said at once.
    let listeners = Listeners::bind(&mut config)?;
    let started = start::start(config)?;
    let address = started.app.config.public_url();
    log::info!(
        "listening on {}, the API is at {address}/v1 and its docs are at {address}/docs",
        started.app.config.listen
    );
    log::info!(
        "content is served on {}, browsers reach it at {}",
        started.app.config.content_listen(),
        started.app.config.content_url()
    );
    serve(&started, listeners, !arguments.no_worker)
}

/// The listening sockets.
pub struct Listeners {
    api: TcpListener,
    content: TcpListener,
    probes: Option<TcpListener>,
}

impl Listeners {
    /// Those that are set. Where the system chose the port of the content listener, the settings then say which.
    pub fn bind(config: &mut Config) -> Result<Self, CommandError> {
        let api = bind("PROVOST_LISTEN (or --listen)", config.listen)?;
        let content = bind(
            "PROVOST_CONTENT_LISTEN (or --content-listen)",
            config.content_listen(),
        )?;
        config.content_listen = content.local_addr().ok();
        Ok(Listeners {
            api,
            content,
            probes: probes(config)?,
        })
    }
}

/// The listening socket for what watches over this process, if it is set.
pub fn probes(config: &Config) -> Result<Option<TcpListener>, CommandError> {
    let address = config.metrics_listen;
    address
        .map(|address| bind("PROVOST_METRICS_LISTEN (or --metrics-listen)", address))
        .transpose()
}

fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).map_err(|error| {
        CommandError(format!(
            "{setting} is \"{address}\": {error}; choose another address or port, or stop what uses it."
        ))
    })
}

/// Serves a started app until SIGTERM or SIGINT, with a worker inside if `with_worker`. Then the requests that were
/// accepted are answered, and after them the jobs that run are finished.
pub fn serve(started: &start::Started, listeners: Listeners, with_worker: bool) -> CommandResult {
    let failed = |error: std::io::Error| CommandError::of("The server failed", error);
    let app = started.app.clone();
    let worker = with_worker.then(|| worker::start(&app)).transpose()?;
    let served = actix_web::rt::System::new().block_on(async {
        let told = worker::told_to_stop()?;
        if let Some(listener) = listeners.probes {
            // It answers until the process ends.
            actix_web::rt::spawn(server::serve_probes(app.clone(), listener).map_err(failed)?);
        }
        let content = server::serve_content(app.clone(), listeners.content).map_err(failed)?;
        let server = server::serve(app.clone(), listeners.api).map_err(failed)?;
        let (handle, content_handle) = (server.handle(), content.handle());
        let content = actix_web::rt::spawn(content);
        actix_web::rt::spawn(async move {
            told.await;
            log::info!("stopping: finishing what was accepted");
            app.is_stopping.store(true, Ordering::Relaxed);
            futures_util::future::join(handle.stop(true), content_handle.stop(true)).await;
        });
        server.await.map_err(failed)?;
        content
            .await
            .map_err(|error| failed(error.into()))?
            .map_err(failed)
    });
    if let Some(worker) = worker {
        log::info!("stopping: finishing the jobs that run");
        worker.stop();
    }
    served
}
