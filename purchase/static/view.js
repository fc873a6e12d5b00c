// What things look like. Texts are set as text, never as markup.

const UNDOING = "Undoing what was done…";
const LINES = { // what a line of the log says, its kind, and what is waited for after it
  "accepted done": ["Purchase accepted", "done", "Reserving stock…"],
  "reserve done": ["Stock reserved", "done", "Writing the order…"],
  "reserve refused": ["Stock refused", "bad", ""],
  "order done": ["Order written", "done", "Asking for the payment…"],
  "order refused": ["Order refused", "bad", ""],
  "payment done": ["Payment authorised", "done", "Deciding…"],
  "payment refused": ["Payment refused", "bad", ""],
  "completed": ["Completed", "end good", ""],
  "failed": ["Failed", "end bad", UNDOING],
  "timed_out": ["Timed out", "end bad", UNDOING],
  "release done": ["Nothing is reserved", "undone", UNDOING],
  "cancel done": ["Nothing is ordered", "undone", UNDOING],
  "void done": ["Nothing is charged", "undone", UNDOING],
  "settled": ["Settled", "end", ""],
};
const REASONS = {
  account_inactive: "the account is switched off",
  cancelled_by_customer: "you cancelled it",
  card_declined: "the payment was declined",
  currency_mismatch: "something is priced in another currency",
  insufficient_stock: "there is not enough in stock",
  limit_exceeded: "the payment is above its limit",
  unknown_product: "something is no longer sold",
};
const DECISIONS = {
  completed: () => "Completed. It is yours.",
  failed: ({ reason }) => `Failed: ${REASONS[reason] ?? "one of the steps could not be done"}.`,
  timed_out: () => "Timed out: it could not be confirmed in time.",
};
const STATES = { PENDING: "under way", COMPLETED: "completed", FAILED: "failed", TIMED_OUT: "timed out" };

export const $ = (id) => document.getElementById(id);
export const isDecision = (entry) => entry.type in DECISIONS;

const clock = (at) => new Date(at).toLocaleTimeString("en-GB");
const since = (ms) => (ms < 1000 ? `+${ms} ms` : `+${(ms / 1000).toFixed(1)} s`);

