// The session and every call. The tokens are kept here, for this tab; nobody else sees them.

const KEPT = "session";
const AWAY = [502, 503, 504];
const ATTEMPTS = 20;
const PAUSE = 500;

export const sessionChanges = new EventTarget(); // "session" whenever somebody comes, goes, or has new tokens

let session = JSON.parse(sessionStorage.getItem(KEPT));
let timer = 0;
let refreshing = null;

/** An answer that is an error, as RFC 9457 tells it; status 0: there was none. */
export class Problem extends Error {
  constructor(status, { detail, title, code, errors } = {}) {
    super(detail || title || "The shop does not answer. Try again in a moment.");
    this.status = status;
    this.code = code;
    this.errors = errors ?? [];
  }
}

export const account = () => session?.account ?? null;

/** What may be repeated without harm is, while nobody answers; a lost access token is renewed once. */
export async function call(method, path, body, { key, patient = method === "GET" || Boolean(key) } = {}) {
  const request = () => send(method, path, body, key, patient);
  let response = await request();
  if (response.status === 401 && session) {
    await refresh();
    response = await request();
  }
  return answer(response);
}

/** Register, log in or verify: all of them answer a pair of tokens. */
export async function enter(path, body) {
  keep(await call("POST", path, body));
}

export async function signOut() {
  const ends = [call("POST", "/account/logout"), call("DELETE", "/purchases/stream-session")];
  await Promise.allSettled(ends); // whatever the answer: the tokens are forgotten here
  keep(null);
}

/** Once at a time: a refresh token that comes twice ends the session. */
function refresh() {
  refreshing ??= renew().finally(() => { refreshing = null; });
  return refreshing;
}

async function renew() {
  const body = { refresh_token: session.refresh_token };
  const response = await send("POST", "/account/refresh", body, undefined, true);
  if ([400, 401, 403].includes(response.status)) keep(null);
  keep(await answer(response));
}

/** New tokens come a good while before the old ones end. */
function keep(tokens) {
  session = tokens && { ...tokens, renewAt: Date.now() + tokens.expires_in * 800 };
  if (session) sessionStorage.setItem(KEPT, JSON.stringify(session));
  else sessionStorage.removeItem(KEPT);
  schedule();
  sessionChanges.dispatchEvent(new Event("session"));
}

function schedule() {
  clearTimeout(timer);
  if (session) timer = setTimeout(() => refresh().catch(() => {}), Math.max(0, session.renewAt - Date.now()));
}

async function send(method, path, body, key, patient) {
  for (let attempt = 1; ; attempt++) {
    const response = await sendOnce(method, path, body, key).catch(() => null);
    if (response && !AWAY.includes(response.status)) return response;
    if (!patient || attempt === ATTEMPTS) {
      if (response) return response;
      throw new Problem(0);
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

function sendOnce(method, path, body, key) {
  const headers = {};
  if (session) headers.Authorization = `Bearer ${session.access_token}`;
  if (key) headers["Idempotency-Key"] = key;
  if (body) headers["Content-Type"] = "application/json";
  const signal = AbortSignal.timeout(15_000);
  return fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body), signal });
}

async function answer(response) {
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const body = isJson && text ? JSON.parse(text) : {};
  if (!response.ok) throw new Problem(response.status, body);
  return body;
}

schedule();
