// Provost as an administrator and a front end use it.
import assert from "node:assert/strict";

const url = process.env.PROVOST_URL;
let counted = Date.now();
/** A word that nothing else has. */
export const unique = () => `w${(counted += 1).toString(36)}`;

async function token(username, password) {
  const body = new URLSearchParams({ grant_type: "password", username, password });
  const answer = await fetch(`${url}/oauth/token`, { method: "POST", body });
  return (await answer.json()).access_token;
}

const admin = await token("admin", process.env.PROVOST_ADMIN_PASSWORD);

/** A JSON request of the administrator, or with another token; answers what it was answered. */
export async function request(method, path, body, as = admin) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${as}`, "content-type": "application/json", "if-match": "*" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const json = await answer.json().catch(() => null);
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${JSON.stringify(json)}`);
  return json;
}

/** The version of a new content that a package makes. */
export async function addPackage(bytes) {
  const answer = await fetch(`${url}/v1/uploads?file_name=package.zip`, {
    method: "PUT",
    headers: { authorization: `Bearer ${admin}`, "content-type": "application/zip" },
    body: bytes,
  });
  const upload = await answer.json();
  assert.ok(answer.ok, JSON.stringify(upload));
  const content = await request("POST", "/v1/contents", { code: unique(), kind: "package", title: "Package", language: "en" });
  const operation = await request("POST", `/v1/contents/${content.id}/versions`, { upload_id: upload.id });
  for (;;) {
    const now = await request("GET", `/v1/operations/${operation.id}`);
    if (now.status === "succeeded") break;
    assert.ok(["queued", "running", "pending"].includes(now.status), JSON.stringify(now));
    await new Promise((done) => setTimeout(done, 100));
  }
  return (await request("GET", `/v1/contents/${content.id}`)).current_version_id;
}

/** A published course of one content. */
export async function addCourse(version) {
  const activities = [{ title: "Fire doors", kind: "content", content_version_id: version }];
  const course = await request("POST", "/v1/courses", { code: unique(), title: "Fire", language: "en", modules: [{ title: "All", activities }] });
  await request("POST", `/v1/courses/${course.id}/publications`, {});
  return course.id;
}

/** A learner who takes a course. */
export class Learner {
  static async enrolled(course) {
    const learner = new Learner();
    const username = unique();
    learner.user = await request("POST", "/v1/users", { username, given_name: "Ana", family_name: "Silva" });
    await request("PUT", `/v1/users/${learner.user.id}/password`, { password: "a long password" });
    learner.token = await token(username, "a long password");
    await learner.enroll(course);
    return learner;
  }

  async enroll(course) {
    const enrollment = await request("POST", "/v1/enrollments", { user_id: this.user.id, course_id: course }, this.token);
    this.path = `/v1/enrollments/${enrollment.id}`;
    const { modules } = await request("GET", `${this.path}/activities`, undefined, this.token);
    this.activity = `${this.path}/activities/${modules[0].activities[0].id}`;
  }

  launch(body = {}) {
    return request("POST", `${this.activity}/launches`, body, this.token);
  }

  state() {
    return request("GET", this.activity, undefined, this.token);
  }

  enrollment() {
    return request("GET", this.path, undefined, this.token);
  }
}
