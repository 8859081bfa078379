// My team: who is late with what. Whom I see, the API decides by my roles.
import { all, api, ask, type Me, type Requirement } from "../api";
import { Loaded, Page, useLoaded } from "../parts";
import { day, daysSince } from "../words";

async function load(me: Me) {
  const late = await all((cursor) => {
    const filter = `status eq "overdue" and user_id ne "${me.id}"`;
    // The longest overdue first.
    const query = { filter, expand: "user,course", sort: "due_on", limit: 200, cursor };
    return ask(api.GET("/v1/requirements", { params: { query } }));
  });
  const people = new Map<string, Requirement[]>();
  for (const requirement of late) {
    const theirs = people.get(requirement.user_id);
    if (theirs) theirs.push(requirement);
    else people.set(requirement.user_id, [requirement]);
  }
  return [...people.values()];
}

export function Team({ me }: { me: Me }) {
  const loaded = useLoaded(() => load(me), [me.id]);
  return (
    <Page title="My team">
      <Loaded loaded={loaded}>
        {(people) => (
          <>
            <p role="status">{people.length === 0 ? "Nobody is late." : people.length === 1 ? "One person is late." : `${people.length} people are late.`}</p>
            <ul class="cards">
              {people.map((late) => (
                <Person key={late[0]?.user_id} late={late} />
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Person({ late }: { late: Requirement[] }) {
  const user = late[0]?.user;
  return (
    <li>
      <h2>{user ? `${user.given_name} ${user.family_name}` : "Somebody"}</h2>
      {user?.title && <p>{user.title}</p>}
      <ul>
        {late.map(({ id, course, due_on }) => (
          <li key={id}>
            <span lang={course?.language}>{course?.title ?? "Course"}</span>
            {due_on && `: was due by ${day(due_on)}, ${days(daysSince(due_on))} ago`}
          </li>
        ))}
      </ul>
    </li>
  );
}

const days = (count: number) => (count === 1 ? "one day" : `${count} days`);
