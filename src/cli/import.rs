//! `provost import`.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Seek, Write},
    path::PathBuf,
};

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::{CommandError, CommandResult, say, start};
use crate::{
    app::{Acting, App, Tx},
    authz::{self, Permission},
    config::Config,
    http::{ApiError, ApiResult, Code, Ref, body},
    import::{
        apply::{self, ApplyOutcome, Transactions},
        imports::{
            model::{Import as ImportRecord, ImportRow},
            store,
        },
        plan,
        profiles::{
            self,
            model::{CreateImportProfile, ProfileRow, UpdateImportProfile},
        },
    },
    operations,
};

/// Import a CSV file.
#[derive(Debug, Args)]
pub struct Import {
    /// The CSV file.
    pub file: PathBuf,
    /// A profile's code, or a JSON file with a profile, which is then stored.
    #[arg(long)]
    pub profile: String,
    /// Stop after the plan is shown.
    #[arg(long)]
    pub plan_only: bool,
    /// Apply the plan without asking.
    #[arg(long)]
    pub yes: bool,
    /// Write all rows in one transaction, or none.
    #[arg(long)]
    pub all_or_nothing: bool,
    /// Let the plan remove more than its profile allows, in percent.
    #[arg(long, value_parser = crate::config::whole::<0, 100>)]
    pub allow_removals_percent: Option<u32>,
}

const MOST_SHOWN: i64 = 20;

/// Plans, shows the plan, and applies it once that is wanted.
pub fn run(config: Config, arguments: &Import) -> CommandResult {
    let content = fs::File::open(&arguments.file)
        .map_err(|error| CommandError::of(&format!("{} cannot be read", arguments.file.display()), error))?;
    let started = start::start(config)?;
    let app = &*started.app;
    let acting = Acting::system("command:import");
    let import = app.write_blocking(&acting, |tx| {
        let profile = profile(tx, &arguments.profile)?;
        profiles::store::refuse_archived(&profile)?;
        let operation = operations::begin(tx, "import.plan", None)?;
        let name = arguments
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let mut content = &content;
        content.rewind().map_err(ApiError::internal)?;
        store::insert(tx, &profile, name.as_deref(), operation.id, content)
    })?;
    plan(app, &acting, &import)?;
    let import = app.read_blocking(&acting, |tx| {
        authz::read::<ImportRecord>(tx, &Ref::from(import.id))
    })?;
    for line in app.read_blocking(&acting, |tx| shown(tx, &import))? {
        say(line)?;
    }
    if arguments.plan_only || !is_wanted(arguments, &import)? {
        return say("Nothing was written.");
    }
    apply_plan(app, &acting, &import, arguments)
}

/// The profile with this code; one in a file is stored first, if it is new or differs.
fn profile(tx: &mut Tx, named: &str) -> ApiResult<ProfileRow> {
    let unknown = || {
        ApiError::parameter(
            "profile",
            format!("{named} is neither a file nor a profile's code"),
        )
    };
    let Ok(text) = fs::read(named) else {
        return profiles::store::with_code(tx, named)?.ok_or_else(unknown);
    };
    let given: CreateImportProfile = body::read(&text)?;
    let Some(present) = profiles::store::with_code(tx, &given.code)? else {
        let id = Uuid::now_v7();
        profiles::store::insert(tx, id, &given)?;
        return authz::read(tx, &Ref::from(id));
    };
    let present = profiles::store::whole(tx, present)?;
    if present.resource != given.resource {
        return Err(ApiError::field(
            "/resource",
            "is another in the stored profile of this code",
        ));
    }
    if present.name != given.name || present.mapping != serde_json::json!(given.mapping) {
        let row = authz::authorize::<ProfileRow>(tx, &Ref::from(present.id), Permission::ImportsWrite)?;
        let changes = UpdateImportProfile {
            name: Some(given.name),
            mapping: Some(given.mapping),
        };
        profiles::store::update(tx, &row, &changes)?;
    }
    authz::read(tx, &Ref::from(present.id))
}

fn plan(app: &App, acting: &Acting, import: &ImportRecord) -> CommandResult {
    let shows_progress = io::stderr().is_terminal();
    let progress = |rows: i64| {
        if shows_progress {
            eprint!("\r{rows} rows read");
        }
    };
    let planned = app.write_blocking(acting, |tx| {
        let assessment = plan::plan(tx, import.id, &progress)?;
        operations::succeed(tx, import.operation_id, &assessment.counts)
    });
    if shows_progress {
        eprintln!();
    }
    fail_with_import(app, acting, import.operation_id, planned, |tx, why| {
        store::failed(tx, import.id, why)
    })
}

/// The transactions of this command.
struct Work<'a> {
    app: &'a App,
    acting: &'a Acting,
    shows_progress: bool,
}

