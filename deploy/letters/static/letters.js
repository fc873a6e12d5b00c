// The desk: causes on the left, one letter on the right. What a message says is text, and never anything else.

const $ = (id) => document.getElementById(id);
const FEW = 30;
let token = null;
let letter = null; // as it was read last

class Problem extends Error {
  constructor(status, { detail, title, errors = [] } = {}) {
    const fields = errors.map((each) => ` ${each.field}: ${each.detail}.`).join("");
    super((detail || title || "Nobody answers.") + fields);
    this.status = status;
  }
}

async function call(method, path, body) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const asked = { method, headers, body: body && JSON.stringify(body) };
  const response = await fetch(`/api/v1/letters${path}`, asked).catch(() => { throw new Problem(0); });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Problem(response.status, answer);
  return answer;
}

function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), { textContent: text });
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const moment = (text) => new Date(text).toLocaleString();
const say = (text, isBad = false) => {
  $("notice").textContent = text;
  $("notice").className = isBad ? "bad" : "";
};

/** One thing at a time; a session that has ended leads back to the door. */
async function attempt(act) {
  document.body.inert = true;
  try {
    await act();
  } catch (problem) {
    if (problem.status === 401 && token) show(null);
    say(problem.message, true);
  } finally {
    document.body.inert = false;
  }
}

function show(entered) {
  token = entered?.access_token ?? null;
  $("email").textContent = entered?.email ?? "";
  $("door").hidden = Boolean(token);
  $("who").hidden = $("desk").hidden = !token;
  if (!token) {
    letter = null;
    $("letter").hidden = true;
    $("causes").replaceChildren();
  }
}

async function look() {
  const { items, silent } = await call("GET", "");
  const waiting = Object.values(silent).map((why) => element("li", why, { class: "bad" }));
  $("causes").replaceChildren(...waiting, ...items.map(cause));
  if (!items.length && !waiting.length) $("causes").append(element("li", "Nothing is open."));
}

function cause(each) {
  const made = document.createElement("li");
  const count = `${each.ids.length} ${each.ids.length === 1 ? "letter" : "letters"} of ${each.durable}`;
  const ids = element("p", "", { class: "ids" });
  for (const id of each.ids.slice(0, FEW)) {
    const button = element("button", id, id === letter?.id ? { "aria-current": "true" } : {});
    button.onclick = () => attempt(() => read(id));
    ids.append(button);
  }
  if (each.ids.length > FEW) ids.append(element("span", `and ${each.ids.length - FEW} more`));
  made.append(
    element("p", `${each.name}: ${count}, since ${moment(each.oldest_at)}`),
    element("p", each.subject),
    element("p", each.error, { class: "bad" }),
    ids,
  );
  if (each.ids.length > 1) {
    const all = element("button", `Try all ${each.ids.length} again`);
    all.onclick = () => attempt(() => retryAll(each.ids));
    made.append(all);
  }
  return made;
}

async function read(id) {
  letter = await call("GET", `/${id}`);
  const forgotten = letter.text === null && letter.bytes === null;
  $("name").textContent = `${letter.id}  ${letter.subject}`;
  $("error").textContent = letter.error;
  const facts = { "Heard by": letter.durable, Parked: moment(letter.parked_at), Deliveries: letter.deliveries, ...letter.headers };
  $("facts").replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [element("dt", name), element("dd", value)]),
  );
  $("payload").value = shaped(letter.text) ?? letter.bytes ?? "";
  $("payload").readOnly = letter.text === null;
  $("save").disabled = letter.text === null;
  $("state").textContent = forgotten ? "(forgotten)" : letter.bytes ? "(base64)" : letter.edited ? "(edited)" : "";
  $("reason").value = "";
  const done = ({ at, action, by, reason, error }) =>
    element("li", [`${moment(at)}: ${action} by ${by}`, reason, error].filter(Boolean).join(". "));
  $("trail").replaceChildren(...letter.trail.map(done));
  const isOver = letter.trail.some(({ action }) => ["retried", "discarded"].includes(action));
  for (const act of ["save", "retry", "discard"]) $(act).hidden = isOver;
  $("letter").hidden = false;
  for (const button of document.querySelectorAll(".ids button")) {
    if (button.textContent === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

/** JSON on lines of its own, anything else as it is. No value is touched: a number may be larger than any here. */
function shaped(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{}:,]|[^\s[\]{}:,"]+/g) ?? [];
  return parts.map((part) => {
    if (part === "{" || part === "[") { depth++; return part + line(); }
    if (part === "}" || part === "]") { depth--; return line() + part; }
    if (part === ",") return part + line();
    return part === ":" ? ": " : part;
  }).join("");
}

function told({ result, detail }) {
  const words = { done: "Done.", failed: `Failed again, nothing has changed: ${detail}`, lost: "Its process said nothing more; it may have ended." };
  say(words[result], result !== "done");
  return result === "done";
}

async function act(path, method = "POST", body = {}) {
  const { id } = letter;
  told(await call(method, `/${id}/${path}`, { reason: $("reason").value, ...body }));
  await Promise.all([look(), read(id)]);
}

async function discard() {
  if ($("reason").value.trim()) return act("discard");
  say("Say why: nobody can take it back.", true);
  $("reason").focus();
}

async function retryAll(ids) {
  let done = 0;
  for (const id of ids) {
    const { result } = await call("POST", `/${id}/retry`, { reason: "the whole cause" });
    done += result === "done";
    say(`${done} of ${ids.length} done.`, done < ids.length);
  }
  await look();
  if (letter) await read(letter.id);
}

/** What was typed, if anything was: the lines that this page has made change nothing. */
async function save() {
  const text = $("payload").value;
  if (text === shaped(letter.text)) say("Nothing is changed.", true);
  else await act("payload", "PUT", { text });
}

$("door").onsubmit = (event) => {
  event.preventDefault();
  const form = event.target;
  attempt(async () => {
    const { email, password } = Object.fromEntries(new FormData(form));
    show(await call("POST", "/login", { email, password }));
    form.reset();
    say("");
    await look();
  });
};
$("again").onclick = () => attempt(look);
$("leave").onclick = () => attempt(async () => {
  await call("POST", "/logout", {}).finally(() => show(null));
  say("Signed out.");
});
$("save").onclick = () => attempt(save);
$("retry").onclick = () => attempt(() => act("retry"));
$("discard").onclick = () => attempt(discard);
