//! Access tokens that do not count, each refused with 401: forged ones, and ones that our own key signed but that say
//! what we would never say.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{person_with_password, sign_in};
use crate::support::{Client, TestApp};

/// A good token and the means to make bad ones of it.
struct Forge {
    token: String,
    header: Value,
    claims: Value,
    own_key: EncodingKey,
    other_key: EncodingKey,
    other_public_key: Vec<u8>,
    public_key: Vec<u8>,
}

type Corpus = Vec<(&'static str, String)>;

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut changed = value.clone();
    changed[name] = member;
    changed
}

fn without(value: &Value, name: &str) -> Value {
    let mut changed = value.clone();
    changed.as_object_mut().unwrap().remove(name).unwrap();
    changed
}

impl Forge {
    async fn new(app: &TestApp) -> Self {
        person_with_password(app, "ana").await;
        let token = sign_in(app, "ana").await.access_token;
        let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let (header, claims) = (read(parts[0]), read(parts[1]));
        let keys = app.anonymous().get("/.well-known/jwks.json").await;
        let public_key = keys.at("/keys/0/x");
        let other = Ed25519KeyPair::generate().unwrap();
        Forge {
            header,
            claims,
            own_key: app
                .app
                .part::<provost::access::keys::KeyRing>()
                .signing(app.app.clock.now())
                .unwrap()
                .encoding
                .clone(),
            other_key: EncodingKey::from_ed_der(other.to_pkcs8v1().unwrap().as_ref()),
            other_public_key: other.public_key().as_ref().to_vec(),
            public_key: URL_SAFE_NO_PAD.decode(public_key.as_str().unwrap()).unwrap(),
            token,
        }
    }

    /// A token of these very texts, signed by our own key.
    fn signed_text(&self, header: &str, claims: &str) -> String {
        self.signed_by(&self.own_key, Algorithm::EdDSA, header, claims)
    }

