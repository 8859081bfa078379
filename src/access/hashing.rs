//! Passwords: argon2id on a bounded set of threads of its own, so that sign-ins never slow other requests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use crossbeam_channel::{Sender, TrySendError};

use super::passwords::rules::{self, normalized};
use crate::{
    app::Part,
    http::{ApiError, ApiResult, Code},
};

type Work = Box<dyn FnOnce() + Send>;

/// The hashing threads.
#[derive(Clone)]
pub struct Hashing {
    queue: Sender<Work>,
    /// Verified against where there is no such name, so that both take as long.
    decoy: String,
    computed: Arc<AtomicU64>,
}

/// Hashes that may wait before more are refused: a second's worth.
const QUEUE: usize = 64;

impl Part for Hashing {}

impl Hashing {
    /// Starts `threads` threads.
    pub fn start(threads: u32) -> ApiResult<Self> {
        let (queue, work) = crossbeam_channel::bounded::<Work>(QUEUE);
        for number in 0..threads {
            let work = work.clone();
            let named = std::thread::Builder::new().name(format!("hash-{number}"));
            named
                .spawn(move || work.into_iter().for_each(|job| job()))
                .map_err(ApiError::internal)?;
        }
        Ok(Hashing {
            queue,
            decoy: hash_blocking("a password that nobody has")?,
            computed: Arc::default(),
        })
    }

    /// Hashes a user's new password, or refuses it with the reason. `words` are the user's names and addresses.
    pub async fn hash_new(
        &self,
        password: String,
        words: Vec<String>,
    ) -> ApiResult<Result<String, &'static str>> {
        self.run(move || match rules::fault(&password, &words) {
            Some(fault) => Ok(Err(fault)),
            None => hash_blocking(&password).map(Ok),
        })
        .await?
    }

    /// Whether `password` is the one behind `hash`; false, after as long, where there is no hash.
    pub async fn verify(&self, password: String, hash: Option<String>) -> ApiResult<bool> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let fits = self
            .run(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| {
                    Argon2::default()
                        .verify_password(normalized(&password).as_bytes(), &hash)
                        .is_ok()
                })
            })
            .await?;
        Ok(exists && fits)
    }

    /// How many hashes were asked for: what makes the time of an answer.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
        let (answer, result) = tokio::sync::oneshot::channel();
        let work: Work = Box::new(move || drop(answer.send(f())));
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => ApiError::new(
                Code::Unavailable,
                "Too many sign-ins at once; try again in a second.",
            ),
            TrySendError::Disconnected(_) => ApiError::internal("the hashing threads have stopped"),
        })?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        result.await.map_err(|_| ApiError::internal("hashing panicked"))
    }
}

/// Hashes `password` on this thread, for commands and bulk work. argon2id with OWASP's parameters (19 MiB, 2 passes).
pub fn hash_blocking(password: &str) -> ApiResult<String> {
    Argon2::default()
        .hash_password(normalized(password).as_bytes())
        .map(|hash| hash.to_string())
        .map_err(ApiError::internal)
}
