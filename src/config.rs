//! Every setting: its variable, its default and what it means. Read once, at start.
//!
//! A setting is an environment variable (`PROVOST_LISTEN`) or the flag of the same name (`--listen`); the
//! flag wins. [`explain`] turns a bad one into a sentence that names variable, value and fix.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use chrono_tz::Tz;
use clap::{
    Args, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser},
    error::ContextKind,
};
use ipnet::IpNet;
use url::Url;
use uuid::Uuid;

use crate::mail;

/// The settings of a Provost process.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub struct Config {
    /// Address and port that the API listens on.
    #[arg(long, env = "PROVOST_LISTEN", default_value = "127.0.0.1:8080", value_parser = address, global = true)]
    pub listen: SocketAddr,

    /// Address and port for `/metrics`, `/healthz` and `/readyz`, which the API's own then leaves out; `provost worker` answers
    /// there too. Without it they stand beside the API.
    #[arg(long, env = "PROVOST_METRICS_LISTEN", value_parser = address, global = true)]
    pub metrics_listen: Option<SocketAddr>,

    /// Token without which `/metrics` is refused, to be sent as `Authorization: Bearer …`; without it anybody may read them.
    #[arg(long, env = "PROVOST_METRICS_TOKEN", hide_env_values = true, value_parser = metrics_token, global = true)]
    pub metrics_token: Option<String>,

    /// Where clients reach the API, without a trailing slash; addresses in answers and certificates begin with it.
    #[arg(long, env = "PROVOST_PUBLIC_URL", value_parser = public_url, global = true)]
    pub public_url: Option<String>,

    /// Addresses and networks of proxies whose word on where requests come from is believed, separated by commas.
    #[arg(long, env = "PROVOST_TRUSTED_PROXIES", default_value = "", global = true)]
    pub trusted_proxies: Networks,

    /// The header in which those proxies say it; they must set or extend it themselves.
    #[arg(
        long,
        env = "PROVOST_PROXY_HEADER",
        default_value = "x-forwarded-for",
        global = true
    )]
    pub proxy_header: ProxyHeader,

    /// PostgreSQL to use, as a libpq URL; without it Provost runs a private server in its data folder. Reading one thing takes about
    /// half the CPU where the server is on this machine, or the URL has `sslmode=disable`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = database_url, global = true)]
    pub database_url: Option<String>,

    /// Folder of the private PostgreSQL.
    #[arg(long, env = "PROVOST_DATA_DIR", default_value = "data", value_parser = folder(), global = true)]
    pub data_dir: PathBuf,

    /// Folder of PostgreSQL's programs, where they are not in the usual places.
    #[arg(long, env = "PROVOST_POSTGRES_BIN", value_parser = folder(), global = true)]
    pub postgres_bin: Option<PathBuf>,

    /// Connections to the database, each with a thread of its own.
    #[arg(long, env = "PROVOST_DATABASE_CONNECTIONS", default_value = "8", value_parser = whole::<1, 256>, global = true)]
    pub database_connections: u32,

    /// Whether statements are prepared; turn it off behind a pooler in transaction mode, such as PgBouncer.
    #[arg(long, env = "PROVOST_PREPARED_STATEMENTS", default_value = "true", action = clap::ArgAction::Set, global = true)]
    pub prepared_statements: bool,

    /// Where uploaded files are: a folder, which all processes share, or s3://bucket/prefix; without it the folder `files` in
    /// the data folder.
    #[arg(long, env = "PROVOST_FILES", value_parser = files_home, global = true)]
    pub files: Option<FilesHome>,

    /// Address of an S3-compatible service, such as https://minio.example.com; without it Amazon's own.
    #[arg(long, env = "PROVOST_S3_ENDPOINT", value_parser = public_url, global = true)]
    pub s3_endpoint: Option<String>,

    /// Region of the bucket.
    #[arg(long, env = "PROVOST_S3_REGION", global = true)]
    pub s3_region: Option<String>,

    /// Key of the bucket; without it and its secret, AWS_ACCESS_KEY_ID and the like, or the role of the machine.
    #[arg(long, env = "PROVOST_S3_ACCESS_KEY_ID", global = true)]
    pub s3_access_key_id: Option<String>,

    /// Secret of that key.
    #[arg(
        long,
        env = "PROVOST_S3_SECRET_ACCESS_KEY",
        hide_env_values = true,
        global = true
    )]
    pub s3_secret_access_key: Option<String>,

    /// Largest upload in bytes.
    #[arg(long, env = "PROVOST_UPLOAD_LIMIT", default_value = "5368709120", value_parser = bytes, global = true)]
    pub upload_limit: u64,

    /// Most bytes that all files may take together; without it as many as the store holds.
    #[arg(long, env = "PROVOST_STORAGE_LIMIT", value_parser = bytes, global = true)]
    pub storage_limit: Option<u64>,

    /// Most files of a package.
    #[arg(long, env = "PROVOST_PACKAGE_FILES", default_value = "20000", value_parser = whole::<1, 1_000_000>, global = true)]
    pub package_files: u32,

    /// Most bytes that the files of a package have together, inflated.
    #[arg(long, env = "PROVOST_PACKAGE_EXPANDED", default_value = "8589934592", value_parser = bytes, global = true)]
    pub package_expanded: u64,

    /// How many times as large a file of a package beyond 10 MiB may be inflated.
    #[arg(long, env = "PROVOST_PACKAGE_RATIO", default_value = "200", value_parser = whole::<2, 1032>, global = true)]
    pub package_ratio: u32,

    /// Largest manifest of a package in bytes; it is read into memory, where it takes several times as much.
    #[arg(long, env = "PROVOST_PACKAGE_MANIFEST", default_value = "8388608", value_parser = whole::<1024, 67_108_864>, global = true)]
    pub package_manifest: u32,

    /// Address and port of the content listener, which serves uploaded files to browsers; without it the API's port + 1 of
    /// 127.0.0.1.
    #[arg(long, env = "PROVOST_CONTENT_LISTEN", value_parser = address, global = true)]
    pub content_listen: Option<SocketAddr>,

    /// Where browsers reach the content listener, without a trailing slash; must be another origin than the API's. With
    /// `https://{package}.content.example.net` each version of a content has an origin of its own.
    #[arg(long, env = "PROVOST_CONTENT_URL", value_parser = content_url, global = true)]
    pub content_url: Option<String>,

    /// Name of the academy, shown on certificates and in the API's document.
    #[arg(long, env = "PROVOST_ACADEMY_NAME", default_value = "Provost Academy", value_parser = academy_name, global = true)]
    pub academy_name: String,

    /// Time zone of the academy, such as Europe/Lisbon: of people and org units that have none of their own.
    #[arg(long, env = "PROVOST_TIME_ZONE", default_value = "UTC", value_parser = time_zone, global = true)]
    pub time_zone: Tz,

    /// Folder of further fonts for certificates, for characters that the built-in ones lack, such as emoji.
    #[arg(long, env = "PROVOST_FONT_DIR", value_parser = folder_that_exists(), global = true)]
    pub font_dir: Option<PathBuf>,

    /// Origins that browsers may call from, separated by commas; `*` allows all, empty allows none.
    #[arg(
        long,
        env = "PROVOST_CORS_ORIGINS",
        default_value = "",
        value_delimiter = ',',
        value_parser = origin,
        global = true
    )]
    pub cors_origins: Vec<String>,

    /// Largest request body in bytes, imports excepted.
    #[arg(long, env = "PROVOST_BODY_LIMIT", default_value = "2097152", value_parser = whole::<1024, 1_073_741_824>, global = true)]
    pub body_limit: u32,

    /// Largest import file in bytes; it waits in a temporary file (`TMPDIR`) and then in the database, not in memory.
    #[arg(long, env = "PROVOST_IMPORT_LIMIT", default_value = "104857600", value_parser = whole::<1024, 1_073_741_824>, global = true)]
    pub import_limit: u32,

    /// Seconds that a request may take before it is answered 503.
    #[arg(long, env = "PROVOST_REQUEST_TIMEOUT", default_value = "30", value_parser = seconds::<1, 3600>, global = true)]
    pub request_timeout: Duration,

    /// Seconds that a request which was accepted may still take once Provost is told to stop.
    #[arg(long, env = "PROVOST_SHUTDOWN_TIMEOUT", default_value = "30", value_parser = seconds::<1, 3600>, global = true)]
    pub shutdown_timeout: Duration,

    /// Seconds that an access token is good for.
    #[arg(long, env = "PROVOST_TOKEN_LIFETIME", default_value = "900", value_parser = seconds::<30, 86_400>, global = true)]
    pub token_lifetime: Duration,

    /// Seconds that a key signs access tokens before another takes its place; 0 changes keys by command only.
    #[arg(long, env = "PROVOST_KEY_LIFETIME", default_value = "7776000", value_parser = seconds::<0, 315_360_000>, global = true)]
    pub key_lifetime: Duration,

    /// Seconds that a refresh token waits for its use; a session that is not used for so long is over.
    #[arg(long, env = "PROVOST_REFRESH_LIFETIME", default_value = "2592000", value_parser = seconds::<60, 31_536_000>, global = true)]
    pub refresh_lifetime: Duration,

    /// Seconds that a session lasts at most, however often it is used.
    #[arg(long, env = "PROVOST_SESSION_LIFETIME", default_value = "7776000", value_parser = seconds::<60, 315_360_000>, global = true)]
    pub session_lifetime: Duration,

    /// Seconds after which what the ledger says of sign-ins, beside who and when, is erased; 0 keeps it for ever.
    #[arg(long, env = "PROVOST_SIGN_INS_KEPT", default_value = "63072000", value_parser = seconds::<0, 3_153_600_000>, global = true)]
    pub sign_ins_kept: Duration,

    /// Seconds after its first use in which a refresh token that comes again is refused without ending the session.
    #[arg(long, env = "PROVOST_REFRESH_GRACE", default_value = "10", value_parser = seconds::<0, 300>, global = true)]
    pub refresh_grace: Duration,

    /// Mail server, as smtps://user:password@host (TLS), smtp://…?tls=required (STARTTLS) or smtp://…; without it no mail is sent.
    #[arg(long, env = "PROVOST_SMTP_URL", hide_env_values = true, value_parser = smtp_url, global = true)]
    pub smtp_url: Option<String>,

    /// Whom mail comes from, such as `Academy <no-reply@example.com>`.
    #[arg(long, env = "PROVOST_MAIL_FROM", value_parser = mailbox, global = true)]
    pub mail_from: Option<String>,

    /// Page of your front end on which people choose a password; mail has them go there, with a token right after it.
    #[arg(long, env = "PROVOST_PASSWORD_PAGE", value_parser = page, global = true)]
    pub password_page: Option<String>,

    /// Seconds in which a password can be reset by the mail that was sent for it.
    #[arg(long, env = "PROVOST_RESET_LIFETIME", default_value = "3600", value_parser = seconds::<60, 86_400>, global = true)]
    pub reset_lifetime: Duration,

    /// Seconds in which an invitation can be taken.
    #[arg(long, env = "PROVOST_INVITATION_LIFETIME", default_value = "604800", value_parser = seconds::<60, 7_776_000>, global = true)]
    pub invitation_lifetime: Duration,

    /// Requests that a principal, or an address without one, may make in a minute, by each process; 0 for no limit.
    #[arg(long, env = "PROVOST_RATE_LIMIT", default_value = "6000", value_parser = whole::<0, 10_000_000>, global = true)]
    pub rate_limit: u32,

    /// Wrong passwords after which an account waits before it is asked again, longer each time; 0 for no limit.
    #[arg(long, env = "PROVOST_ACCOUNT_FAILURES", default_value = "10", value_parser = whole::<0, 100>, global = true)]
    pub account_failures: u32,

    /// Wrong secrets of a kind in a quarter of an hour after which an address waits for its end; 0 for no limit.
    #[arg(long, env = "PROVOST_ADDRESS_FAILURES", default_value = "100", value_parser = whole::<0, 1_000_000>, global = true)]
    pub address_failures: u32,

    /// Password hashes computed at once; each takes a core and 19 MiB for about 30 ms.
    #[arg(long, env = "PROVOST_HASHING_THREADS", default_value = "2", value_parser = whole::<1, 64>, global = true)]
    pub hashing_threads: u32,

    /// Threads that answer HTTP; each has one more connection to the database.
    #[arg(long, env = "PROVOST_HTTP_THREADS", default_value = "2", value_parser = whole::<1, 256>, global = true)]
    pub http_threads: u32,

    /// Jobs that one worker runs at once. Most of their time goes into waiting for the disk. Of those that may take long
    /// (imports, plans, the upkeep of rules and groups) at most a quarter run at once, and at least one.
    #[arg(long, env = "PROVOST_WORKER_THREADS", default_value = "8", value_parser = whole::<1, 64>, global = true)]
    pub worker_threads: u32,
}

