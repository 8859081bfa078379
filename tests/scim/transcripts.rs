//! What Entra and Okta send, as their documentation has it, replayed: once, twice, and in another order where the order
//! should not count. Whatever way, the end is the same.
//!
//! A transcript is a list of `steps`: a request, the `status` that answers it (`again`, the second time), what the answer
//! holds (`expect`, by JSON pointer; null for nothing) and what later steps call parts of it (`save`). `any_order` lists
//! steps, counted from 0, whose order does not count; `finally` says how it all ends.

use std::{collections::BTreeMap, fs};

use awc::http::Method;
use serde_json::Value;

use super::{Scim, provider};
use crate::support::TestApp;

struct Replay<'a> {
    scim: &'a Scim,
    name: String,
    saved: BTreeMap<String, String>,
}

impl Replay<'_> {
    fn filled(&self, text: &str) -> String {
        self.saved.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    fn filled_body(&self, body: &Value) -> Value {
        match body {
            Value::String(text) => self.filled(text).into(),
            Value::Array(items) => items.iter().map(|item| self.filled_body(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.filled_body(value)))
                .collect(),
            other => other.clone(),
        }
    }

    async fn step(&mut self, step: &Value, is_again: bool) {
        let method = Method::from_bytes(step["method"].as_str().unwrap().as_bytes()).unwrap();
        let path = self
            .filled(step["path"].as_str().unwrap())
            .replace(' ', "%20")
            .replace('"', "%22");
        let body = step.get("body").map(|body| self.filled_body(body));
        let answer = self.scim.send(method, &path, body).await;
        let wanted = step.get("again").filter(|_| is_again).unwrap_or(&step["status"]);
        let at = format!("{}: {}: {}", self.name, answer.request, answer.text());
        assert_eq!(Some(u64::from(answer.status)), wanted.as_u64(), "{at}");
        if wanted != &step["status"] {
            return;
        }
        for (pointer, value) in step["expect"].as_object().into_iter().flatten() {
            assert_eq!(answer.at(pointer), self.filled_body(value), "{pointer} of {at}");
        }
        if answer.status < 300 {
            for (name, pointer) in step["save"].as_object().into_iter().flatten() {
                let value = answer.at(pointer.as_str().unwrap());
                self.saved
                    .insert(name.clone(), value.as_str().unwrap().to_owned());
            }
        }
    }
}

/// Plays the steps in each of `orders`, the later ones as repetitions, and looks how it ends.
async fn play(provider_name: &str, file: &str, transcript: &Value, orders: &[Vec<usize>], check: bool) {
    let app = TestApp::start().await;
    let provider = provider(&app, provider_name).await;
    let mut replay = Replay {
        scim: &provider.scim,
        name: file.to_owned(),
        saved: BTreeMap::new(),
    };
    for (round, order) in orders.iter().enumerate() {
        for step in order {
            let mut step = transcript["steps"][*step].clone();
            if !check {
                // In another order what comes between differs; the end does not.
                step.as_object_mut().unwrap().remove("expect");
            }
            replay.step(&step, round > 0).await;
        }
    }
    for step in transcript["finally"].as_array().unwrap() {
        replay.step(step, false).await;
    }
}

async fn replay(provider_name: &str) {
    let folder = format!("tests/scim/transcripts/{provider_name}");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    for file in files {
        let name = file.display().to_string();
        let transcript: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let steps: Vec<usize> = (0..transcript["steps"].as_array().unwrap().len()).collect();
        play(
            provider_name,
            &name,
            &transcript,
            std::slice::from_ref(&steps),
            true,
        )
        .await;
        play(
            provider_name,
            &name,
            &transcript,
            &[steps.clone(), steps.clone()],
            true,
        )
        .await;
        let free: Vec<usize> = serde_json::from_value(transcript["any_order"].clone()).unwrap_or_default();
        if free.len() > 1 {
            let mut turned = steps.clone();
            for (place, step) in free.iter().zip(free.iter().rev()) {
                turned[*place] = *step;
            }
            play(
                provider_name,
                &format!("{name}, turned round"),
                &transcript,
                &[turned.clone()],
                false,
            )
            .await;
            let mixed = [steps.clone(), turned];
            play(
                provider_name,
                &format!("{name}, then turned round"),
                &transcript,
                &mixed,
                false,
            )
            .await;
        }
    }
}

#[actix_web::test]
async fn what_entra_sends_converges() {
    replay("entra").await;
}

#[actix_web::test]
async fn what_okta_sends_converges() {
    replay("okta").await;
}
