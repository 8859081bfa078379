//! Applying in batches: what others may do meanwhile, and what is left of it after a crash.

use std::{cell::Cell, sync::mpsc, thread};

use provost::{
    app::{Acting, Tx},
    http::{ApiError, ApiResult, Code},
    import::apply::{self, Transactions},
    sql,
};
use serde_json::{Value, json};

use super::{Importing, outline, small_profile};
use crate::support::{Answer, TestApp, count};

/// As many as fill the first batch and a part of the second.
const MANY: usize = 150;

fn file(of: impl Fn(usize) -> String) -> String {
    let rows: String = (1..=MANY).map(|id| format!("{}\n", of(id))).collect();
    format!("id,name,boss\n{rows}")
}

/// People 1 to [`MANY`] are here, and a plan would rename all of them.
async fn renaming() -> (Importing, Answer) {
    let importing = Importing::with(small_profile()).await;
    let import = importing.plan("small", file(|id| format!("{id},Old,"))).await;
    importing.applied(&import).await;
    let import = importing.plan("small", file(|id| format!("{id},New,"))).await;
    assert_eq!(import.at("/counts/update"), MANY);
    (importing, import)
}

/// A worker that dies ahead of the transaction after `left` others.
struct Dying<'a> {
    app: &'a TestApp,
    left: Cell<u32>,
}

impl Transactions for Dying<'_> {
    type Error = ApiError;

    fn write<T>(&self, f: impl Fn(&mut Tx) -> ApiResult<T>) -> ApiResult<T> {
        let left = self.left.get().checked_sub(1);
        self.left
            .set(left.ok_or_else(|| ApiError::new(Code::Unavailable, "killed"))?);
        self.app.app.write_blocking(&Acting::system("test"), f)
    }

    fn is_cancelled(&self) -> ApiResult<bool> {
        Ok(false)
    }
}

impl Importing {
    /// Begins to apply, and stops for good once the first batch is written.
    async fn one_batch(&self, import: &Answer) {
        let operation = self.apply(import).await.assert_status(202).id();
        let dying = Dying {
            app: &self.app,
            left: Cell::new(2),
        };
        let import = import.id().parse().unwrap();
        apply::in_batches(&dying, import, operation.parse().unwrap()).unwrap_err();
    }

    async fn name(&self, key: usize) -> Value {
        self.user(&key.to_string()).await.at("/given_name")
    }

    async fn done(&self, import: &Answer) -> Answer {
        self.app.run_jobs();
        let import = self.admin.get(&format!("/v1/imports/{}", import.id())).await;
        assert_eq!(import.at("/status"), "applied", "{}", import.text());
        import
    }
}

// Fault 33.
#[actix_web::test]
async fn the_first_batch_is_there_while_a_later_one_waits_for_a_lock() {
    let (importing, import) = renaming().await;
    let app = importing.app.app.clone();
    let (held, is_held) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let holder = thread::spawn({
        let app = app.clone();
        move || {
            app.write_blocking(&Acting::system("test"), |tx| {
                sql!("SELECT 1 FROM users WHERE username = 'u150' FOR UPDATE").execute(tx.conn)?;
                held.send(()).unwrap();
                is_released.recv().unwrap();
                Ok(())
            })
            .unwrap();
        }
    });
    is_held.recv().unwrap();
    importing.apply(&import).await.assert_status(202);
    let worker = thread::spawn(move || {
        provost::jobs::Worker::drain(&app, provost::cli::worker::HANDLERS).unwrap();
    });

    let mut looks = 0;
    while importing.name(1).await == "Old" && looks < 5_000 {
        looks += 1;
    }
    let seen = (importing.name(1).await, importing.name(MANY).await);
    let id = importing.user("1").await.id();
    let patched = importing
        .admin
        .patch(&format!("/v1/users/{id}"), json!({ "title": "Nurse" }))
        .await;
    release.send(()).unwrap();
    holder.join().unwrap();
    worker.join().unwrap();

    assert_eq!(seen, (json!("New"), json!("Old")));
    patched.assert_status(200);
    let import = importing.done(&import).await;
    assert_eq!(import.at("/counts/update"), MANY);
    assert_eq!(importing.name(MANY).await, "New");
    assert_eq!(importing.user("1").await.at("/title"), "Nurse");
}

