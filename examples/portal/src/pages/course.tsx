// A course: what there is to do, what is locked and why, and the player.
import { useEffect, useRef, useState } from "preact/hooks";

import { api, ask, type Activity, type Launch, type Me, type Module } from "../api";
import { Declaration } from "./declaration";
import { Doing, Facts, Loaded, Page, Problem, useLoaded } from "../parts";
import { Player } from "./player";
import { activityState, criterion, enrollmentState, minutes } from "../words";

export function CoursePage({ id, me }: { id: string; me: Me }) {
  const loaded = useLoaded(() => {
    const path = { enrollment_id: id };
    return ask(api.GET("/v1/enrollments/{enrollment_id}/activities", { params: { path } }));
  }, [id]);
  const [opened, setOpened] = useState<{ activity: Activity; launch: Launch } | null>(null);
  const [closed, setClosed] = useState<string | null>(null);

  function close() {
    setClosed(opened?.activity.id ?? null);
    setOpened(null);
    // The last words of a package may still be under way.
    void loaded.again();
    setTimeout(loaded.again, 1000);
  }

  return (
    <Page title={loaded.data?.title ?? "Course"} lang={loaded.data?.language}>
      {opened ? (
        <Player {...opened} onSaved={loaded.again} onClose={close} />
      ) : (
        <Loaded loaded={loaded}>
          {(course) => (
            <>
              <p role="status">
                {enrollmentState(course)}
                {course.state === "completed" && (
                  <>
                    {" · "}
                    <a href="#/certificates">My certificates</a>
                  </>
                )}
              </p>
              {course.modules.map((module) => (
                <ModuleShown key={module.id} module={module}>
                  {(activity) => (
                    <ActivityShown
                      key={activity.id}
                      enrollment={id}
                      activity={activity}
                      me={me}
                      hasFocus={activity.id === closed}
                      onOpen={(launch) => setOpened({ activity, launch })}
                      onDone={loaded.again}
                    />
                  )}
                </ModuleShown>
              ))}
            </>
          )}
        </Loaded>
      )}
    </Page>
  );
}

function ModuleShown({ module, children }: { module: Module; children: (activity: Activity) => preact.JSX.Element }) {
  return (
    <section aria-labelledby={module.id}>
      <h2 id={module.id}>{module.title}</h2>
      {module.complete_when.kind === "at_least" && <p>Do at least {module.complete_when.count} of these.</p>}
      {module.locked_because.map((reason) => (
        <p key={reason}>{reason}</p>
      ))}
      <ul class="cards">{module.activities.map(children)}</ul>
    </section>
  );
}

interface Shown {
  enrollment: string;
  activity: Activity;
  me: Me;
  /** Whether it was open just now. */
  hasFocus: boolean;
  onOpen: (launch: Launch) => void;
  onDone: () => Promise<void>;
}

function ActivityShown({ enrollment, activity, me, hasFocus, onOpen, onDone }: Shown) {
  const [problem, setProblem] = useState<string | null>(null);
  const [elsewhere, setElsewhere] = useState<string | null>(null);
  const path = { enrollment_id: enrollment, activity_id: activity.id };
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hasFocus) heading.current?.focus();
  }, [hasFocus]);

  async function open() {
    const answer = api.POST("/v1/enrollments/{enrollment_id}/activities/{activity_id}/launches", { params: { path }, body: {} });
    const launch = await ask(answer);
    if (launch.id) return onOpen(launch);
    // A page elsewhere has no player around it.
    setElsewhere(launch.url);
    await onDone();
  }

  const isOpenable = activity.kind !== "task" && !activity.is_locked;
  const verb = activity.state === "completed" ? "Open again" : activity.state === "in_progress" ? "Go on" : "Open";
  return (
    <li>
      <h3 ref={heading} tabIndex={-1} lang={activity.content?.language}>
        {activity.title}
      </h3>
      <Facts>
        {activityState(activity)}
        {criterion(activity)}
        {activity.minutes && minutes(activity.minutes)}
        {!activity.is_required && "Optional"}
        {typeof activity.attempts_left === "number" && `Attempts left: ${activity.attempts_left}`}
      </Facts>
      {activity.is_locked && activity.locked_because.map((reason) => <p key={reason}>{reason}</p>)}
      {isOpenable && !elsewhere && (
        <Doing onClick={open} onProblem={setProblem}>
          {verb}: <span lang={activity.content?.language}>{activity.title}</span>
        </Doing>
      )}
      {elsewhere && (
        <a href={elsewhere} target="_blank" rel="noopener noreferrer">
          {activity.title} (in a new window)
        </a>
      )}
      {!activity.is_locked && <Declaration path={path} activity={activity} name={me.name} onDone={onDone} />}
      <Problem text={problem} />
    </li>
  );
}