impl Config {
    /// What sending mail takes; none where no mail is sent. An error names the setting that is missing.
    pub fn mail(&self) -> Result<Option<mail::MailSettings>, String> {
        let Some(smtp_url) = self.smtp_url.clone() else {
            return Ok(None);
        };
        let missing = |variable: &str| format!("PROVOST_SMTP_URL is set, so set {variable} too.");
        Ok(Some(mail::MailSettings {
            smtp_url,
            from: self
                .mail_from
                .clone()
                .ok_or_else(|| missing("PROVOST_MAIL_FROM"))?,
            password_page: self
                .password_page
                .clone()
                .ok_or_else(|| missing("PROVOST_PASSWORD_PAGE"))?,
        }))
    }

    /// Whether anybody who reaches the API may read the metrics, from other machines too.
    pub fn has_open_metrics(&self) -> bool {
        !self.listen.ip().is_loopback() && self.metrics_listen.is_none() && self.metrics_token.is_none()
    }

    /// Where clients reach the API: the setting, or the listening address.
    pub fn public_url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Where uploaded files are: the setting, or the folder `files` in the data folder.
    pub fn files(&self) -> FilesHome {
        let home = self.files.clone();
        home.unwrap_or_else(|| FilesHome::Folder(self.data_dir.join("files")))
    }

