//! The server is killed at random moments (50 in `make soak`, a tenth elsewhere) while packages are uploaded in pieces and
//! imported, and another package stores what a learner does. What was acknowledged is there afterwards.

use std::{
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use awc::http::Method;
use futures_util::future::join;
use provost::files::Sha256;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{activity, contents, course, learner};
use crate::support::{
    Client, TestApp, count,
    process::{Process, free_address},
    soak, wait_until,
    zips::{Entry, manifest, zip},
};

const KILLS: usize = 50;
/// The longest time that a server lives once it answers, in milliseconds.
const LONGEST: u64 = 400;
const BYTES: usize = 900_000;
const PIECE: usize = 64 << 10;

/// A server with a worker inside, on the database and the files of a test.
fn serve(app: &TestApp, address: SocketAddr, content: SocketAddr) -> Process {
    let files = app.files.path.to_str().unwrap().to_owned();
    let (listen, content_listen) = (address.to_string(), content.to_string());
    let arguments = [
        "serve",
        "--listen",
        &listen,
        "--content-listen",
        &content_listen,
        "--public-url",
        &app.address,
        "--files",
        &files,
        // An upload that a killed process was assembling is asked for until another may take it over.
        "--rate-limit",
        "0",
    ];
    let process = Process::start(&app.database.url, &arguments);
    wait_until("the server answers", || {
        [address, content]
            .iter()
            .all(|address| TcpStream::connect(address).is_ok())
    });
    process
}

/// An upload of a package under way, as a client of tus keeps it.
struct Sending {
    bytes: Vec<u8>,
    at: String,
    /// How many bytes the server has acknowledged.
    acknowledged: usize,
}

/// Uploads one package after the other, and adds each to the library.
struct Uploader {
    client: Client,
    random: StdRng,
    sending: Option<Sending>,
    /// An upload that is complete, and the hash that it must have.
    complete: Option<(String, Sha256)>,
    /// Operations that were promised.
    promised: Vec<String>,
    packages: usize,
}

impl Uploader {
    /// Takes the next step; an error where the server died of it.
    async fn step(&mut self) -> Result<(), String> {
        if let Some((at, hash)) = &self.complete {
            let upload = self.client.try_send(Method::GET, at, None, "").await?;
            let upload = upload.assert_status(200);
            if upload.at("/state") == "assembling" {
                return Ok(());
            }
            assert_eq!(upload.at("/sha256"), json!(hash.to_string()));
            let body = json!({"code": format!("package-{}", self.packages), "kind": "package", "title": "Fire", "language": "en"});
            self.packages += 1;
            let content = self.post("/v1/contents", body).await?;
            let path = format!("/v1/contents/{}/versions", content["id"].as_str().unwrap());
            let operation = self.post(&path, json!({"upload_id": upload.at("/id")})).await?;
            self.promised.push(operation["id"].as_str().unwrap().to_owned());
            self.complete = None;
            return Ok(());
        }
        let Some(sending) = &mut self.sending else {
            let mut film = vec![0; BYTES];
            self.random.fill_bytes(&mut film);
            let page = "<!doctype html><title>Fire</title><script>API.LMSSetValue('cmi.core.lesson_status','passed')</script>";
            let entries = [
                Entry::new("imsmanifest.xml", manifest()),
                Entry::new("index.html", page),
                Entry::stored("film.mp4", film),
            ];
            let bytes = zip(&entries);
            let begun = self.client.with("Upload-Length", &bytes.len().to_string());
            let begun = begun.with("Upload-Metadata", "filename ZmlyZS56aXA=");
            let begun = begun
                .try_send(Method::POST, "/v1/uploads", None, "")
                .await?
                .assert_status(201);
            let at = begun.header("location").unwrap().to_owned();
            self.sending = Some(Sending {
                bytes,
                at,
                acknowledged: 0,
            });
            return Ok(());
        };
        let until = (sending.acknowledged + PIECE).min(sending.bytes.len());
        let piece = sending.bytes[sending.acknowledged..until].to_vec();
        let client = self
            .client
            .with("Upload-Offset", &sending.acknowledged.to_string());
        let kind = "application/offset+octet-stream";
        client
            .try_send(Method::PATCH, &sending.at, Some(piece), kind)
            .await?
            .assert_status(204);
        sending.acknowledged = until;
        self.complete_if_all_is_there();
        Ok(())
    }

    fn complete_if_all_is_there(&mut self) {
        if let Some(sending) = self
            .sending
            .take_if(|sending| sending.acknowledged == sending.bytes.len())
        {
            self.complete = Some((sending.at, Sha256::of(&sending.bytes)));
        }
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        let body = Some(body.to_string().into_bytes());
        let answer = self
            .client
            .try_send(Method::POST, path, body, "application/json")
            .await?;
        assert!(matches!(answer.status, 201 | 202), "{}", answer.text());
        Ok(answer.json())
    }

    /// Asks a server that runs again how much it has: all that was acknowledged, and perhaps more.
    async fn resume(&mut self) {
        if let Some(sending) = &mut self.sending {
            let answer = self
                .client
                .send(Method::HEAD, &sending.at, None, "")
                .await
                .assert_status(200);
            let offset: usize = answer.header("upload-offset").unwrap().parse().unwrap();
            assert!(
                offset >= sending.acknowledged,
                "{offset} of {}",
                sending.acknowledged
            );
            sending.acknowledged = offset;
        }
        self.complete_if_all_is_there();
    }
}

/// What a package does: stores its place, again and again.
struct Player {
    client: Client,
    path: String,
    sent: i64,
    acknowledged: i64,
}

impl Player {
    async fn step(&mut self) -> Result<(), String> {
        self.sent += 1;
        let change = json!({"element": "cmi.suspend_data", "value": self.sent.to_string(), "seq": self.sent});
        let body = json!({"item": "one", "changes": [change]})
            .to_string()
            .into_bytes();
        let path = format!("{}_/commit", self.path);
        let answer = self
            .client
            .try_send(Method::POST, &path, Some(body), "application/json")
            .await?;
        answer.assert_status(200);
        self.acknowledged = self.sent;
        Ok(())
    }
}

const PLACE: &str =
    "SELECT coalesce(max((data -> 'cmi.suspend_data' ->> 'value')::bigint), 0) AS count FROM runtime_states";

#[actix_web::test]
async fn random_kills_lose_nothing_that_was_acknowledged() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let modules = json!([{"title": "Doors", "activities": [{"title": "Doors", "kind": "content", "content_version_id": version}]}]);
    let fire = course(&admin, "fire", modules).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let launched = ana
        .post(&format!("{doors}/launches"), json!({}))
        .await
        .assert_status(201);
    let url = launched.at("/url").as_str().unwrap().to_owned();

    let (address, content) = (free_address(), free_address());
    let mut random = StdRng::seed_from_u64(16);
    let token = Some(admin.token().to_owned());
    let mut uploader = Uploader {
        client: Client::new(&format!("http://{address}"), token).with("Tus-Resumable", "1.0.0"),
        random: StdRng::seed_from_u64(17),
        sending: None,
        complete: None,
        promised: Vec::new(),
        packages: 0,
    };
    let mut player = Player {
        client: Client::new(&format!("http://{content}"), None),
        path: url[url.find("/l/").unwrap()..].to_owned(),
        sent: 0,
        acknowledged: 0,
    };
    for _ in 0..soak(KILLS) {
        let server = serve(&app, address, content);
        uploader.resume().await;
        let place = count(&app, PLACE);
        assert!(
            (player.acknowledged..=player.sent).contains(&place),
            "{place} of {}",
            player.acknowledged
        );
        let pause = Duration::from_millis(random.random_range(0..LONGEST));
        let killing = std::thread::spawn(move || {
            let begun = Instant::now();
            wait_until("the moment has come", || begun.elapsed() >= pause);
            server.kill();
        });
        let uploading = async { while uploader.step().await.is_ok() {} };
        let playing = async { while player.step().await.is_ok() {} };
        join(uploading, playing).await;
        killing.join().unwrap();
    }

    let server = serve(&app, address, content);
    uploader.resume().await;
    while uploader.promised.is_empty() || uploader.sending.is_some() || uploader.complete.is_some() {
        uploader.step().await.unwrap();
    }
    player.step().await.unwrap();
    assert_eq!(count(&app, PLACE), player.sent);
    let unfinished = "SELECT count(*) FROM operations WHERE finished_at IS NULL";
    wait_until("all is imported", || count(&app, unfinished) == 0);
    for operation in &uploader.promised {
        let operation = admin.get(&format!("/v1/operations/{operation}")).await;
        assert_eq!(operation.at("/status"), "succeeded", "{}", operation.text());
    }
    let ready = "SELECT count(*) FROM content_versions v JOIN contents c ON c.id = v.content_id WHERE c.code LIKE 'package-%' AND v.state <> 'ready'";
    assert_eq!(count(&app, ready), 0);
    drop(server);
}
