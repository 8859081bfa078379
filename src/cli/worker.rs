//! `provost worker`, and the lists of what a worker does.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, CommandResult, serve, start};
use crate::{
    access::{
        keys::RotateKeys,
        sessions::{purge::PurgeRefreshTokens, retention::EraseSignIns},
    },
    app::App,
    catalog::contents::versions::import::ImportPackage,
    config::Config,
    credential::{
        self,
        certificates::{expiry::RecordExpiredCertificates, issue::IssueCertificate},
    },
    enrollment::{
        issues::resolve::ResolveIssuesJob,
        new_days::RecordRequirementDays,
        rules::{
            self,
            comparison::{self, CompareJob, SettleEverybody},
            courses::SettleTarget,
            job::{ActivateRule, ReconcileDay, ReconcileRule, SettleUsers},
            plan_changes::PurgePlans,
            plan_job::{ApplyRuleJob, MakePlan},
        },
    },
    files::{collect::CollectFiles, uploads::assemble::AssembleUpload},
    import::imports::jobs::{ApplyPlan, PlanImport},
    jobs::{Every, Handler, Purge, Schedule, Worker, WorkerHandle},
    learning::{moves::job::MoveEnrollments, support::purge::PurgeLaunchLog},
    ledger::{
        self, Consumers, SignHead, VerifyLedger,
        consumers::{self, Consume},
    },
    people::{
        facts::FollowPeople,
        groups::upkeep::RefreshGroups,
        users::credentials::{letters::SendPasswordLetter, resets::StartPasswordReset},
    },
    scim::dry_runs::purge::PurgeDryRuns,
    server,
};

/// Every kind of job.
pub const HANDLERS: &[Handler] = &[
    Handler::of::<ApplyPlan>(),
    Handler::of::<AssembleUpload>(),
    Handler::of::<CollectFiles>(),
    Handler::of::<Consume>(),
    Handler::of::<EraseSignIns>(),
    Handler::of::<FollowPeople>(),
    Handler::of::<ImportPackage>(),
    Handler::of::<IssueCertificate>(),
    Handler::of::<RefreshGroups>(),
    Handler::of::<MakePlan>(),
    Handler::of::<MoveEnrollments>(),
    Handler::of::<PlanImport>(),
    Handler::of::<Purge>(),
    Handler::of::<PurgeDryRuns>(),
    Handler::of::<PurgeLaunchLog>(),
    Handler::of::<PurgePlans>(),
    Handler::of::<PurgeRefreshTokens>(),
    Handler::of::<ApplyRuleJob>(),
    Handler::of::<RecordExpiredCertificates>(),
    Handler::of::<RecordRequirementDays>(),
    Handler::of::<RotateKeys>(),
    Handler::of::<SendPasswordLetter>(),
    Handler::of::<StartPasswordReset>(),
    Handler::of::<CompareJob>(),
    Handler::of::<ReconcileDay>(),
    Handler::of::<ReconcileRule>(),
    Handler::of::<ActivateRule>(),
    Handler::of::<ResolveIssuesJob>(),
    Handler::of::<SettleEverybody>(),
    Handler::of::<SettleTarget>(),
    Handler::of::<SettleUsers>(),
    Handler::of::<SignHead>(),
    Handler::of::<VerifyLedger>(),
];

/// What reacts to events.
pub const CONSUMERS: Consumers = Consumers(&[credential::CERTIFICATES, rules::courses::CONSUMER]);

/// What comes round.
pub const SCHEDULES: &[Schedule] = &[
    Schedule {
        name: "purge",
        every: Every::Minutes(60),
        enqueue: |tx| tx.enqueue(&Purge {}),
    },
    Schedule {
        name: "consumers",
        every: Every::Minutes(5),
        enqueue: consumers::wake_all,
    },
    Schedule {
        name: "ledger_heads",
        every: Every::Minutes(60),
        enqueue: |tx| tx.enqueue(&SignHead {}),
    },
    Schedule {
        name: "sign_ins",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&EraseSignIns {}),
    },
    Schedule {
        name: "requirement_days",
        every: Every::Minutes(15),
        enqueue: |tx| tx.enqueue(&RecordRequirementDays {}),
    },
    Schedule {
        name: "certificate_days",
        every: Every::Minutes(15),
        enqueue: |tx| tx.enqueue(&RecordExpiredCertificates {}),
    },
    Schedule {
        name: "refresh_tokens",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&PurgeRefreshTokens {}),
    },
    Schedule {
        name: "scim_dry_runs",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&PurgeDryRuns {}),
    },
    Schedule {
        name: "launch_log",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&PurgeLaunchLog {}),
    },
    Schedule {
        name: "plans",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&PurgePlans {}),
    },
    Schedule {
        name: "files",
        every: Every::DayAt(2),
        enqueue: |tx| tx.enqueue(&CollectFiles {}),
    },
    Schedule {
        name: "signing_keys",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&RotateKeys {}),
    },
    Schedule {
        name: "groups",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&RefreshGroups {}),
    },
    Schedule {
        name: "reconcile_day",
        every: Every::DayAt(0),
        enqueue: |tx| tx.enqueue(&ReconcileDay {}),
    },
    Schedule {
        name: "compare_requirements",
        every: Every::MondayAt(1),
        enqueue: comparison::begin_weekly,
    },
];

/// Starts a worker of every kind of job.
pub fn start(app: &Arc<App>) -> Result<WorkerHandle, CommandError> {
    Worker::start(
        app.clone(),
        HANDLERS,
        SCHEDULES,
        ledger::seal_some,
        app.config.worker_threads,
    )
    .map_err(|error| CommandError::of("The worker cannot be started", error))
}

/// Runs jobs until SIGTERM or SIGINT; what runs by then is finished.
pub fn run(config: Config) -> CommandResult {
    if config.public_url.is_none() {
        log::warn!(
            "PROVOST_PUBLIC_URL is not set, so certificates that are issued here are verified at {}: give every process on one database the same",
            config.public_url()
        );
    }
    let probes = serve::probes(&config)?;
    let started = start::start(config)?;
    let worker = start(&started.app)?;
    log::info!("running jobs, {} at once", started.app.config.worker_threads);
    let app = started.app.clone();
    let told = actix_web::rt::System::new().block_on(async {
        let told = told_to_stop()?;
        if let Some(listener) = probes {
            let served = server::serve_probes(app, listener)
                .map_err(|error| CommandError::of("The metrics cannot be served", error))?;
            actix_web::rt::spawn(served);
        }
        told.await;
        Ok(())
    });
    log::info!("stopping: finishing what runs");
    worker.stop();
    told
}

/// Ends when SIGTERM or SIGINT comes, which are heard from this call on: call it before others can see that the process is up.
pub fn told_to_stop() -> Result<impl Future<Output = ()>, CommandError> {
    let failed = |error: std::io::Error| CommandError::of("Signals cannot be heard", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    })
}
