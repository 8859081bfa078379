//! `provost serve`.

use std::net::TcpListener;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, CommandResult, start};
use crate::{config::Config, server};

/// Serve the API.
#[derive(Debug, Args)]
pub struct Serve {
    /// Leave the jobs to `provost worker`.
    #[arg(long)]
    pub no_worker: bool,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(config: Config, _: &Serve) -> CommandResult {
    // Taken before anything else starts, so that a taken port is said at once.
    let listener = listener(&config)?;
    let started = start::start(config)?;
    let address = started.app.config.public_url();
    log::info!(
        "listening on {}, the API is at {address}/v1 and its docs are at {address}/docs",
        started.app.config.listen
    );
    serve(&started, listener)
}

/// The listening socket.
pub fn listener(config: &Config) -> Result<TcpListener, CommandError> {
    TcpListener::bind(config.listen).map_err(|error| {
        CommandError(format!("PROVOST_LISTEN (or --listen) is \"{}\": {error}; choose another address or port, or stop what uses it.", config.listen))
    })
}

/// Serves a started app until SIGTERM or SIGINT; what was accepted by then is finished.
pub fn serve(started: &start::Started, listener: TcpListener) -> CommandResult {
    let failed = |error: std::io::Error| CommandError::of("The server failed", error);
    actix_web::rt::System::new().block_on(async {
        let server = server::serve(started.app.clone(), listener).map_err(failed)?;
        let handle = server.handle();
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        actix_web::rt::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            log::info!("stopping: finishing what was accepted");
            handle.stop(true).await;
        });
        server.await.map_err(failed)
    })
}