    fn signed_by(&self, key: &EncodingKey, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// Our own key signs a header that says otherwise.
    fn header(&self, name: &str, member: Value) -> String {
        let header = with(&self.header, name, member);
        self.signed_text(&header.to_string(), &self.claims.to_string())
    }

    /// Our own key signs claims that say otherwise.
    fn claims(&self, name: &str, member: Value) -> String {
        let claims = with(&self.claims, name, member);
        self.signed_text(&self.header.to_string(), &claims.to_string())
    }

    fn without_claim(&self, name: &str) -> String {
        let claims = without(&self.claims, name);
        self.signed_text(&self.header.to_string(), &claims.to_string())
    }

    fn parts(&self) -> [&str; 3] {
        let parts: Vec<&str> = self.token.split('.').collect();
        parts.try_into().unwrap()
    }

    /// What is no token at all, or one that was cut, fixed or put together.
    fn mangled(&self) -> Corpus {
        let [header, claims, signature] = self.parts();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(bytes))
        };
        let longer = with(&self.claims, "exp", json!(9_999_999_999_i64));
        let another = with(&self.claims, "sub", json!(Uuid::now_v7()));
        vec![
            ("nothing", String::new()),
            ("a word", "token".into()),
            ("dots", "..".into()),
            ("one part", header.into()),
            ("two parts", format!("{header}.{claims}")),
            ("no header", format!(".{claims}.{signature}")),
            ("no claims", format!("{header}..{signature}")),
            ("no signature", format!("{header}.{claims}.")),
            ("four parts", format!("{}.{signature}", self.token)),
            ("a trailing dot", format!("{}.", self.token)),
            ("cut in the signature", self.token[..self.token.len() - 10].into()),
            ("cut by one letter", self.token[..self.token.len() - 1].into()),
            ("the first bit flipped", flipped(0)),
            ("the last bit flipped", flipped(bytes.len() - 1)),
            (
                "a signature of nothing but zeros",
                format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
            ),
            (
                "a signature that is too long",
                format!(
                    "{header}.{claims}.{}",
                    URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat())
                ),
            ),
            (
                "padded base64",
                format!("{header}.{claims}.{}", URL_SAFE.encode(&bytes)),
            ),
            (
                "base64 of the other alphabet",
                format!("{header}.{claims}.{}", STANDARD.encode([0xfb; 64])),
            ),
            ("no base64", format!("{header}.{claims}.***")),
            ("claims that are no base64", format!("{header}.!!.{signature}")),
            ("in capitals", self.token.to_uppercase()),
            ("in small letters", self.token.to_lowercase()),
            ("a space in it", format!("{header}. {claims}.{signature}")),
            ("two tokens", format!("{0}, {0}", self.token)),
            (
                "the parts in another order",
                format!("{claims}.{header}.{signature}"),
            ),
            (
                "another subject",
                format!("{header}.{}.{signature}", encoded(&another)),
            ),
            (
                "a longer life",
                format!("{header}.{}.{signature}", encoded(&longer)),
            ),
            (
                "an encrypted token",
                format!(
                    "{}.{}.{}.{}.{}",
                    encoded(&json!({"alg": "dir", "enc": "A256GCM"})),
                    "",
                    "AAAA",
                    "AAAA",
                    "AAAA"
                ),
            ),
            (
                "a huge one",
                format!("{header}.{}.{signature}", "a".repeat(60_000)),
            ),
        ]
    }

    /// Other algorithms and keys, and headers that ask for them.
    fn headers(&self) -> Corpus {
        let [_, claims, signature] = self.parts();
        let alg = |alg: &str| with(&self.header, "alg", json!(alg));
        let texts = (self.header.to_string(), self.claims.to_string());
        let by_other =
            |header: Value| self.signed_by(&self.other_key, Algorithm::EdDSA, &header.to_string(), &texts.1);
        let jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&self.other_public_key)});
        let as_secret = EncodingKey::from_secret(&self.public_key);
        let by_secret =
            |name: &str, algorithm| self.signed_by(&as_secret, algorithm, &alg(name).to_string(), &texts.1);
        let kid = self.header["kid"].as_str().unwrap();
        let twice = format!("{{\"alg\":\"none\",\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"{kid}\"}}");
        let bare_header = without(&without(&self.header, "typ"), "kid").to_string();
        vec![
            ("alg none", format!("{}.{claims}.", encoded(&alg("none")))),
            ("alg None", format!("{}.{claims}.", encoded(&alg("None")))),
            (
                "alg none, signed",
                format!("{}.{claims}.{signature}", encoded(&alg("none"))),
            ),
            (
                "no alg",
                self.signed_text(&without(&self.header, "alg").to_string(), &texts.1),
            ),
            ("alg in small letters", self.header("alg", json!("eddsa"))),
            ("alg of another family", self.header("alg", json!("ES256"))),
            ("alg RS256", self.header("alg", json!("RS256"))),
            ("the public key as a secret", by_secret("HS256", Algorithm::HS256)),
            (
                "the public key as a longer secret",
                by_secret("HS512", Algorithm::HS512),
            ),
            ("another key under our name", by_other(self.header.clone())),
            (
                "a key that the token brings",
                by_other(with(&self.header, "jwk", jwk.clone())),
            ),
            (
                "a key that only the token knows",
                by_other(with(&without(&self.header, "kid"), "jwk", jwk)),
            ),
            (
                "a key from elsewhere",
                by_other(with(&self.header, "jku", json!("https://example.com/keys"))),
            ),
            ("an unknown key", self.header("kid", json!("other"))),
            (
                "a key that is a path",
                self.header("kid", json!("../../dev/null")),
            ),
            ("a key that is SQL", self.header("kid", json!("' OR 1=1 --"))),
            ("a key that is a number", self.header("kid", json!(1))),
            (
                "no key",
                self.signed_text(&without(&self.header, "kid").to_string(), &texts.1),
            ),
            ("another type", self.header("typ", json!("JWT"))),
            (
                "the type of an id token",
                self.header("typ", json!("id_token+jwt")),
            ),
            (
                "no type",
                self.signed_text(&without(&self.header, "typ").to_string(), &texts.1),
            ),
            ("neither type nor key", self.signed_text(&bare_header, &texts.1)),
            ("what must be understood", self.header("crit", json!(["b64"]))),
            ("a header that says it twice", self.signed_text(&twice, &texts.1)),
            ("a header that is a list", self.signed_text("[]", &texts.1)),
            ("a header that is no JSON", self.signed_text("{", &texts.1)),
            ("a token in a token", {
                let header = with(&self.header, "cty", json!("JWT"));
                self.signed_text(&header.to_string(), &self.token)
            }),
        ]
    }

    /// Claims that our own key signed and that do not count all the same.
    fn contents(&self) -> Corpus {
        let header = self.header.to_string();
        let twice = self
            .claims
            .to_string()
            .replacen('{', &format!("{{\"sub\":\"{}\",", Uuid::nil()), 1);
        let address = self.claims["iss"].as_str().unwrap();
        let audience = [address, "https://other.example.com"];
        let mut corpus = vec![
            (
                "another issuer",
                self.claims("iss", json!("https://other.example.com")),
            ),
            (
                "an issuer with a slash",
                self.claims("iss", json!(format!("{address}/"))),
            ),
            (
                "another audience",
                self.claims("aud", json!("https://other.example.com")),
            ),
            ("several audiences", self.claims("aud", json!(audience))),
            ("no audience at all", self.claims("aud", json!([]))),
            ("an audience that is null", self.claims("aud", Value::Null)),
            ("an end in the past", self.claims("exp", json!(1))),
            ("an end before all time", self.claims("exp", json!(-1))),
            ("an end that is text", self.claims("exp", json!("9999999999"))),
            ("an end that never comes", self.claims("exp", json!(1e300))),
            (
                "a beginning in the future",
                self.claims("iat", json!(9_999_999_999_i64)),
            ),
            ("a subject that is a number", self.claims("sub", json!(1))),
            ("a subject that is no id", self.claims("sub", json!("admin"))),
            ("a subject that nobody is", self.claims("sub", json!(Uuid::nil()))),
            ("a kind that is none", self.claims("kind", json!("god"))),
            ("the system", self.claims("kind", json!("system"))),
            ("the wrong kind", self.claims("kind", json!("service_account"))),
            ("a session that is a number", self.claims("sid", json!(1))),
            ("claims that say it twice", self.signed_text(&header, &twice)),
            ("claims that are a list", self.signed_text(&header, "[]")),
            ("claims that are null", self.signed_text(&header, "null")),
            ("claims that are no JSON", self.signed_text(&header, "sub=admin")),
            (
                "claims without end",
                self.signed_text(&header, &"[".repeat(10_000)),
            ),
        ];
        let required = [
            ("no issuer", "iss"),
            ("no audience", "aud"),
            ("no subject", "sub"),
            ("no end", "exp"),
            ("no beginning", "iat"),
            ("no kind", "kind"),
            ("no id", "jti"),
        ];
        corpus.extend(required.map(|(what, claim)| (what, self.without_claim(claim))));
        corpus
    }
}

#[actix_web::test]
async fn bad_tokens_are_refused() {
    let app = TestApp::start().await;
    let forge = Forge::new(&app).await;
    let corpus = [forge.mangled(), forge.headers(), forge.contents()].concat();
    assert!(corpus.len() >= 40);

    // First those that no cache of callers helps.
    for is_caller_known in [false, true] {
        for (what, token) in &corpus {
            let answer = Client::new(&app.address, Some(token.clone())).get("/v1/me").await;
            assert_eq!(
                answer.status,
                401,
                "{what} ({is_caller_known}): {}",
                answer.text()
            );
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
            answer.assert_problem(401, "unauthenticated");
        }
        let good = Client::new(&app.address, Some(forge.token.clone()));
        good.get("/v1/me").await.assert_status(200);
    }
    // What the corpus is made with makes good tokens too.
    let same = forge.signed_text(&forge.header.to_string(), &forge.claims.to_string());
    Client::new(&app.address, Some(same))
        .get("/v1/me")
        .await
        .assert_status(200);
}