    /// Where the content listener listens: the setting, or the API's port + 1 of 127.0.0.1.
    pub fn content_listen(&self) -> SocketAddr {
        let next = || SocketAddr::from(([127, 0, 0, 1], self.listen.port().wrapping_add(1)));
        self.content_listen.unwrap_or_else(next)
    }

    /// Where browsers reach the content listener: the setting, which may hold `{package}`, or the listening address.
    pub fn content_url(&self) -> String {
        self.content_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.content_listen()))
    }

    /// Whether each version of a content has an origin of its own.
    pub fn has_origin_per_content(&self) -> bool {
        self.content_url.as_ref().is_some_and(|url| url.contains(PACKAGE))
    }

    /// Where browsers reach a version of a content, by its id: an origin of its own, where the setting holds `{package}`.
    pub fn content_url_of(&self, content_version_id: Uuid) -> String {
        let label = content_version_id.simple().to_string();
        self.content_url().replacen(PACKAGE, &label, 1)
    }
}

/// In a `PROVOST_CONTENT_URL`, stands for the version of the content.
const PACKAGE: &str = "{package}";

/// Where uploaded files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesHome {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of an S3-compatible service.
    Bucket {
        /// Its name.
        bucket: String,
        /// What the names of all objects begin with; may be empty.
        prefix: String,
    },
}

