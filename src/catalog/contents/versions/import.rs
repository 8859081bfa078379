//! Reading an uploaded package: a job, so that it goes on wherever a process died.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    model::{ContentImport, ContentVersion, ContentVersionState},
    store,
};
use crate::{
    app::Tx,
    catalog::contents::{
        self,
        findings::{Finding, FindingCode},
        package::{
            archive::{Limits, ReadError, Refusal},
            read::{self, Package},
        },
    },
    files::Store,
    http::{ApiError, ApiResult, Code},
    jobs::{Job, JobError, JobRun},
    operations,
};

/// Reads the package of a content version, which is ready or refused then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportPackage {
    /// The version.
    pub content_version_id: Uuid,
    /// Who waits for it.
    pub operation_id: Option<Uuid>,
}

/// How often the operation says how far it is.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);

impl Job for ImportPackage {
    const KIND: &'static str = "contents.import";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let Some(version) = run.read(|tx| self.waiting(tx))? else {
            return run.finish(|_| Ok(()));
        };
        let Some(sha256) = version.sha256 else {
            return Err(JobError::Dead("the version has no file".to_owned()));
        };
        let store = run.app().part::<Store>();
        let archive = store.reader(&sha256).map_err(ApiError::from)?;
        let mut reported = Instant::now();
        let mut stopped = None;
        let mut go_on = |bytes: u64| {
            if reported.elapsed() < BETWEEN_REPORTS {
                return true;
            }
            reported = Instant::now();
            run.progress(i64::try_from(bytes).unwrap_or(i64::MAX));
            match run.is_cancelled() {
                Ok(is_cancelled) => !is_cancelled,
                Err(error) => {
                    stopped = Some(error);
                    false
                }
            }
        };
        match read::read(archive, &Limits::of(&run.app().config), &mut go_on) {
            Ok(package) => run.finish(|tx| self.keep(tx, &version, &package)),
            Err(ReadError::Refused(refusal)) => run.finish(|tx| self.refuse(tx, &version, &refusal)),
            Err(ReadError::Io(error)) => Err(JobError::Retry(format!(
                "the package cannot be read now: {error}"
            ))),
            Err(ReadError::Stopped) => match stopped {
                Some(error) => Err(error),
                None => run.finish(|tx| {
                    self.left_off(tx, None)?;
                    match self.operation_id {
                        Some(operation) => operations::cancel(tx, operation, &Value::Null),
                        None => Ok(()),
                    }
                }),
            },
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.content_version_id.to_string())
    }

    fn operation_id(&self) -> Option<Uuid> {
        self.operation_id
    }

    fn left_off(&self, tx: &mut Tx, problem: Option<&ApiError>) -> ApiResult<Value> {
        let (message, fix) = match problem {
            None => (
                "Reading the package was cancelled.",
                "Add another version with the same upload.",
            ),
            Some(_) => (
                "The package could not be read: something failed in Provost.",
                "Ask an operator to look at the dead job under `/v1/jobs`, then add another version.",
            ),
        };
        if let Some(version) = self.waiting(tx)? {
            store::refuse(
                tx,
                &version,
                &Finding::new(FindingCode::PackageRefused, message, fix),
            )?;
        }
        Ok(Value::Null)
    }
}

impl ImportPackage {
    /// The version, if it was not read yet.
    fn waiting(&self, tx: &mut Tx) -> ApiResult<Option<ContentVersion>> {
        let version = contents::store::find_version(tx, self.content_version_id)?;
        Ok(version.filter(|version| version.state == ContentVersionState::Importing))
    }

    fn keep(&self, tx: &mut Tx, version: &ContentVersion, package: &Package) -> ApiResult<()> {
        let files = i32::try_from(package.files.len()).map_err(ApiError::internal)?;
        let ready = store::become_ready(tx, version, &package.body(), &package.files, &package.findings)?;
        let result = ContentImport {
            content_id: version.content_id,
            content_version_id: version.id,
            number: version.number,
            files,
            errors: ready.errors,
            warnings: ready.warnings,
        };
        match self.operation_id {
            Some(operation) => operations::succeed(tx, operation, &result),
            None => Ok(()),
        }
    }

    fn refuse(&self, tx: &mut Tx, version: &ContentVersion, refusal: &Refusal) -> ApiResult<()> {
        let mut finding = Finding::new(
            FindingCode::PackageRefused,
            refusal.reason.clone(),
            refusal.fix.clone(),
        );
        finding.path.clone_from(&refusal.path);
        store::refuse(tx, version, &finding)?;
        let about = refusal
            .path
            .as_ref()
            .map(|path| format!("`{path}`: "))
            .unwrap_or_default();
        let detail = format!("{about}{} {}", refusal.reason, refusal.fix);
        match self.operation_id {
            Some(operation) => operations::fail(tx, operation, &ApiError::new(Code::PackageRefused, detail)),
            None => Ok(()),
        }
    }
}
