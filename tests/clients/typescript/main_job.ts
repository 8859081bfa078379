// What a front end does with the generated types: signs in, lists, changes, follows pages.
import createClient from "openapi-fetch";
import type { components, paths } from "./provost";

export type User = components["schemas"]["User"];

/** A client that is signed in. */
export async function signIn(baseUrl: string, username: string, password: string) {
  const anonymous = createClient<paths>({ baseUrl });
  const { data, error } = await anonymous.POST("/oauth/token", {
    body: { grant_type: "password", username, password },
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  if (!data) throw new Error(JSON.stringify(error));
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${data.access_token}` } });
}

/** Everybody whom a filter finds, page by page. */
export async function* people(client: Awaited<ReturnType<typeof signIn>>, filter: string): AsyncGenerator<User> {
  let cursor: string | undefined;
  do {
    const { data, error } = await client.GET("/v1/users", { params: { query: { filter, cursor, limit: 200 } } });
    if (!data) throw new Error(error.detail);
    yield* data.data;
    cursor = data.next_cursor ?? undefined;
  } while (cursor);
}

/** Gives a person another title, unless somebody changed them meanwhile. */
export async function retitle(client: Awaited<ReturnType<typeof signIn>>, user: User, title: string | null): Promise<User> {
  const { data, error } = await client.PATCH("/v1/users/{user_id}", {
    params: { path: { user_id: user.id }, header: { "If-Match": `"${user.version}"` } },
    body: { title },
  });
  if (!data) throw new Error(error.errors?.map((fault) => `${fault.pointer} ${fault.detail}`).join("; ") ?? error.detail);
  return data;
}
