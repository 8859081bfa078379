//! What Prometheus scrapes at `/metrics`.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The methods that each path pattern answers.
pub type Operations = BTreeMap<String, Vec<&'static str>>;

/// The pattern, such as `/v1/users/{user_id}`, that stands for `path`, and the methods that it answers.
pub fn find_operation<'a>(operations: &'a Operations, path: &str) -> Option<(&'a str, &'a [&'static str])> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let fits = |pattern: &str| {
        let wanted = pattern.trim_matches('/').split('/');
        wanted.clone().count() == segments.len()
            && wanted
                .zip(&segments)
                .all(|(wanted, segment)| wanted == *segment || wanted.starts_with('{'))
    };
    let (pattern, methods) = operations.iter().find(|(pattern, _)| fits(pattern))?;
    Some((pattern, methods))
}

/// The process's metrics. Registered once; cheap to clone. No label holds what a caller made up: each series stays in
/// memory for as long as the process lives.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    pages: &'static [&'static str],
    operations: Arc<OnceLock<Operations>>,
    requests: IntCounterVec,
    seconds: HistogramVec,
    jobs: IntCounterVec,
    queue: IntGaugeVec,
    consumer_lag: IntGaugeVec,
    consumer_failures: IntGaugeVec,
    events_set_aside: IntGaugeVec,
}

/// The label of requests that no operation answers.
const UNMATCHED: &str = "unmatched";
/// The label of all methods beside [`METHODS`].
const OTHER_METHOD: &str = "other";
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Metrics {
    /// A registry with every metric in it, which labels requests by these `pages` and the operations that it comes to know.
    pub fn new(pages: &'static [&'static str]) -> Result<Self, prometheus::Error> {
        let metrics = Metrics {
            registry: Registry::new(),
            pages,
            operations: Arc::default(),
            requests: IntCounterVec::new(
                Opts::new("provost_http_requests_total", "HTTP requests answered."),
                &["method", "operation", "status"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "provost_http_request_duration_seconds",
                    "Time from a request to its answer.",
                )
                .buckets(vec![
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
                ]),
                &["method", "operation"],
            )?,
            jobs: IntCounterVec::new(
                Opts::new("provost_jobs_total", "Attempts at jobs."),
                &["kind", "outcome"],
            )?,
            queue: IntGaugeVec::new(Opts::new("provost_queue_length", "Work that waits."), &["queue"])?,
            consumer_lag: IntGaugeVec::new(
                Opts::new(
                    "provost_consumer_lag",
                    "Positions from the next event that a consumer wants to the ledger's end.",
                ),
                &["consumer"],
            )?,
            consumer_failures: IntGaugeVec::new(
                Opts::new(
                    "provost_consumer_failures",
                    "Failures of a consumer at the event that comes next.",
                ),
                &["consumer"],
            )?,
            events_set_aside: IntGaugeVec::new(
                Opts::new(
                    "provost_events_set_aside",
                    "Events that a consumer failed to react to ten times.",
                ),
                &["consumer"],
            )?,
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.seconds.clone()))?;
        metrics.registry.register(Box::new(metrics.jobs.clone()))?;
        metrics.registry.register(Box::new(metrics.queue.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.consumer_lag.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.consumer_failures.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.events_set_aside.clone()))?;
        Ok(metrics)
    }

    /// Says which operations there are; once is enough.
    pub fn know(&self, operations: impl FnOnce() -> Operations) {
        self.operations.get_or_init(operations);
    }

    /// The pattern of an operation's path, for requests of which the router's answer is lost.
    pub fn pattern_of(&self, path: &str) -> Option<&str> {
        find_operation(self.operations.get()?, path).map(|(pattern, _)| pattern)
    }

    fn is_operation(&self, method: &str, pattern: &str) -> bool {
        let is_page = self.pages.contains(&pattern) && matches!(method, "GET" | "HEAD");
        let methods = self.operations.get().and_then(|known| known.get(pattern));
        is_page || methods.is_some_and(|methods| methods.contains(&method))
    }

    /// Counts an answered request, whose path matched `pattern`.
    pub fn observe_request(&self, method: &str, pattern: Option<&str>, status: u16, took: Duration) {
        let (method, operation) = match pattern {
            Some(pattern) if self.is_operation(method, pattern) => (method, pattern),
            _ if METHODS.contains(&method) => (method, UNMATCHED),
            _ => (OTHER_METHOD, UNMATCHED),
        };
        self.requests
            .with_label_values(&[method, operation, &status.to_string()])
            .inc();
        self.seconds
            .with_label_values(&[method, operation])
            .observe(took.as_secs_f64());
    }

    /// Counts an attempt at a job: `succeeded`, `retried`, `dead` or `lost`.
    pub fn count_job(&self, kind: &str, outcome: &str) {
        self.jobs.with_label_values(&[kind, outcome]).inc();
    }

    /// Sets how much work waits in `queue`.
    pub fn set_queue(&self, queue: &str, length: i64) {
        self.queue.with_label_values(&[queue]).set(length);
    }

    /// Sets how a consumer of events stands.
    pub fn set_consumer(&self, consumer: &str, lag: i64, failures: i64, set_aside: i64) {
        self.consumer_lag.with_label_values(&[consumer]).set(lag);
        self.consumer_failures
            .with_label_values(&[consumer])
            .set(failures);
        self.events_set_aside
            .with_label_values(&[consumer])
            .set(set_aside);
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
