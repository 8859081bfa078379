//! A Provost of one test's own: a server on a loopback port over a database of its own.

use std::{
    net::TcpListener,
    sync::{Arc, OnceLock},
    thread,
};

use actix_web::dev::ServerHandle;
use clap::Parser;
use diesel::PgConnection;
use provost::{
    access::token,
    app::{Acting, App, Clock, Wake},
    authz::Permission,
    cli::{create_admin, start, worker},
    config::{Config, FilesHome},
    db::{DbOptions, migrate},
    jobs::Worker,
    ledger::{self, ActorKind, Consumer, Consumers},
    server, sql,
};
use uuid::Uuid;

use super::{
    TempFolder,
    client::Client,
    events,
    postgres::{self, TestDatabase},
};

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

/// Fills the template that every test's database is copied from.
pub fn migrate(conn: &mut PgConnection) {
    migrate::run(conn).expect("the migrations apply");
}

/// Another process's state on the same database, with a server of its own.
pub struct Node {
    pub address: String,
    server: ServerHandle,
}

pub struct TestApp {
    pub app: Arc<App>,
    pub address: String,
    /// Where browsers reach its content.
    pub content_url: String,
    /// Where its files are.
    pub files: TempFolder,
    pub database: TestDatabase,
    server: ServerHandle,
    content: ServerHandle,
    admin: OnceLock<Uuid>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts with other settings than the defaults.
    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        Self::start_as(adjust, worker::CONSUMERS).await
    }

    /// Starts with consumers of events of the test's own.
    pub async fn start_consuming(consumers: &'static [Consumer]) -> Self {
        Self::start_as(|_| (), Consumers(consumers)).await
    }

    /// Starts with other settings than the defaults, and with consumers of events of the test's own.
    pub async fn start_as(adjust: impl FnOnce(&mut Config), consumers: Consumers) -> Self {
        let database = postgres::create_database(migrate);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Defaults::parse_from(["provost"]).config;
        config.listen = listener.local_addr().unwrap();
        config.database_connections = 2;
        config.http_threads = 1;
        let content = TcpListener::bind("127.0.0.1:0").unwrap();
        config.content_listen = Some(content.local_addr().unwrap());
        let files = TempFolder::new();
        config.files = Some(FilesHome::Folder(files.path.clone()));
        adjust(&mut config);
        let options = db_options(&database, &config);
        let address = format!("http://{}", config.listen);
        let app = start::app_with(config, options, Clock::default(), consumers).unwrap();
        let server = server::serve(app.clone(), listener).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let content = server::serve_content(app.clone(), content).unwrap();
        let content_handle = content.handle();
        actix_web::rt::spawn(content);
        TestApp {
            content_url: app.config.content_url(),
            content: content_handle,
            app,
            address,
            files,
            database,
            server: handle,
            admin: OnceLock::new(),
        }
    }

    /// A second node of the same academy, which shares the database and the clock and nothing else.
    pub fn second_node(&self) -> Node {
        self.second_node_with(|_| ())
    }

    /// The same with settings of its own.
    pub fn second_node_with(&self, adjust: impl FnOnce(&mut Config)) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut config = self.app.config.clone();
        config.public_url = Some(self.address.clone());
        adjust(&mut config);
        let options = db_options(&self.database, &config);
        let app = start::app(config, options, self.app.clock.clone()).unwrap();
        let server = server::serve(app, listener).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Node {
            address,
            server: handle,
        }
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.address, None)
    }

    /// A caller who may do everything.
    pub async fn admin(&self) -> Client {
        self.client_of(self.admin_id())
    }

    /// The administrator's id.
    pub fn admin_id(&self) -> Uuid {
        *self
            .admin
            .get_or_init(|| create_admin::create(&self.app, "admin", "a long password").unwrap())
    }

    /// The client of a person who exists.
    pub fn client_of(&self, user: Uuid) -> Client {
        let token = token::issue(&self.app, ActorKind::User, user, self.app.clock.now()).unwrap();
        Client::new(&self.address, Some(token))
    }

    /// The client of a service account that exists.
    pub fn client_of_service_account(&self, account: Uuid) -> Client {
        let token = token::issue(
            &self.app,
            ActorKind::ServiceAccount,
            account,
            self.app.clock.now(),
        )
        .unwrap();
        Client::new(&self.address, Some(token))
    }

    /// A new service account that holds `permissions` in a scope.
    pub fn holding(&self, permissions: &[Permission], scope_kind: &str, scope_id: Option<Uuid>) -> Client {
        let role = Uuid::now_v7();
        let names: Vec<String> = permissions
            .iter()
            .map(|permission| permission.as_str().to_owned())
            .collect();
        self.write(|tx| {
            sql!(
                "INSERT INTO roles (id, code, name, permissions, created_at, updated_at)
                 VALUES ({role}, {role_name}, 'test', {names}, {tx.now}, {tx.now})",
                role_name = role.to_string(),
            )
            .execute(tx.conn)?;
            Ok(())
        });
        self.holding_role(&role.to_string(), &[(scope_kind, scope_id)])
    }

    /// A new service account that holds the role of that code in scopes.
    pub fn holding_role(&self, code: &str, scopes: &[(&str, Option<Uuid>)]) -> Client {
        let account = Uuid::now_v7();
        self.write(|tx| {
            sql!(
                "INSERT INTO service_accounts (id, name, name_folded, status, created_at, updated_at)
                 VALUES ({account}, {account_name}, {account_name}, 'active', {tx.now}, {tx.now})",
                account_name = account.to_string(),
            )
            .execute(tx.conn)?;
            Ok(())
        });
        self.grant("service_account", account, code, scopes);
        self.client_of_service_account(account)
    }

    /// Grants the role of that code in scopes.
    pub fn grant(&self, principal_kind: &str, principal: Uuid, code: &str, scopes: &[(&str, Option<Uuid>)]) {
        self.write(|tx| {
            for (scope_kind, scope_id) in scopes {
                sql!(
                    "INSERT INTO grants (id, principal_kind, principal_id, role_id, scope_kind,
                        scope_id, created_at, updated_at)
                     SELECT {new_id}, {principal_kind}, {principal}, roles.id, {scope_kind}, {scope_id},
                        {tx.now}, {tx.now} FROM roles WHERE roles.code = {code}",
                    new_id = Uuid::now_v7(),
                )
                .execute(tx.conn)?;
            }
            tx.wake(Wake::Caller(principal));
            Ok(())
        });
    }

    /// Runs all jobs that are due and those that they queue, then seals the ledger; answers how many jobs ran.
    pub fn run_jobs(&self) -> usize {
        let app = &self.app;
        on_thread(|| {
            let mut ran = 0;
            loop {
                let some = Worker::drain(app, worker::HANDLERS).unwrap();
                let sealed = ledger::seal(app).unwrap();
                ran += some;
                if some == 0 && sealed == 0 {
                    return ran;
                }
            }
        })
    }

    /// Writes as Provost itself.
    pub fn write<T>(&self, f: impl Fn(&mut provost::app::Tx) -> provost::http::ApiResult<T>) -> T {
        self.app.write_blocking(&Acting::system("test"), f).unwrap()
    }
}

/// Does on a thread of its own what may block, as the store of files does: a test's thread drives its requests.
pub fn on_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The app of another process on the database at `url`, with consumers of its own.
pub fn app_of_process(url: &str, consumers: &'static [Consumer]) -> Arc<App> {
    let mut config = Defaults::parse_from(["provost"]).config;
    config.files = Some(FilesHome::Folder(std::env::temp_dir().join("provost-test-files")));
    let options = DbOptions {
        url: url.to_owned(),
        connections: 1,
        blocking_connections: 8,
        prepared_statements: config.prepared_statements,
    };
    start::app_with(config, options, Clock::default(), Consumers(consumers)).unwrap()
}

fn db_options(database: &TestDatabase, config: &Config) -> DbOptions {
    DbOptions {
        url: database.url.clone(),
        connections: config.database_connections,
        blocking_connections: 4,
        prepared_statements: config.prepared_statements,
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Drop for TestApp {
    /// Every event of every test is as the catalogue says.
    fn drop(&mut self) {
        drop(self.server.stop(false));
        drop(self.content.stop(false));
        if thread::panicking() {
            return;
        }
        if let Some(fault) = events::fault(&self.app) {
            panic!("an event is not as the catalogue says: {fault}");
        }
    }
}