// Fault 33.
#[actix_web::test]
async fn after_a_crash_it_goes_on_where_it_was() {
    let (importing, import) = renaming().await;
    let events = importing.events().await;

    importing.one_batch(&import).await;

    let written = importing.events().await - events;
    assert!(0 < written && written < MANY as i64, "{written}");
    let import = importing.done(&import).await;
    assert_eq!(importing.events().await - events, MANY as i64);
    let operation = import.at("/operation_id").as_str().unwrap().to_owned();
    let operation = importing.admin.get(&format!("/v1/operations/{operation}")).await;
    assert_eq!(
        (operation.at("/progress"), operation.at("/result/update")),
        (json!(MANY), json!(MANY))
    );
    assert_eq!(importing.user("1").await.at("/version"), 2);
    assert_eq!(importing.user("150").await.at("/version"), 2);
}

impl Importing {
    /// Cancels the import's operation and lets the workers see to it; what is told of both.
    async fn cancelled(&self, import: &Answer) -> (Answer, Answer) {
        let path = format!("/v1/imports/{}", import.id());
        let operation = self.admin.get(&path).await.at("/operation_id");
        let operation = format!("/v1/operations/{}", operation.as_str().unwrap());
        self.admin
            .post(&format!("{operation}/cancellation"), json!({}))
            .await
            .assert_status(202);
        self.app.run_jobs();
        let import = self.admin.get(&path).await;
        let operation = self.admin.get(&operation).await;
        assert_eq!(
            (import.at("/status"), operation.at("/status")),
            (json!("cancelled"), json!("cancelled"))
        );
        (import, operation)
    }
}

// Fault 27.
#[actix_web::test]
async fn a_cancelled_import_says_what_was_written() {
    // After its worker died.
    let (importing, import) = renaming().await;
    importing.one_batch(&import).await;
    let operation = importing.admin.get(&format!("/v1/imports/{}", import.id())).await;
    let operation = operation.at("/operation_id").as_str().unwrap().parse().unwrap();
    importing
        .app
        .write(|tx| provost::operations::start(tx, operation));
    let (cancelled, operation) = importing.cancelled(&import).await;
    assert_eq!(
        (cancelled.at("/counts/update"), cancelled.at("/counts/rows")),
        (json!(100), json!(MANY))
    );
    assert_eq!(operation.at("/result"), cancelled.at("/counts"));
    assert_eq!(cancelled.at("/problem/code"), "conflict");

    // Before its job began.
    let again = importing.plan("small", file(|id| format!("{id},Newer,"))).await;
    importing.apply(&again).await.assert_status(202);
    let (cancelled, _) = importing.cancelled(&again).await;
    assert_eq!(
        (cancelled.at("/counts/update"), cancelled.at("/counts/rows")),
        (json!(0), json!(MANY))
    );
    importing
        .apply(&cancelled)
        .await
        .assert_problem(409, "import_not_planned");
    let told = "SELECT count(*) FROM events WHERE action = 'import.cancelled'";
    assert_eq!(count(&importing.app, told), 2);
}