/// The header in which proxies say where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Networks of addresses.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether one of them contains the address.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let network = |text: &str| {
            let address = text
                .parse()
                .map(|address: IpAddr| IpNet::from(address.to_canonical()));
            address.or_else(|_| text.parse::<IpNet>())
        };
        let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
        let networks = items.map(network).collect::<Result<_, _>>();
        networks
            .map(Networks)
            .map_err(|_| "give IP addresses or networks, such as 10.0.0.0/8,2001:db8::1".into())
    }
}

/// A path in whatever letters the system has.
fn folder() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|value| match value.is_empty() {
        true => Err("give a folder"),
        false => Ok(PathBuf::from(value)),
    })
}

fn folder_that_exists() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|value| {
        let folder = PathBuf::from(value);
        match folder.read_dir() {
            Ok(_) => Ok(folder),
            Err(error) => Err(format!("give a folder that Provost may read ({error})")),
        }
    })
}

fn files_home(value: &str) -> Result<FilesHome, String> {
    let Some(place) = value.strip_prefix("s3://") else {
        return match value.contains("://") || value.is_empty() {
            true => Err("give a folder, or s3://bucket/prefix".into()),
            false => Ok(FilesHome::Folder(value.into())),
        };
    };
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    match (3..=63).contains(&bucket.len()) && bucket.bytes().all(is_of_name) {
        true => Ok(FilesHome::Bucket {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
        }),
        false => Err(
            "give the bucket's name after s3://, and a prefix if need be, such as s3://academy/files".into(),
        ),
    }
}

