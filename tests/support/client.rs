//! An HTTP client that reads like prose.

use std::{collections::BTreeSet, time::Duration};

use awc::http::Method;
use serde_json::{Value, json};

#[derive(Clone)]
pub struct Client {
    address: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    pub request: String,
}

thread_local! {
    /// A test's way out: made once, since it reads the machine's certificates. Each request has a connection of its own.
    static CONNECTOR: awc::Client = awc::Client::builder()
        .connector(awc::Connector::new().conn_keep_alive(Duration::ZERO))
        .timeout(Duration::from_secs(60))
        .disable_redirects()
        .finish();
}

impl Client {
    pub fn new(address: &str, token: Option<String>) -> Self {
        Client {
            address: address.to_owned(),
            token,
            headers: Vec::new(),
        }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The same client, sending another header with each request.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// Whether it sends that header with each request.
    pub fn sends(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(sent, _)| sent.eq_ignore_ascii_case(name))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(
            Method::POST,
            path,
            Some(body.to_string().into_bytes()),
            "application/json",
        )
        .await
    }

    /// Sends rows to the bulk endpoint of `path`, such as `/v1/users`, each under its number.
    pub async fn bulk(&self, path: &str, rows: impl IntoIterator<Item = Value>) -> Answer {
        let rows = rows.into_iter().enumerate().map(|(number, mut row)| {
            row["row_key"] = json!(number.to_string());
            row
        });
        let body = json!({ "rows": rows.collect::<Vec<_>>() });
        self.post(&format!("{path}/bulk"), body).await
    }

    #[allow(dead_code, reason = "a client knows every method, used by a test or not")]
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.with_etag(path)
            .await
            .send(
                Method::PUT,
                path,
                Some(body.to_string().into_bytes()),
                "application/json",
            )
            .await
    }

    /// Reads the resource for its ETag, then patches it.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.with_etag(path)
            .await
            .send(
                Method::PATCH,
                path,
                Some(body.to_string().into_bytes()),
                "application/json",
            )
            .await
    }

    /// Reads the resource for its ETag, then deletes it.
    pub async fn delete(&self, path: &str) -> Answer {
        self.with_etag(path)
            .await
            .send(Method::DELETE, path, None, "")
            .await
    }

    async fn with_etag(&self, path: &str) -> Client {
        if self.sends("if-match") {
            return self.clone();
        }
        let answer = self.get(path).await;
        self.with("If-Match", answer.header("etag").unwrap_or("*"))
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        content_type: &str,
    ) -> Answer {
        let answer = self.try_send(method, path, body, content_type).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a server that may be killed before it answers.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        content_type: &str,
    ) -> Result<Answer, String> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.address)
        };
        let client = CONNECTOR.with(awc::Client::clone);
        let mut request = client.request(method.clone(), url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.insert_header((name.as_str(), value.as_str()));
        }
        if !content_type.is_empty() {
            request = request.content_type(content_type);
        }
        let sent = match body {
            Some(body) => request.send_body(body),
            None => request.send(),
        };
        let mut response = sent.await.map_err(|error| format!("{method} {path}: {error}"))?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let bytes = response.body().limit(256 * 1024 * 1024).await;
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            bytes: bytes
                .map_err(|error| format!("{method} {path}: {error}"))?
                .to_vec(),
            request: format!("{method} {path}"),
        })
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{}: no JSON: {}", self.request, self.text()))
    }

    /// The member at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// The `id` member, for use in paths.
    pub fn id(&self) -> String {
        self.at("/id")
            .as_str()
            .unwrap_or_else(|| panic!("{}: no id: {}", self.request, self.text()))
            .to_owned()
    }

    /// The status and the code of the problem of each row of a bulk request.
    #[track_caller]
    pub fn row_codes(&self) -> Vec<(u64, String)> {
        let code = |row: &Value| {
            let code = row["problem"]["code"].as_str().unwrap_or_default();
            (row["status"].as_u64().unwrap(), code.to_owned())
        };
        self.results().iter().map(code).collect()
    }

    /// The status, the code and the pointers of each row of a bulk request.
    #[track_caller]
    pub fn row_outcomes(&self) -> Vec<String> {
        let results = self.results();
        let outcomes = results.iter().map(|row| outcome(&row["status"], &row["problem"]));
        outcomes.collect()
    }

    /// What [`Answer::row_outcomes`] has for a row that was sent by itself.
    pub fn outcome(&self) -> String {
        let problem = match self.status {
            ..400 => Value::Null,
            _ => self.json(),
        };
        outcome(&json!(self.status), &problem)
    }

    #[track_caller]
    fn results(&self) -> Vec<Value> {
        let results = self.at("/results").as_array().cloned();
        results.unwrap_or_else(|| panic!("{}: no results: {}", self.request, self.text()))
    }

    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self
    }

    #[track_caller]
    pub fn assert_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.at("/code")),
            (status, json!(code)),
            "{}: {}",
            self.request,
            self.text()
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.request
        );
        assert!(
            !self.at("/detail").as_str().unwrap_or_default().is_empty(),
            "{}",
            self.request
        );
        self
    }

    /// The problem names a fault at `pointer`.
    #[track_caller]
    pub fn assert_fault(self, pointer: &str) -> Self {
        let faults = self.at("/errors").as_array().cloned().unwrap_or_default();
        assert!(
            faults.iter().any(|fault| fault["pointer"] == pointer),
            "{}: no fault at {pointer}: {}",
            self.request,
            self.text()
        );
        self
    }
}

fn outcome(status: &Value, problem: &Value) -> String {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let pointers = errors.iter().filter_map(|error| error["pointer"].as_str());
    let pointers: BTreeSet<&str> = pointers
        .map(|pointer| pointer.trim_start_matches("/create"))
        .collect();
    let code = problem["code"].as_str().unwrap_or_default();
    let outcome = format!("{status} {code} {}", Vec::from_iter(pointers).join(" "));
    outcome.trim_end().to_owned()
}
