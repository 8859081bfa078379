//! What doctor checks of uploaded files: their store, the content listener's origin, and rows against bytes.

use std::collections::BTreeMap;

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use url::{Host, Url};
use uuid::Uuid;

use super::{Finding, Finding::Fine, fault};
use crate::{
    config::{Config, FilesHome},
    files::{Sha256, Store},
};

const FIX_STORE: &str = "give a folder that Provost may write in PROVOST_FILES, or fix the bucket, PROVOST_S3_ENDPOINT, PROVOST_S3_REGION and \
    the key.";

/// Whether the store takes files and gives them back.
pub fn store(config: &Config) -> Finding {
    let probed = Store::open(config).and_then(|store| store.probe().map_err(|error| error.to_string()));
    if let Err(error) = probed {
        return fault(format!("Files cannot be stored: {error}."), FIX_STORE);
    }
    match config.files() {
        FilesHome::Bucket { bucket, .. } => Fine(format!("files are in the bucket {bucket}")),
        FilesHome::Folder(folder) => {
            let hint = match config.files.is_none() && config.database_url.is_some() {
                true => {
                    "; WARNING: all processes on this database must share the folder: set PROVOST_FILES to one that they do"
                }
                false => "",
            };
            Fine(format!("files are in {}{hint}", folder.display()))
        }
    }
}

/// Whether content is served from another origin, and another site, than the API.
pub fn content(config: &Config) -> Finding {
    let (api, content) = (
        Url::parse(&config.public_url()),
        Url::parse(&config.content_url_of(Uuid::nil())),
    );
    let (Ok(api), Ok(content)) = (api, content) else {
        return fault(
            "PROVOST_CONTENT_URL is no address.",
            "give one such as https://content.example.net.",
        );
    };
    if api.origin() == content.origin() {
        return fault(
            format!(
                "Content is served from the API's own origin, {}: what was uploaded could act as its users.",
                api.origin().ascii_serialization()
            ),
            "give the content listener a host of its own in PROVOST_CONTENT_URL, best on a domain that nothing else uses.",
        );
    }
    let hint = if content.scheme() == "http" && !is_here(&content) {
        "; WARNING: without TLS others can read and change it on the way"
    } else if site(&api) == site(&content) && !is_here(&content) {
        "; WARNING: this is the API's own site: cookies of the domain reach it, so better use another domain"
    } else {
        ""
    };
    Fine(format!("browsers reach it at {}{hint}", config.content_url()))
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The last two parts of a domain, which is what browsers take for a site but for a few suffixes.
fn site(url: &Url) -> Option<String> {
    let Some(Host::Domain(name)) = url.host() else {
        return url.host_str().map(str::to_owned);
    };
    let parts: Vec<&str> = name.rsplit('.').take(2).collect();
    Some(parts.join("."))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Binary)]
    sha256: Sha256,
    #[diesel(sql_type = sql_types::BigInt)]
    bytes: i64,
}

/// The most hashes that are named.
const NAMED: usize = 5;

/// Whether every row of a blob has its bytes, as many as it says, and all bytes have their row.
pub fn compare(conn: &mut PgConnection, config: &Config) -> Finding {
    let store = match Store::open(config) {
        Ok(store) => store,
        Err(error) => return fault(error, FIX_STORE),
    };
    let rows = sql_query("SELECT sha256, bytes FROM blobs WHERE state = 'stored'").load::<Row>(conn);
    let mut rows: BTreeMap<Sha256, u64> = match rows {
        Ok(rows) => rows
            .into_iter()
            .map(|row| (row.sha256, row.bytes.unsigned_abs()))
            .collect(),
        Err(error) => return fault(error.to_string(), "run `provost migrate`."),
    };
    let (mut strays, mut paired) = (0, 0);
    // What has another length stays in `rows`.
    let listed = store.each_blob(|sha256, bytes, _| match rows.get(&sha256) {
        Some(known) if *known == bytes => {
            rows.remove(&sha256);
            paired += 1;
        }
        Some(_) => {}
        None => strays += 1,
    });
    if let Err(error) = listed {
        return fault(error.to_string(), FIX_STORE);
    }
    match rows.len() {
        0 => Fine(match strays {
            0 => format!("all {paired} have their bytes"),
            strays => format!(
                "all {paired} have their bytes; {strays} in the store belong to none and are deleted within two days"
            ),
        }),
        missing => {
            let named: Vec<String> = rows.keys().take(NAMED).map(Sha256::to_string).collect();
            fault(
                format!(
                    "The bytes of {missing} files are missing from the store, or not all there: {}.",
                    named.join(", ")
                ),
                "restore the store from a backup that is as new as the database's: each file is blobs/ and its SHA-256, with a / after \
                 the first two digits.",
            )
        }
    }
}