export function money(minor, currency) {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/** A template's element, with texts by class. */
function filled(template, texts) {
  const element = $(template).content.cloneNode(true).firstElementChild;
  for (const [name, text] of Object.entries(texts)) element.querySelector(`.${name}`).textContent = text;
  return element;
}

/** Keeps the focus where it was, if that is still there. */
function replace(list, rows) {
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.field;
  list.replaceChildren(...rows);
  if (focused) fieldOf(list, focused)?.focus();
}

export function showAccount(account) {
  document.body.dataset.state = !account ? "out" : account.verified ? "in" : "unverified";
  $("who").textContent = account ? `${account.first_name} ${account.last_name}` : "";
  $("mailbox").textContent = account?.email ?? "";
}

/** The smallest; it says nothing that the name beside it does not. */
export function picture({ thumbnails }) {
  const image = new Image();
  image.alt = "";
  image.src = thumbnails[0].url;
  return image;
}

export function showProducts(products, quantities, pictures) {
  replace($("products"), products.map(({ id, name, brand_name, price, currency_code, inventory }) => {
    const left = inventory ? `${inventory} left` : "sold out";
    const amount = money(price, currency_code);
    const row = filled("product", { tile: [...name][0], name, brand: brand_name, amount, left });
    row.dataset.id = id;
    const tile = row.querySelector(".tile");
    tile.dataset.hue = name.codePointAt(0) % 6;
    if (pictures.get(id)) tile.replaceChildren(pictures.get(id));
    const input = row.querySelector("input");
    input.setAttribute("aria-label", `Quantity of ${name}`);
    input.dataset.field = `quantity ${id}`;
    input.value = quantities.get(id) ?? 0;
    const isGone = !inventory && !quantities.has(id);
    for (const control of row.querySelectorAll("input, button")) control.disabled = isGone;
    return row;
  }));
}

export function showPurchases(purchases, selected) {
  replace($("purchases"), purchases.map(({ id, items, total, currency_code, status, created_at }) => {
    const count = items.reduce((sum, item) => sum + item.quantity, 0);
    const when = `${clock(created_at)} · ${count} ${count === 1 ? "piece" : "pieces"}`;
    const sum = total ? money(total, currency_code) : "not priced";
    const row = filled("purchase", { sum, when, badge: STATES[status] });
    row.querySelector(".badge").dataset.status = status;
    row.firstElementChild.dataset.field = id;
    row.firstElementChild.setAttribute("aria-pressed", id === selected);
    return row;
  }));
}

/** Lines are only added while the purchase is the same, so that each is read out once. */
export function showLog(id, entries) {
  const list = $("steps");
  if (list.dataset.id !== id) list.replaceChildren();
  list.dataset.id = id;
  for (const entry of entries.slice(list.children.length)) list.append(line(entry, entries[0].at));
  const decision = entries.find(isDecision);
  const undone = entries.at(-1)?.type === "settled" ? " Everything is undone." : "";
  const text = decision ? DECISIONS[decision.type](decision) + undone : "";
  if ($("decision").textContent !== text) $("decision").textContent = text;
  $("decision").dataset.kind = decision?.type ?? "";
  $("waiting").textContent = entries.length ? told(entries.at(-1))[2] : "Sending…";
  $("waiting").hidden = !$("waiting").textContent;
}

function told(entry) {
  const key = entry.step ? `${entry.step} ${entry.status}` : entry.type;
  return LINES[key] ?? [key, "done", ""];
}

function line(entry, began) {
  const [text, kind] = told(entry);
  const time = entry.at === began ? clock(began) : since(new Date(entry.at) - new Date(began));
  const row = filled("step", { text, time });
  row.className = kind;
  row.querySelector(".time").dateTime = entry.at;
  return row;
}

const fieldOf = (within, field) => within.querySelector(`[data-field="${field}"], [name="${field}"]`);

/** At the fields that the problem names; whatever names none of them, at the end of the form. */
export function showProblem(form, problem, rename = (field) => field) {
  const rest = [];
  for (const { field, detail } of problem.errors) {
    const input = fieldOf(form, rename(field));
    if (input) mark(input, detail);
    else rest.push(`${field}: ${detail}`);
  }
  const first = form.querySelector("[aria-invalid]");
  first?.focus();
  const trouble = form.querySelector(".trouble");
  trouble.textContent = [...(first ? [] : [problem.message]), ...rest].join(" ");
  trouble.hidden = !trouble.textContent;
}

/** A decoder's "Expected `str` matching regex …" is said in the field's own words. */
function mark(input, detail) {
  const note = document.createElement("span");
  note.className = "wrong";
  note.id = `wrong-${input.dataset.field ?? `${input.form.id}-${input.name}`}`.replaceAll(" ", "-");
  note.textContent = detail.startsWith("Expected") && input.title ? input.title : detail;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", note.id);
  input.after(note);
}

export function clearProblem(form) {
  for (const note of form.querySelectorAll(".wrong")) note.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  form.querySelector(".trouble").hidden = true;
}

export function showNotice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

const STAGES = ["outbox", "stream", "queue", "handler"];

/** Every message as a bar from when it was said, on one axis for all; how long each dwelt where is its title. */
export function showTiming(hops) {
  const began = (hop) => new Date(hop.said_at).getTime();
  const took = (hop) => STAGES.reduce((sum, stage) => sum + hop[`${stage}_ms`], 0);
  const first = Math.min(...hops.map(began));
  const whole = Math.max(1, ...hops.map((hop) => began(hop) - first + took(hop)));
  $("timing").querySelector(".hops").replaceChildren(...hops.map((hop) => {
    const word = `${hop.subject.split(".").at(-1).replaceAll("_", " ")} → ${hop.consumer}`;
    const row = filled("hop", { word, took: `${took(hop).toFixed(1)} ms` });
    row.title = STAGES.map((stage) => `${stage} ${hop[`${stage}_ms`].toFixed(1)} ms`).join(", ");
    const lane = row.querySelector(".lane");
    const lengths = [["before", began(hop) - first], ...STAGES.map((stage) => [stage, hop[`${stage}_ms`]])];
    for (const [stage, ms] of lengths) {
      const part = document.createElement("span");
      part.dataset.stage = stage;
      part.style.width = `${(100 * ms) / whole}%`;
      lane.append(part);
    }
    return row;
  }));
}
