// The API, by the client that openapi-typescript generates from its document.
import createClient from "openapi-fetch";

import type { components, paths } from "./provost";
import { API, signedFetch } from "./session";

type Schemas = components["schemas"];
export type Activity = Schemas["EnrollmentActivity"];
export type Enrollment = Schemas["Enrollment"];
export type Launch = Schemas["Launch"];
export type Me = Schemas["Me"];
export type Module = Schemas["EnrollmentModule"];
export type Requirement = Schemas["Requirement"];

export const api = createClient<paths>({ baseUrl: API, fetch: signedFetch });

/** What an answer holds. A problem is thrown, in the words that it was told in. */
export async function ask<T>(answer: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await answer;
  if (error === undefined) return data as T;
  const problem = error as Partial<Schemas["Problem"]>;
  const fields = problem.errors?.map((field) => `${field.pointer}: ${field.detail}`) ?? [];
  throw new Error([problem.detail ?? "The academy does not answer as it should.", ...fields].join(" "));
}

/** All pages of a list. */
export async function all<T>(page: (cursor?: string) => Promise<{ data: T[]; next_cursor?: string | null }>) {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const answer = await page(cursor);
    rows.push(...answer.data);
    cursor = answer.next_cursor ?? undefined;
  } while (cursor);
  return rows;
}