// Fault 27.
#[actix_web::test]
async fn an_import_whose_job_is_dead_says_what_was_written_and_goes_on_when_it_is_retried() {
    let (importing, import) = renaming().await;
    importing.one_batch(&import).await;
    importing.app.write(|tx| {
        sql!(
            "UPDATE jobs SET max_attempts = 1, attempts = 1, state = 'running', lease_until = '2000-01-01',
                attempt_token = gen_random_uuid() WHERE kind = 'import.apply' AND state = 'ready'"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    importing.app.run_jobs();

    let failed = importing.admin.get(&format!("/v1/imports/{}", import.id())).await;
    assert_eq!(
        (failed.at("/status"), failed.at("/counts/update")),
        (json!("failed"), json!(100))
    );
    let dead = importing
        .admin
        .get("/v1/jobs?filter=state%20eq%20%22dead%22")
        .await;
    let dead = dead.at("/data/0/id").as_str().unwrap().to_owned();
    importing
        .admin
        .post(&format!("/v1/jobs/{dead}/retry"), json!({}))
        .await
        .assert_status(200);
    assert_eq!(importing.done(&import).await.at("/counts/update"), MANY);
}

// Fault 34.
#[actix_web::test]
async fn what_changes_after_the_first_batch_is_refused_row_by_row() {
    let importing = Importing::with(small_profile()).await;
    let import = importing
        .plan(
            "small",
            file(|id| {
                if id < 120 {
                    format!("{id},Old,")
                } else {
                    "1,Old,".into()
                }
            }),
        )
        .await;
    importing.applied(&import).await;
    // Of the new ones, 149 reports to 148, and 150 to 149.
    let boss = |id: usize| {
        if id > 148 {
            (id - 1).to_string()
        } else {
            String::new()
        }
    };
    let import = importing
        .plan("small", file(|id| format!("{id},New,{}", boss(id))))
        .await;
    importing.one_batch(&import).await;

    let id = importing.user("110").await.id();
    importing
        .admin
        .patch(&format!("/v1/users/{id}"), json!({ "given_name": "Mine" }))
        .await
        .assert_status(200);
    let other = json!({ "username": "U148", "given_name": "Other", "family_name": "Person" });
    importing.admin.post("/v1/users", other).await.assert_status(201);

    let import = importing.done(&import).await;
    assert_eq!(
        (
            import.at("/counts/update"),
            import.at("/counts/create"),
            import.at("/counts/refuse"),
            import.at("/counts/warnings")
        ),
        (json!(118), json!(30), json!(2), json!(1))
    );
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    let expected = [111, 149].map(|line| (line, "key:changed_since_planned".to_owned()));
    assert_eq!(outline(&refused), expected);
    assert_eq!(importing.name(110).await, "Mine");
    assert_eq!(importing.user("149").await.at("/manager_id"), json!(null));
    assert_eq!(
        importing.user("150").await.at("/manager_id"),
        importing.user("149").await.at("/id")
    );
    let again = importing
        .plan("small", file(|id| format!("{id},New,{}", boss(id))))
        .await;
    assert_eq!(
        (again.at("/counts/update"), again.at("/counts/refuse")),
        (json!(1), json!(1))
    );
}

// Fault 33.
#[actix_web::test]
async fn those_who_change_places_in_the_reporting_line_close_no_circle_between_batches() {
    let importing = Importing::with(small_profile()).await;
    let line = |of: fn(usize) -> String| move |id: usize| format!("{id},{}", of(id));
    let before = file(line(|id| if id == 1 { "Old,".into() } else { "Old,1".into() }));
    let after = file(line(|id| match id {
        MANY => "New,".into(),
        1 => "New,150".into(),
        _ => "New,1".into(),
    }));
    let import = importing.plan("small", before).await;
    importing.applied(&import).await;

    let import = importing.plan("small", after).await;
    let import = importing.applied(&import).await;

    assert_eq!(import.at("/counts/update"), MANY, "{}", import.text());
    let top = importing.user("150").await;
    assert_eq!(top.at("/manager_id"), json!(null));
    assert_eq!(importing.user("1").await.at("/manager_id"), top.at("/id"));
}

// Fault 34.
#[actix_web::test]
async fn what_the_plan_leaves_as_it_is_may_change_before_it_is_applied() {
    let importing = Importing::with(small_profile()).await;
    let first = importing.plan("small", "id,name,boss\n1,Ana,\n2,Bea,\n").await;
    importing.applied(&first).await;
    let changed = "id,name,boss\n1,Ana,\n2,Bee,\n";
    let import = importing.plan("small", changed).await;
    let id = importing.user("1").await.id();
    importing
        .admin
        .patch(&format!("/v1/users/{id}"), json!({ "given_name": "Anna" }))
        .await
        .assert_status(200);

    importing.applied(&import).await;

    assert_eq!(
        (importing.name(1).await, importing.name(2).await),
        (json!("Anna"), json!("Bee"))
    );
    let again = importing.plan("small", changed).await;
    assert_eq!(again.at("/counts/update"), 1);
}

// Fault 34.
#[actix_web::test]
async fn a_few_rows_that_change_before_it_is_applied_are_left_out_and_many_make_it_stale() {
    let importing = Importing::with(small_profile()).await;
    let rows = |name: &str| -> String { (1..=20).map(|id| format!("{id},{name},\n")).collect() };
    let file = |name: &str| format!("id,name,boss\n{}", rows(name));
    let import = importing.plan("small", file("Old")).await;
    importing.applied(&import).await;
    let import = importing.plan("small", file("New")).await;
    let patch = async |key: usize, changes: Value| {
        let path = format!("/v1/users/{}", importing.user(&key.to_string()).await.id());
        importing.admin.patch(&path, changes).await.assert_status(200);
    };
    patch(1, json!({ "given_name": "Other" })).await;
    patch(2, json!({ "given_name": "Other" })).await;
    // What the row does not say may change.
    for key in 3..=10 {
        patch(key, json!({ "title": "Nurse" })).await;
    }

    let applied = importing.applied(&import).await;

    assert_eq!(
        (applied.at("/counts/update"), applied.at("/counts/refuse")),
        (json!(18), json!(2))
    );
    assert_eq!(
        (importing.name(2).await, importing.name(3).await),
        (json!("Other"), json!("New"))
    );
    assert_eq!(importing.user("3").await.at("/title"), "Nurse");
    let import = importing.plan("small", file("Newer")).await;
    for key in 3..=8 {
        patch(key, json!({ "given_name": "Another" })).await;
    }
    importing.apply(&import).await.assert_problem(409, "plan_stale");

    // Of a short plan a few may change too, but not all.
    let short = "id,name,boss\n1,Ana,\n2,Bea,\n3,Cem,\n";
    let import = importing.plan("small", short).await;
    patch(1, json!({ "given_name": "Other still" })).await;
    let applied = importing.applied(&import).await;
    assert_eq!(
        (applied.at("/counts/update"), applied.at("/counts/refuse")),
        (json!(2), json!(1))
    );
    let import = importing.plan("small", short).await;
    patch(1, json!({ "given_name": "Other again" })).await;
    importing.apply(&import).await.assert_problem(409, "plan_stale");
}

// Fault 33.
#[actix_web::test]
async fn all_or_nothing_means_all_rows_or_none() {
    let importing = Importing::with(small_profile()).await;
    let taken = json!({ "username": "U3", "given_name": "Other", "family_name": "Person" });
    let file = "id,name,boss\n1,Ana,\n2,Bea,\n3,Cem,\n";
    let import = importing.plan("small", file).await;
    let path = format!("/v1/imports/{}/application", import.id());
    let body = json!({ "plan_hash": import.at("/plan_hash"), "all_or_nothing": true });
    importing.admin.post(&path, body).await.assert_status(202);
    importing.admin.post("/v1/users", taken).await.assert_status(201);

    importing.app.run_jobs();

    let failed = importing.admin.get(&format!("/v1/imports/{}", import.id())).await;
    assert_eq!(failed.at("/problem/code"), "plan_stale");
    importing.user("1").await.assert_problem(404, "not_found");
    let import = importing.plan("small", file).await;
    let path = format!("/v1/imports/{}/application", import.id());
    let body = json!({ "plan_hash": import.at("/plan_hash"), "all_or_nothing": true });
    importing.admin.post(&path, body).await.assert_status(202);
    let import = importing.done(&import).await;
    assert_eq!(
        (import.at("/counts/create"), import.at("/counts/refuse")),
        (json!(2), json!(1))
    );
}
