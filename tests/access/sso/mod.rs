//! Sign-in by OpenID Connect providers.

mod bearer;
mod claims;
mod documents;
mod id_tokens;
mod linking;
mod providers;
mod sign_in;
mod sign_out;

use provost::access::sso::flows;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{SignedIn, form, person, person_with, refresh, sessions};
use crate::support::{
    Answer, Client, TestApp,
    provider::{CLIENT, FRONT_END, Provider},
};

/// An academy that has people sign in at a provider.
struct Academy {
    app: TestApp,
    admin: Client,
    provider: Provider,
    /// Our id of the provider.
    id: String,
}

impl Academy {
    /// With these members of the setup.
    async fn with(setup: Value) -> Self {
        let (app, provider) = (TestApp::start().await, Provider::start());
        let admin = app.admin().await;
        let added = admin
            .post("/v1/identity-providers", provider.setup(setup))
            .await
            .assert_status(201);
        Academy {
            id: added.id(),
            app,
            admin,
            provider,
        }
    }

    async fn change(&self, changes: Value) {
        self.admin
            .patch(&format!("/v1/identity-providers/{}", self.id), changes)
            .await
            .assert_status(200);
    }

    /// What an ID token says of a subject.
    fn claims(&self, subject: &str) -> Value {
        let now = self.app.app.clock.now().timestamp();
        json!({"iss": self.provider.issuer, "sub": subject, "aud": CLIENT.0, "iat": now, "exp": now + 300})
    }

    /// Signs in as who `told` says, all the way to the tokens.
    async fn sign_in(&self, told: Value) -> SignedIn {
        let mut browser = self.begin().await;
        let back = browser.come_back(self, told).await;
        SignedIn::of(&browser.redeem(self, &back).await.assert_status(200))
    }

    /// The error that signing in as who `told` says comes to.
    async fn refusal(&self, told: Value) -> (String, String) {
        let mut browser = self.begin().await;
        let back = browser.come_back(self, told).await;
        (back.get("error"), back.get("error_description"))
    }

    /// Begins to sign in.
    async fn begin(&self) -> Browser {
        let verifier = flows::random().unwrap();
        let address = authorize(&[
            ("redirect_uri", FRONT_END),
            ("code_challenge", &flows::challenge(&verifier)),
            ("state", "of the front end"),
        ]);
        let answer = self.app.anonymous().get(&address).await.assert_status(302);
        Browser {
            verifier,
            asked: Parameters::of(answer.header("location").unwrap()),
            cookie: cookie(&answer),
        }
    }

    async fn me(&self, signed_in: &SignedIn) -> Value {
        let client = signed_in.client(&self.app);
        let id = client.get("/v1/me").await.assert_status(200).id();
        client
            .get(&format!("/v1/users/{id}"))
            .await
            .assert_status(200)
            .json()
    }
}

/// The address where signing in begins.
fn authorize(more: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("response_type", "code"), ("code_challenge_method", "S256")])
        .extend_pairs(more)
        .finish();
    format!("/oauth/authorize?{query}")
}

/// The cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

/// An address and the parameters of its query.
#[derive(Debug)]
struct Parameters {
    url: Url,
}

impl Parameters {
    fn of(address: &str) -> Self {
        Parameters {
            url: Url::parse(address).unwrap(),
        }
    }

    /// A parameter; empty if it is not there.
    fn get(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

/// A browser on its way through a provider.
struct Browser {
    verifier: String,
    /// What the provider is asked.
    asked: Parameters,
    cookie: String,
}

impl Browser {
    /// The provider lets in whom `told` is about: its userinfo, but for what begins with `id_token.`.
    async fn come_back(&mut self, academy: &Academy, told: Value) -> Parameters {
        let subject = told["sub"].as_str().unwrap();
        let mut claims = academy.claims(subject);
        claims["nonce"] = json!(self.asked.get("nonce"));
        claims["sid"] = json!(format!("session of {subject}"));
        academy.provider.tell(told);
        let id_token = academy.provider.sign(&claims);
        self.come_back_with(academy, id_token).await
    }

    async fn come_back_with(&mut self, academy: &Academy, id_token: String) -> Parameters {
        let challenge = self.asked.get("code_challenge");
        let code = academy.provider.give_code(&challenge, id_token);
        let answer = self.call_back(academy, &[("code", &code)]).await;
        let location = answer.assert_status(302);
        Parameters::of(location.header("location").unwrap())
    }

    /// The provider sends the browser back with these parameters.
    async fn call_back(&self, academy: &Academy, parameters: &[(&str, &str)]) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("state", &self.asked.get("state"))
            .finish();
        academy
            .app
            .anonymous()
            .with("Cookie", &self.cookie)
            .get(&format!("/oauth/callback?{query}"))
            .await
    }

    /// The front end redeems the code that came back.
    async fn redeem(&self, academy: &Academy, back: &Parameters) -> Answer {
        redeem(&academy.app, &back.get("code"), &self.verifier, FRONT_END).await
    }
}

async fn redeem(app: &TestApp, code: &str, verifier: &str, redirect_uri: &str) -> Answer {
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", verifier),
        ("redirect_uri", redirect_uri),
    ];
    form(&app.anonymous(), "/oauth/token", &parameters).await
}

/// What a provider tells of Ana.
fn ana() -> Value {
    json!({"sub": "a-1", "preferred_username": "ana", "given_name": "Ana", "family_name": "Silva",
        "email": "ana@example.com", "email_verified": true})
}

/// A static group of that code.
async fn group(admin: &Client, code: &str) -> String {
    admin
        .post(
            "/v1/groups",
            json!({"code": code, "name": code, "kind": "static"}),
        )
        .await
        .assert_status(201)
        .id()
}

async fn members(admin: &Client, group: &str) -> Vec<Uuid> {
    let answer = admin.get(&format!("/v1/groups/{group}/members")).await;
    let data = answer.assert_status(200).at("/data");
    let members = data.as_array().unwrap().iter();
    members
        .map(|member| member["user_id"].as_str().unwrap().parse().unwrap())
        .collect()
}
