mod certificates;
mod fonts;
mod pdf;
mod serials;
mod templates;
mod verification;

use chrono::NaiveDate;
use provost::{
    credential::certificates::issue::IssueCertificate,
    enrollment::{
        completions::model::{Completion, CompletionSource},
        events::COMPLETION_CREATED,
    },
    ledger::Event,
    sql,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

/// A person who completed a course.
pub struct Learner {
    pub id: Uuid,
    pub completion: Uuid,
    pub course: Uuid,
}

/// A person called `name` who completed a course called `course`, as the completion's own code would record it.
pub async fn completion(app: &TestApp, name: &str, course: &str, valid_until: Option<NaiveDate>) -> Learner {
    let username = Uuid::now_v7().to_string();
    let user = app
        .admin()
        .await
        .post(
            "/v1/users",
            json!({"username": username, "given_name": name, "family_name": "Silva"}),
        )
        .await
        .assert_status(201);
    let (course_id, version, completion) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let id = user.id().parse().unwrap();
    app.write(|tx| {
        let now = tx.now;
        sql!(
            "INSERT INTO courses (id, code, code_folded, status, title, language, created_at,
                updated_at)
             VALUES ({course_id}, {course_name}, {course_name}, 'published', {course}, 'en', {now},
                {now})",
            course_name = course_id.to_string(),
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO course_versions (id, course_id, number, title, summary, description, language,
                modules, frozen_at, published_at)
             VALUES ({version}, {course_id}, 1, {course}, '', '', 'en', '[]', {now}, {now})"
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO completions (id, user_id, course_id, course_version_id, occurred_at,
                occurred_on, recorded_at, source, expires_on)
             VALUES ({completion}, {id}, {course_id}, {version}, {now}, {now}::date, {now},
                'administrator', {valid_until})"
        )
        .execute(tx.conn)?;
        let recorded = Completion {
            id: completion,
            user_id: id,
            course_id,
            course_version_id: version,
            enrollment_id: None,
            occurred_at: now,
            occurred_on: now.date_naive(),
            recorded_at: now,
            source: CompletionSource::Administrator,
            score: None,
            evidence: None,
            expires_on: valid_until,
            supersedes_id: None,
            is_void: false,
            superseded_by_id: None,
        };
        tx.record(
            Event::new(&COMPLETION_CREATED, completion)
                .about(id)
                .after(&recorded),
        );
        Ok(())
    });
    Learner {
        id,
        completion,
        course: course_id,
    }
}

impl Learner {
    /// Queues the job once more, and runs what is queued.
    pub fn run_job(&self, app: &TestApp) {
        let job = IssueCertificate {
            user_id: self.id,
            completion_id: self.completion,
        };
        app.write(|tx| tx.enqueue(&job));
        app.run_jobs();
    }

    /// The path of the certificate in force.
    pub async fn certificate(&self, app: &TestApp) -> String {
        let filter = format!(
            "user_id%20eq%20%22{}%22%20and%20superseded_by%20eq%20null",
            self.id
        );
        let page = app
            .admin()
            .await
            .get(&format!("/v1/certificates?filter={filter}"))
            .await
            .assert_status(200);
        format!("/v1/certificates/{}", page.at("/data/0/id").as_str().unwrap())
    }
}

/// What `pdftotext` reads in a PDF; needs poppler-utils on the machine.
pub fn pdf_text(pdf: &[u8]) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("pdftotext")
        .args(["-layout", "-", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("pdftotext is there: install poppler-utils");
    child.stdin.take().unwrap().write_all(pdf).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
