//! `docs/tour.md`, followed word for word: every command runs, and prints what the page says it prints.

use std::{
    env, fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::support::{
    app::migrate,
    postgres::{self, TestDatabase},
    process::free_address,
};

const TOUR: &str = include_str!("../../docs/tour.md");

/// Printed after each step, so that what the steps print can be told apart.
const END_OF_STEP: &str = "== end of step ==\n";

/// A tour that waits for what never comes is ended after so long.
const TOO_LONG: Duration = Duration::from_secs(300);

/// Commands, and what the page says they print.
#[derive(Debug, Default)]
struct Step {
    commands: String,
    printed: String,
}

/// The page's `sh` blocks, each with the block of another kind that follows it.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let block: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(|line| format!("{line}\n"))
            .collect();
        match (kind, steps.last_mut()) {
            ("sh", _) => steps.push(Step {
                commands: block,
                printed: String::new(),
            }),
            (_, Some(step)) if step.printed.is_empty() => step.printed = block,
            _ => panic!("a block of {kind} that no command prints:\n{block}"),
        }
    }
    steps
}

/// Whether `line` is what the page shows; `…` there stands for anything.
fn is_as_shown(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A shell that follows the tour, with all that it starts; killed when the test ends before it.
struct Shell(Child);

impl Shell {
    fn follow(steps: &[Step], database: &TestDatabase, folder: &Path) -> Self {
        let script: String = steps
            .iter()
            .map(|step| format!("{}printf '{END_OF_STEP}'\n", step.commands))
            .collect();
        let program = Path::new(env!("CARGO_BIN_EXE_provost")).parent().unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([program.to_owned()].into_iter().chain(env::split_paths(&path)));
        let output = |name: &str| Stdio::from(fs::File::create(folder.join(name)).unwrap());
        let child = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(folder)
            .env("PATH", path.unwrap())
            .env("TMPDIR", folder)
            .env("DATABASE_URL", &database.url)
            .env("PROVOST_DATA_DIR", folder.join("data"))
            .env("PROVOST_LISTEN", free_address().to_string())
            .env("PROVOST_CONTENT_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(output("printed"))
            .stderr(output("complaints"))
            .process_group(0)
            .spawn()
            .expect("bash starts");
        Shell(child)
    }

    /// Waits for the end, and tells whether every command succeeded.
    fn finish(&mut self) -> bool {
        let group = self.group();
        let (ended, watched) = mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            if watched.recv_timeout(TOO_LONG) == Err(mpsc::RecvTimeoutError::Timeout) {
                kill(group);
            }
        });
        let status = self.0.wait().unwrap();
        drop(ended);
        watch.join().unwrap();
        status.success()
    }

    fn group(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        kill(self.group());
        drop(self.0.wait());
    }
}

fn kill(group: i32) {
    // SAFETY: the group is the one that the shell leads; without members left, the call does nothing.
    unsafe { libc::killpg(group, libc::SIGKILL) };
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("provost-tour-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn the_tour_runs_as_it_is_written() {
    let steps = steps(TOUR);
    let database = postgres::create_database(migrate);
    let folder = Folder::new();

    let succeeded = Shell::follow(&steps, &database, &folder.0).finish();

    let (printed, complaints) = (folder.read("printed"), folder.read("complaints"));
    let mut outputs = printed.split(END_OF_STEP);
    for step in &steps {
        let output = outputs.next().unwrap_or_default();
        let as_shown = step.printed.lines().count() == output.lines().count()
            && step
                .printed
                .lines()
                .zip(output.lines())
                .all(|(shown, line)| is_as_shown(shown, line));
        assert!(
            as_shown,
            "The tour's step\n\n{}\nshould print\n\n{}\nbut printed\n\n{output}\n{complaints}",
            step.commands, step.printed
        );
    }
    assert!(succeeded, "The tour's last step failed: {complaints}");
    assert_eq!(outputs.collect::<String>(), "");
}

#[test]
fn a_line_is_as_shown_where_only_the_ellipses_differ() {
    for (shown, line, is_so) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("…", "", true),
        ("[\"…\",\"…\",7]", "[\"x\",\"y\",7]", true),
        ("[\"…\",\"…\",7]", "[\"x\",7]", false),
        ("a…b…", "a-b", true),
        ("a…b", "a-c", false),
        ("aba…aba", "aba", false),
    ] {
        assert_eq!(is_as_shown(shown, line), is_so, "{shown} {line}");
    }
}
