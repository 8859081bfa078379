//! An OpenID provider on a loopback port, which says and signs what a test tells it to.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Data},
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Who Provost is to the provider, and how it proves that.
pub const CLIENT: (&str, &str) = ("provost", "a secret: with + signs");

/// A key that signs.
struct Key {
    id: String,
    encoding: EncodingKey,
    public: Value,
}

/// What the provider knows.
#[derive(Default)]
struct State {
    issuer: String,
    keys: Vec<Key>,
    /// Keys made so far.
    made: usize,
    is_down: bool,
    metadata: Value,
    /// The code that counts, the challenge that it is bound to, and the ID token that it gives.
    code: Option<(String, String, String)>,
    userinfo: Value,
    /// How often keys were asked for.
    key_requests: usize,
}

pub struct Provider {
    pub issuer: String,
    state: Arc<Mutex<State>>,
    server: ServerHandle,
}

impl Provider {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            issuer: issuer.clone(),
            ..State::default()
        }));
        let data = Data::from(state.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/.well-known/openid-configuration", web::get().to(metadata))
                .route("/keys", web::get().to(keys))
                .route("/token", web::post().to(token))
                .route("/userinfo", web::get().to(userinfo))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let provider = Provider {
            issuer,
            state,
            server: handle,
        };
        provider.rotate_keys();
        provider
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A body that sets Provost up to sign people in here, with these members beside.
    pub fn setup(&self, more: Value) -> Value {
        let mut body = json!({"code": "corp", "name": "Company account", "issuer": self.issuer, "client_id": CLIENT.0,
            "client_secret": CLIENT.1, "redirect_uris": [FRONT_END], "creates_people": true});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    /// Signs with another key from now on; the one before is forgotten.
    pub fn rotate_keys(&self) {
        let mut state = self.state();
        state.made += 1;
        let key = Key::new(format!("key-{}", state.made));
        state.keys = vec![key];
    }

    /// Answers nothing of use, or again.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Says something else of itself.
    pub fn say(&self, metadata: Value) {
        self.state().metadata = metadata;
    }

    /// What its userinfo endpoint says.
    pub fn tell(&self, userinfo: Value) {
        self.state().userinfo = userinfo;
    }

    /// How often its keys were asked for.
    pub fn key_requests(&self) -> usize {
        self.state().key_requests
    }

    /// A token that says `claims`, signed as it should be.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| ())
    }

    /// A token that says `claims`, whose header is another.
    pub fn sign_with(&self, claims: &Value, adjust: impl FnOnce(&mut Header)) -> String {
        let state = self.state();
        let key = state.keys.last().unwrap();
        let mut header = Header {
            kid: Some(key.id.clone()),
            ..Header::new(Algorithm::ES256)
        };
        adjust(&mut header);
        jsonwebtoken::encode(&header, claims, &key.encoding).unwrap()
    }

    /// A code for an ID token.
    pub fn give_code(&self, challenge: &str, id_token: String) -> String {
        let code = uuid::Uuid::now_v7().to_string();
        self.state().code = Some((code.clone(), challenge.to_owned(), id_token));
        code
    }
}

/// The front end that people are sent back to.
pub const FRONT_END: &str = "https://learn.example.com/signed-in?from=sso";

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Key {
    fn new(id: String) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let document = pair.to_pkcs8v1().unwrap();
        let point = pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        Key {
            public: json!({"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65), "kid": id,
                "alg": "ES256", "use": "sig"}),
            encoding: EncodingKey::from_ec_der(document.as_ref()),
            id,
        }
    }
}

type Shared = Data<Mutex<State>>;

async fn metadata(state: Shared) -> HttpResponse {
    let state = state.lock().unwrap();
    if state.is_down {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let at = |path: &str| format!("{}{path}", state.issuer);
    let mut metadata = json!({"issuer": state.issuer, "authorization_endpoint": at("/authorize?tenant=1"),
        "token_endpoint": at("/token"), "jwks_uri": at("/keys"), "userinfo_endpoint": at("/userinfo"),
        "end_session_endpoint": at("/end")});
    for (name, value) in state.metadata.as_object().into_iter().flatten() {
        metadata[name] = value.clone();
    }
    HttpResponse::Ok().json(metadata)
}

async fn keys(state: Shared) -> HttpResponse {
    let mut state = state.lock().unwrap();
    state.key_requests += 1;
    if state.is_down {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let mut keys: Vec<Value> = state.keys.iter().map(|key| key.public.clone()).collect();
    // Kinds that nobody knows yet do not spoil the others.
    keys.push(json!({"kty": "XYZ", "kid": "of-tomorrow"}));
    HttpResponse::Ok().json(json!({"keys": keys}))
}

async fn token(state: Shared, request: HttpRequest, form: web::Form<Vec<(String, String)>>) -> HttpResponse {
    let mut state = state.lock().unwrap();
    if state.is_down {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let given = |name: &str| {
        form.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = base64::engine::general_purpose::STANDARD.encode(format!(
        "{}:{}",
        encode(CLIENT.0),
        encode(CLIENT.1)
    ));
    let basic = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let proves = basic == format!("Basic {expected}")
        || given("client_id") == CLIENT.0 && given("client_secret") == CLIENT.1;
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
    let Some((code, challenge, id_token)) = state.code.take() else {
        return HttpResponse::BadRequest().json(json!({"error": "invalid_grant"}));
    };
    let fits = given("grant_type") == "authorization_code"
        && given("code") == code
        && verifier == challenge
        && given("redirect_uri").ends_with("/oauth/callback");
    if !proves || !fits {
        return HttpResponse::BadRequest().json(json!({"error": "invalid_grant"}));
    }
    HttpResponse::Ok().json(json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}))
}

async fn userinfo(state: Shared) -> HttpResponse {
    let state = state.lock().unwrap();
    if state.is_down {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().json(&state.userinfo)
}
