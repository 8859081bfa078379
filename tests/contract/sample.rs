//! A line of the story that the samples tell.

use serde_json::Value;

use super::story::Story;

/// A line of the story.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The operation's id.
    pub operation: &'static str,
    /// What follows the path.
    pub query: &'static str,
    pub body: Option<Payload>,
    /// What it needs beside the body.
    pub headers: &'static [(&'static str, &'static str)],
    /// What later lines call the new thing's id, and where in the answer it stands.
    pub saves: Option<(&'static str, &'static str)>,
    /// Whether the jobs that it queues run before the next line.
    pub runs_jobs: bool,
}

#[derive(Debug, Clone)]
pub enum Payload {
    Json(Value),
    Raw(&'static str, &'static str),
}

impl Sample {
    pub fn new(operation: &'static str, body: Option<Payload>) -> Self {
        Sample {
            operation,
            query: "",
            body,
            headers: &[],
            saves: None,
            runs_jobs: false,
        }
    }

    /// With headers of the operation's own.
    pub fn with_headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    /// The jobs that this line queues make what later lines need.
    pub fn then_jobs(mut self) -> Self {
        self.runs_jobs = true;
        self
    }

    /// Later lines call the new thing's id `name`.
    pub fn saves(self, name: &'static str) -> Self {
        self.saves_at(name, "/id")
    }

    /// As [`Sample::saves`], where the id stands elsewhere in the answer.
    pub fn saves_at(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.saves = Some((name, pointer));
        self
    }

    /// The JSON body, with ids filled in.
    pub fn json(&self, story: &mut Story) -> Option<Value> {
        match &self.body {
            Some(Payload::Json(body)) => Some(story.filled(body)),
            _ => None,
        }
    }
}

/// With a JSON body.
pub fn json_body(operation: &'static str, body: Value) -> Sample {
    Sample::new(operation, Some(Payload::Json(body)))
}

/// Without a body.
pub fn bare(operation: &'static str) -> Sample {
    Sample::new(operation, None)
}

/// Without a body, with parameters.
pub fn with_query(operation: &'static str, query: &'static str) -> Sample {
    Sample {
        query,
        ..bare(operation)
    }
}

/// With a body of another kind.
pub fn raw(
    operation: &'static str,
    query: &'static str,
    content_type: &'static str,
    body: &'static str,
) -> Sample {
    let sample = Sample::new(operation, Some(Payload::Raw(content_type, body)));
    Sample { query, ..sample }
}