fn bytes(value: &str) -> Result<u64, String> {
    match u64::from_str(value) {
        Ok(bytes) if (1024..=1 << 50).contains(&bytes) => Ok(bytes),
        _ => Err("give a whole number of bytes, from 1024 to 1125899906842624 (1 PiB)".into()),
    }
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value
        .parse()
        .map_err(|_| "give an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".into())
}

fn metrics_token(value: &str) -> Result<String, String> {
    let is_token = |byte: u8| byte.is_ascii_graphic();
    match (16..=200).contains(&value.len()) && value.bytes().all(is_token) {
        true => Ok(value.to_owned()),
        false => Err("give 16 to 200 random letters, digits and signs, without spaces".into()),
    }
}

fn smtp_url(value: &str) -> Result<String, String> {
    match mail::transport(value) {
        Ok(_) => Ok(value.to_owned()),
        Err(fault) => Err(format!(
            "{fault}; give smtps://user:password@host or smtp://host?tls=required"
        )),
    }
}

fn mailbox(value: &str) -> Result<String, String> {
    match mail::mailbox(value) {
        Ok(_) => Ok(value.to_owned()),
        Err(_) => Err("give an e-mail address, such as `Academy <no-reply@example.com>`".into()),
    }
}

fn page(value: &str) -> Result<String, String> {
    if value.starts_with("https://") || value.starts_with("http://") {
        Ok(value.to_owned())
    } else {
        Err("give the address that a token can follow, such as https://learn.example.com/password#".into())
    }
}

fn public_url(value: &str) -> Result<String, String> {
    let is_plain = |url: &Url| {
        let has_more = url.query().is_some() || url.fragment().is_some();
        is_web(url) && !has_more && url.username().is_empty() && url.password().is_none()
    };
    let rest = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"));
    let has_odd = |rest: &str| rest.contains(|letter: char| letter.is_whitespace() || letter == '\\');
    let is_tidy = rest.is_some_and(|rest| !rest.starts_with('/') && !rest.ends_with('/') && !has_odd(rest));
    match Url::parse(value) {
        Ok(url) if is_plain(&url) && is_tidy => Ok(value.to_owned()),
        _ => Err(
            "give an http:// or https:// address without spaces, user, query, fragment and trailing slash, such as https://lms.example.com"
                .into(),
        ),
    }
}

fn content_url(value: &str) -> Result<String, String> {
    let Some((scheme, rest)) = value.split_once(PACKAGE) else {
        return public_url(value);
    };
    // In its place stands a label of 32 letters and digits.
    let is_first_label =
        matches!(scheme, "http://" | "https://") && rest.starts_with('.') && !rest.contains(PACKAGE);
    match is_first_label && public_url(&format!("{scheme}{}{rest}", Uuid::nil().simple())).is_ok() {
        true => Ok(value.to_owned()),
        false => Err(
            "{package} must be the first part of the host, such as https://{package}.content.example.net"
                .into(),
        ),
    }
}

