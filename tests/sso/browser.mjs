// A browser without a window: it keeps cookies, follows redirects and fills in forms.

/** As far as a sign-in may lead it. */
const MOST_STEPS = 20;

export class Browser {
  #cookies = new Map();

  /** The cookies' names. */
  get cookies() {
    return [...this.#cookies.keys()];
  }

  forget() {
    this.#cookies.clear();
  }

  /**
   * Goes to an address and on to where it leads, filling in forms, until it is sent to an address that begins with one of
   * `stops` or comes to a page without a form. Answers where it stopped, and the page.
   */
  async go(address, { stops = [], fields = {} } = {}) {
    let step = { url: new URL(address) };
    for (let count = 0; count < MOST_STEPS; count += 1) {
      if (stops.some((stop) => step.url.href.startsWith(stop))) return { url: step.url };
      const page = await this.#load(step);
      const next = page.location ? { url: new URL(page.location, step.url) } : filledIn(page, step.url, fields);
      if (!next) return { url: step.url, ...page };
      step = next;
    }
    throw new Error(`The browser was sent on ${MOST_STEPS} times, last to ${step.url}`);
  }

  async #load({ url, form }) {
    const response = await fetch(url, {
      redirect: "manual",
      method: form ? "POST" : "GET",
      body: form,
      headers: { accept: "text/html", cookie: this.#cookieHeader(url) },
    });
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie, url);
    const { status } = response;
    const location = status >= 300 && status < 400 ? response.headers.get("location") : null;
    return { status, location, headers: response.headers, body: await response.text() };
  }

  /** Cookies do not tell ports apart (RFC 6265, section 8.5). */
  #keep(header, url) {
    const [pair, ...attributes] = header.split(";").map((part) => part.trim());
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const attribute = (wanted) =>
      attributes.map((text) => text.split("=")).find(([found]) => found.toLowerCase() === wanted)?.[1];
    const path = attribute("path") ?? (url.pathname.replace(/\/[^/]*$/, "") || "/");
    const key = `${url.hostname} ${path} ${name}`;
    const ended = attribute("max-age") === "0" || Date.parse(attribute("expires") ?? "") < Date.now();
    if (ended) this.#cookies.delete(key);
    else this.#cookies.set(key, { host: url.hostname, path, name, value });
  }

  #cookieHeader(url) {
    const covers = (path) => url.pathname === path || url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
    return [...this.#cookies.values()]
      .filter(({ host, path }) => host === url.hostname && covers(path))
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ");
  }
}

/** The page's form with its hidden values and ours; none where the page has no form or asks for what we have not. */
function filledIn({ body }, url, fields) {
  const found = /<form[^>]*action="([^"]*)"[^>]*>([^]*?)<\/form>/.exec(body ?? "");
  if (!found) return undefined;
  const form = new URLSearchParams();
  for (const [input] of found[2].matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)[1];
    const value = /value="([^"]*)"/.exec(input)?.[1] ?? fields[name];
    if (value === undefined) return undefined;
    form.set(name, value);
  }
  return { url: new URL(found[1], url), form };
}