impl Transactions for Work<'_> {
    type Error = ApiError;

    fn write<T>(&self, f: impl Fn(&mut Tx) -> ApiResult<T>) -> ApiResult<T> {
        self.app.write_blocking(self.acting, f)
    }

    fn is_cancelled(&self) -> ApiResult<bool> {
        Ok(false)
    }

    fn tell(&self, rows: i64) {
        if self.shows_progress {
            eprint!("\r{rows} rows written");
        }
    }
}

fn apply_plan(app: &App, acting: &Acting, import: &ImportRecord, arguments: &Import) -> CommandResult {
    let counts = serde_json::from_value(import.counts.clone().unwrap_or_default())
        .map_err(|error| CommandError::of("The plan's counts cannot be read", error))?;
    let removals = app.read_blocking(acting, |tx| {
        apply::check_removals(tx, import.id, &counts, arguments.allow_removals_percent)
    });
    let operation = app.write_blocking(acting, |tx| {
        let operation = operations::begin(tx, "import.apply", None)?;
        store::applying(tx, import.id, operation.id)?;
        Ok(operation.id)
    })?;
    let work = Work {
        app,
        acting,
        shows_progress: io::stderr().is_terminal(),
    };
    let applied = removals.and_then(|()| {
        if !arguments.all_or_nothing && apply::in_batches(&work, import.id, operation)? == ApplyOutcome::Waits
        {
            return Err(ApiError::new(
                Code::Conflict,
                "Another import is being applied. Run the command again once it has ended.",
            ));
        }
        work.write(|tx| {
            if arguments.all_or_nothing {
                apply::as_a_whole(tx, import.id, &|rows| work.tell(rows))?;
            }
            let counts = apply::end(tx, import.id)?;
            operations::succeed(tx, operation, &counts)
        })
    });
    if work.shows_progress {
        eprintln!();
    }
    fail_with_import(app, acting, operation, applied, |tx, why| {
        apply::end_early(tx, import.id, Some(why)).map(drop)
    })?;
    say("Applied.")
}

/// What goes wrong is kept with the import, as the API's jobs do.
fn fail_with_import(
    app: &App,
    acting: &Acting,
    operation: Uuid,
    outcome: ApiResult<()>,
    fail: impl Fn(&mut Tx, &ApiError) -> ApiResult<()>,
) -> CommandResult {
    let Err(why) = outcome else { return Ok(()) };
    app.write_blocking(acting, |tx| {
        fail(tx, &why)?;
        operations::fail(tx, operation, &why)
    })?;
    Err(CommandError(why.to_string()))
}

/// What the plan would do, in lines for people.
fn shown(tx: &mut Tx, import: &ImportRecord) -> ApiResult<Vec<String>> {
    let mut lines = vec![format!(
        "Import {} ({}), plan {}",
        import.id,
        import.resource,
        import.plan_hash.as_deref().unwrap_or("-")
    )];
    for (name, count) in import.counts.iter().filter_map(Value::as_object).flatten() {
        lines.push(format!("  {name:<14}{count}"));
    }
    let updates = store::sample(
        tx,
        import,
        "action eq \"update\" or action eq \"restore\" or action eq \"end\"",
        MOST_SHOWN,
    )?;
    lines.extend(updates.iter().map(changes));
    for severity in ["error", "warning"] {
        for row in store::sample(tx, import, &format!("severity eq \"{severity}\""), MOST_SHOWN)? {
            let issues = row.issues.as_array().into_iter().flatten();
            let issues = issues.filter(|issue| issue["severity"] == severity);
            lines.extend(issues.map(|shown| issue(&row, shown)));
        }
    }
    lines.push(format!("All rows: GET /v1/imports/{}/rows", import.id));
    Ok(lines)
}

fn issue(row: &ImportRow, issue: &Value) -> String {
    let text = |name: &str| issue[name].as_str().unwrap_or("-");
    format!(
        "line {}, {}: {} ({}, {})",
        row.line,
        text("column"),
        text("detail"),
        text("severity"),
        text("code")
    )
}

fn changes(row: &ImportRow) -> String {
    let changes: Vec<_> = row
        .changes
        .as_object()
        .into_iter()
        .flatten()
        .map(|(field, change)| format!("{field}: {} -> {}", change["from"], change["to"]))
        .collect();
    format!(
        "line {}, key {}: {}",
        row.line,
        row.key.as_deref().unwrap_or("-"),
        changes.join(", ")
    )
}

fn is_wanted(arguments: &Import, import: &ImportRecord) -> Result<bool, CommandError> {
    if arguments.yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(CommandError(format!(
            "The plan of import {} waits: run again with --yes to apply it, or with --plan-only.",
            import.id
        )));
    }
    let failed = |error: io::Error| CommandError::of("The terminal does not answer", error);
    let mut out = io::stdout().lock();
    write!(out, "Apply this plan? [y/N] ")
        .and_then(|()| out.flush())
        .map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
