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

/** A file, uploaded; answers its upload. */
export async function upload(name, bytes) {
  const answer = await fetch(`${url}/v1/uploads?file_name=${name}`, { method: "PUT", headers: { authorization: `Bearer ${admin}` }, body: bytes });
  const json = await answer.json();
  assert.ok(answer.ok, JSON.stringify(json));
  return json.id;
}

/** A new content of a kind, with a version made from this; answers the version. */
export async function addContent(kind, version) {
  const content = await request("POST", "/v1/contents", { code: unique(), kind, title: "Fire doors", language: "en" });
  const made = await request("POST", `/v1/contents/${content.id}/versions`, version);
  // A package is read by an operation.
  for (let now = made; kind === "package" && now.status !== "succeeded"; ) {
    await new Promise((done) => setTimeout(done, 100));
    now = await request("GET", `/v1/operations/${made.id}`);
    assert.notEqual(now.status, "failed", JSON.stringify(now));
  }
  return (await request("GET", `/v1/contents/${content.id}`)).current_version_id;
}

export async function addPackage(bytes) {
  return addContent("package", { upload_id: await upload("package.zip", bytes) });
}

/** A published course of contents. */
export async function addCourse(...versions) {
  const activities = versions.map((version) => ({ title: "Fire doors", kind: "content", content_version_id: version }));
  const course = await request("POST", "/v1/courses", { code: unique(), title: "Fire", language: "en", modules: [{ title: "All", activities }] });
  await request("POST", `/v1/courses/${course.id}/publications`, {});
  return course.id;
}

/** Somebody who may sign in. */
export class Person {
  password = "a long password";

  static async added(fields = {}) {
    const person = new this();
    person.username = unique();
    person.user = await request("POST", "/v1/users", { username: person.username, given_name: "Ana", family_name: "Silva", ...fields });
    await request("PUT", `/v1/users/${person.user.id}/password`, { password: person.password });
    return person;
  }

  /** An access token of theirs. */
  token() {
    return token(this.username, this.password);
  }

  /** Has them see, and look after, everybody who reports to them. */
  async lead() {
    const roles = await request("GET", `/v1/roles?filter=${encodeURIComponent('code eq "manager"')}`);
    const held = { principal_kind: "user", principal_id: this.user.id, role_id: roles.data[0].id, scope_kind: "own_reports" };
    await request("POST", "/v1/grants", held);
  }

  /** Has them take a course by a day. */
  require(course, due_on) {
    const requirement = { user_id: this.user.id, target: { kind: "course", id: course }, opens_on: "2020-01-01", due_on };
    return request("POST", "/v1/requirements", requirement);
  }
}

/** A learner who takes a course. */
export class Learner extends Person {
  static async enrolled(course) {
    const learner = await Learner.added();
    await learner.enroll(course);
    return learner;
  }

  async enroll(course) {
    const enrollment = await request("POST", "/v1/enrollments", { user_id: this.user.id, course_id: course });
    this.page = `/courses/${enrollment.id}`;
    this.path = `/v1/enrollments/${enrollment.id}`;
    const { modules } = await request("GET", `${this.path}/activities`);
    this.activities = modules[0].activities.map((activity) => `${this.path}/activities/${activity.id}`);
    [this.activity] = this.activities;
  }

  /** The address under which an activity is open to them. */
  async launch(activity = this.activity) {
    return (await request("POST", `${activity}/launches`, {}, await this.token())).url;
  }

  state() {
    return request("GET", this.activity);
  }

  enrollment() {
    return request("GET", this.path);
  }
}
