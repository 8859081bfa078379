// My courses: what I must do and by when, what I am at, and what I have done.
import { useState } from "preact/hooks";

import { all, api, ask, type Enrollment, type Me, type Requirement } from "../api";
import { Doing, Facts, Loaded, Page, Problem, useLoaded } from "../parts";
import { day, due, enrollmentState } from "../words";

/** A course, with what is required of it and how far I am. */
interface Entry {
  course_id: string;
  requirement?: Requirement;
  enrollment?: Enrollment;
}

const LIVE: Enrollment["state"][] = ["pending_approval", "waitlisted", "enrolled", "in_progress"];
const WAITING: Requirement["status"][] = ["open", "overdue", "upcoming"];

async function load(me: Me) {
  const [requirements, enrollments] = await Promise.all([
    all((cursor) => {
      const query = { filter: `user_id eq "${me.id}" and status ne "ended"`, expand: "course", sort: "due_on", limit: 200, cursor };
      return ask(api.GET("/v1/requirements", { params: { query } }));
    }),
    all((cursor) => {
      const filter = `user_id eq "${me.id}" and state ne "withdrawn" and state ne "denied"`;
      const query = { filter, expand: "course", sort: "-created_at", limit: 200, cursor };
      return ask(api.GET("/v1/enrollments", { params: { query } }));
    }),
  ]);
  return entries(requirements, enrollments);
}

/** What is to be done, what is due first on top; and the latest of each course that was done. */
function entries(requirements: Requirement[], enrollments: Enrollment[]) {
  const live = enrollments.filter(({ state }) => LIVE.includes(state));
  const todo: Entry[] = requirements
    .filter(({ status }) => WAITING.includes(status))
    .map((requirement) => {
      const course_id = requirement.target.id;
      const enrollment = live.find((taken) => taken.course_id === course_id && taken.kind === "normal");
      return { course_id, requirement, enrollment };
    });
  for (const enrollment of live) {
    if (!todo.some((entry) => entry.enrollment === enrollment)) todo.push({ course_id: enrollment.course_id, enrollment });
  }
  const done = new Map<string, Entry>();
  for (const enrollment of enrollments) {
    const { course_id } = enrollment;
    if (LIVE.includes(enrollment.state) || done.has(course_id)) continue;
    const requirement = requirements.find((held) => held.target.id === course_id && held.status === "satisfied");
    done.set(course_id, { course_id, enrollment, requirement });
  }
  return { todo, done: [...done.values()] };
}

export function Courses({ me }: { me: Me }) {
  const loaded = useLoaded(() => load(me), [me.id]);
  return (
    <Page title="My courses">
      <Loaded loaded={loaded}>
        {({ todo, done }) => (
          <>
            <h2>To do</h2>
            {todo.length === 0 && <p>There is nothing to do.</p>}
            <List entries={todo} me={me} />
            {done.length > 0 && <h2>Done</h2>}
            <List entries={done} me={me} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function List({ entries, me }: { entries: Entry[]; me: Me }) {
  if (entries.length === 0) return null;
  return (
    <ul class="cards">
      {entries.map((entry) => (
        <Card key={entry.enrollment?.id ?? entry.requirement?.id} entry={entry} me={me} />
      ))}
    </ul>
  );
}

function Card({ entry: { course_id, requirement, enrollment }, me }: { entry: Entry; me: Me }) {
  const [problem, setProblem] = useState<string | null>(null);
  const course = enrollment?.course ?? requirement?.course;
  const isLate = requirement?.status === "overdue";
  const satisfied = requirement?.status === "satisfied";

  async function enroll() {
    const enrolled = await ask(api.POST("/v1/enrollments", { body: { user_id: me.id, course_id } }));
    location.hash = `/courses/${enrolled.id}`;
  }

  return (
    <li>
      <h3 lang={course?.language}>
        {enrollment ? <a href={`#/courses/${enrollment.id}`}>{course?.title ?? "Course"}</a> : (course?.title ?? "Course")}
      </h3>
      <Facts>
        {isLate && <strong class="late">Overdue</strong>}
        {requirement && !satisfied && due(requirement)}
        {requirement?.valid_until && satisfied && `Valid until ${day(requirement.valid_until)}`}
        {enrollment && enrollmentState(enrollment)}
        {enrollment?.kind === "test" && "Test: nothing counts"}
      </Facts>
      {!enrollment && requirement?.status !== "upcoming" && (
        <Doing onClick={enroll} onProblem={setProblem}>
          Enroll
        </Doing>
      )}
      <Problem text={problem} />
    </li>
  );
}