/// An origin as browsers send it, with which it is compared letter by letter.
fn origin(value: &str) -> Result<String, String> {
    let value = value.trim();
    let is_origin = |url: Url| is_web(&url) && url.origin().ascii_serialization() == value;
    if matches!(value, "" | "*") || is_of_app(value) || Url::parse(value).is_ok_and(is_origin) {
        return Ok(value.to_owned());
    }
    Err("give scheme and host in small letters (punycode) and nothing after them but a port that is not the scheme's own, such as \
        https://learn.example.com".into())
}

/// An origin of what is no web page: capacitor://localhost, chrome-extension://abc.
fn is_of_app(value: &str) -> bool {
    let is_scheme = |scheme: &str| {
        !scheme.starts_with("http") && scheme.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    let is_host = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b))
    };
    value
        .split_once("://")
        .is_some_and(|(scheme, host)| !scheme.is_empty() && is_scheme(scheme) && is_host(host))
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn database_url(value: &str) -> Result<String, String> {
    if value.starts_with("postgres://") || value.starts_with("postgresql://") {
        Ok(value.to_owned())
    } else {
        Err("give a PostgreSQL URL, such as postgres://user:password@host:5432/provost, or unset it to use the private server".into())
    }
}

fn academy_name(value: &str) -> Result<String, String> {
    match value.trim() {
        "" => Err("give the name that certificates show".into()),
        name if name.chars().count() > 200 => Err("give at most 200 characters".into()),
        name => Ok(name.to_owned()),
    }
}

fn time_zone(value: &str) -> Result<Tz, String> {
    value
        .parse()
        .map_err(|_| "give an IANA time zone, such as Europe/Lisbon".into())
}

/// A whole number within bounds, as the value of a setting or an argument.
pub(crate) fn whole<const MIN: u32, const MAX: u32>(value: &str) -> Result<u32, String> {
    match u32::from_str(value) {
        Ok(number) if (MIN..=MAX).contains(&number) => Ok(number),
        _ => Err(format!("give a whole number from {MIN} to {MAX}")),
    }
}

fn seconds<const MIN: u32, const MAX: u32>(value: &str) -> Result<Duration, String> {
    whole::<MIN, MAX>(value)
        .map(|n| Duration::from_secs(n.into()))
        .map_err(|e| format!("{e}, in seconds"))
}

/// What is wrong with a setting, naming variable, value and fix; `None` where `error` is about something else.
pub fn explain(error: &clap::Error) -> Option<String> {
    use clap::error::ErrorKind::{InvalidValue, ValueValidation};
    if !matches!(error.kind(), ValueValidation | InvalidValue) {
        return None;
    }
    let argument = error.get(ContextKind::InvalidArg)?.to_string();
    let flag = argument.split_whitespace().next()?.to_owned();
    let value = error
        .get(ContextKind::InvalidValue)
        .map(ToString::to_string)
        .unwrap_or_default();
    let valid = error.get(ContextKind::ValidValue).map(ToString::to_string);
    let fix = match (std::error::Error::source(error), valid) {
        (Some(fault), _) => fault.to_string(),
        (None, Some(valid)) if !valid.is_empty() => format!("give one of: {valid}"),
        _ => "give a value".into(),
    };
    let name = match variable(&flag) {
        Some(variable) => format!("{variable} (or {flag})"),
        None => flag,
    };
    Some(format!("{name} is \"{value}\": {fix}."))
}

/// The variable of the setting `flag`; none for what only a command takes.
fn variable(flag: &str) -> Option<String> {
    let command = Config::augment_args(clap::Command::new("settings"));
    let argument = command
        .get_arguments()
        .find(|argument| argument.get_long() == flag.strip_prefix("--"))?;
    Some(argument.get_env()?.to_string_lossy().into_owned())
}
