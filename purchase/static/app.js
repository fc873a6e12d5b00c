// What the page does: who is there, what is sold, what is bought, and what becomes of it.

import { Problem, account, call, enter, sessionChanges, signOut } from "/static/api.js";
import { follow, isLast } from "/static/stream.js";
import * as view from "/static/view.js";

const { $, money } = view;
const PAGE = 12;
const MOST_STREAMS = 4; // of the six connections that a browser opens to one place
const STOCK_AGE = 5500; // ms: what is left may be told as it was so long ago, and is asked again after that
const GOODS = [
  { name: "Desk lamp", brand_name: "Lumen", description: "Bends", price: 250_000, inventory: 10 },
  { name: "Bulb", brand_name: "Lumen", description: "Warm white", price: 40_000, inventory: 50 },
  { name: "Moon clock", brand_name: "Orbit", description: "Phases", price: 1_200_000, inventory: 3 },
];

const products = { path: "/products", items: [], next: null, render: renderShop };
const purchases = { path: "/purchases", items: [], next: null, render: () => select(selected) };
const pictures = new Map(); // product id -> its picture, or null when there is none
const quantities = new Map(); // product id -> how many
const logs = new Map(); // purchase id -> its entries, in order
const form = $("buy").elements;
let shop = {};
let methods = [];
let selected = null; // the purchase that is watched
let attempt = {}; // the body and the key of a purchase whose answer has not come

/** The first page, or again as many as are shown; with `further`, the next page. */
async function load(list, further) {
  const caller = account()?.id;
  const limit = further ? PAGE : Math.min(100, Math.max(PAGE, list.items.length));
  const page = await call("GET", `${list.path}?limit=${limit}${further ? `&cursor=${list.next}` : ""}`);
  if (account()?.id !== caller) return;
  list.items = further ? [...list.items, ...page.items] : page.items;
  list.next = page.next;
  list.render();
}

// ---- what is sold

function renderShop() {
  view.showProducts(products.items, quantities, pictures);
  $("empty").hidden = $("stock").hidden = products.items.length > 0;
  $("payment").hidden = !products.items.length;
  $("more-products").hidden = !products.next;
  renderTotal();
  if (products.items.some(({ id }) => !pictures.has(id))) loadPictures().catch(() => {});
}

/** One after the other, and each once: nobody waits for a picture, and one that does not come is none. */
async function loadPictures() {
  for (const { id } of products.items.filter((product) => !pictures.has(product.id))) {
    pictures.set(id, null);
    const { items } = await call("GET", `/media?product_id=${id}&limit=8`, undefined, { patient: false });
    const shown = items.find(({ kind }) => kind === "image");
    if (shown) pictures.set(id, view.picture(shown));
  }
  view.showProducts(products.items, quantities, pictures);
}

function renderTotal() {
  const total = products.items.reduce((sum, { id, price }) => sum + price * (quantities.get(id) ?? 0), 0);
  $("total").textContent = money(total, shop.currency_code);
  $("buy-now").disabled = !quantities.size;
}

function renderInstallments() {
  const most = methods.find(({ method }) => method === form.method.value).max_installments;
  const option = (_, index) => new Option(index ? `${index + 1} parts` : "at once", index + 1);
  form.installments.replaceChildren(...Array.from({ length: most }, option));
}

function choose(input, wanted) {
  const quantity = Math.max(0, Math.floor(wanted) || 0);
  const { id } = input.closest("li").dataset;
  if (quantity) quantities.set(id, quantity);
  else quantities.delete(id);
  renderTotal();
  return quantity;
}

async function stockTheShop() {
  const { id } = await call("POST", "/categories", { name: "Night and light", description: "For late hours" });
  for (const goods of GOODS) await call("POST", "/products", { ...goods, category_id: id });
  await load(products);
}

// ---- what is bought

const basket = () => [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));

/** A repetition after a lost answer goes out under the same key, so that it is the same purchase. */
async function buy() {
  const [method, installments] = [form.method.value, Number(form.installments.value)];
  const token = shop.mail_page ? { token: form.token.value } : {};
  const body = { order_items: basket(), payment: { currency_code: shop.currency_code, method, installments, ...token } };
  if (JSON.stringify(attempt.body) !== JSON.stringify(body)) attempt = { body, key: newKey() };
  const purchase = await call("POST", "/purchases", body, { key: attempt.key });
  attempt = {};
  quantities.clear();
  renderShop();
  purchases.items.unshift(purchase);
  select(purchase.id);
  $("watched").scrollIntoView({ block: "nearest" });
}

const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

function fieldOfPurchase(field) {
  const line = /^order_items\[(\d+)\]/.exec(field);
  return line ? `quantity ${basket()[line[1]]?.product_id}` : field.replace(/^payment$/, "payment.installments");
}

// ---- what becomes of it

function select(id) {
  selected = id ?? purchases.items[0]?.id ?? null;
  if (selected) sessionStorage.setItem("selected", selected);
  view.showPurchases(purchases.items, selected);
  $("none-yet").hidden = purchases.items.length > 0;
  $("more-purchases").hidden = !purchases.next;
  $("watched").hidden = !selected;
  if (selected) renderLog();
  const moving = purchases.items.filter(({ status, settled }) => !settled && status !== "COMPLETED");
  const wanted = new Set([selected, ...moving.map(({ id }) => id)]);
  const open = [...wanted].filter((each) => each && !isLast(logs.get(each)?.at(-1)));
  follow(open.slice(0, MOST_STREAMS), heard, connected);
}

function renderLog() {
  const entries = logs.get(selected) ?? [];
  view.showLog(selected, entries);
  const isDecided = entries.some(view.isDecision);
  $("cancel").hidden = !entries.length || isDecided;
  const timing = $("timing");
  timing.hidden = !isDecided;
  if (timing.dataset.id !== selected) timing.open = false;
  timing.dataset.id = selected;
  if (timing.open) loadTiming().catch(complain);
}

/** Only when somebody looks, and again when there is more to see. */
async function loadTiming() {
  const id = selected;
  const { timing } = await call("GET", `/purchases/${id}?include=timing`);
  if (id === selected) view.showTiming(timing);
}

/** A decision changes the list and what is left; a stream that ends makes room for another. */
function heard(id, entry) {
  logs.set(id, [...(logs.get(id) ?? []), entry]);
  if (id === selected) renderLog();
  if (entry.type === "step") return;
  Promise.all([load(purchases), load(products)]).catch(complain);
  if (isLast(entry)) setTimeout(() => load(products).catch(() => {}), STOCK_AGE);
}

function connected(id, yes) {
  if (id === selected) $("connection").hidden = yes;
}

// ---- who is there

async function arrive() {
  view.showAccount(account());
  if (!account()) return leave();
  if (account().verified && !purchases.items.length) {
    selected = sessionStorage.getItem("selected");
    await load(purchases);
  }
}

function leave() {
  sessionStorage.removeItem("selected");
  logs.clear();
  quantities.clear();
  purchases.items = [];
  select(null);
  renderShop();
}

// ---- wiring

function complain(problem) {
  if (!(problem instanceof Problem)) throw problem;
  if (problem.status !== 401) view.showNotice(problem.message);
}

/** One at a time per button; what goes wrong is said at the form, or above the page. */
async function guarded(button, action, place, rename) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  view.showNotice("");
  if (place) view.clearProblem(place);
  try {
    await action();
  } catch (problem) {
    if (place && problem instanceof Problem) view.showProblem(place, problem, rename);
    else complain(problem);
  } finally {
    button.ariaBusy = "false";
  }
}

function onClick(id, action) {
  $(id).addEventListener("click", () => guarded($(id), action));
}

function onSubmit(place, action, rename) {
  place.addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(place, action, place, rename);
  });
}

for (const door of document.querySelectorAll("form[data-path]")) {
  onSubmit(door, async () => {
    await enter(door.dataset.path, Object.fromEntries(new FormData(door)));
    door.reset();
    if (!account().verified) $("proof").elements.code.focus();
  });
}
for (const button of document.querySelectorAll("[data-other-door]")) {
  button.addEventListener("click", () => {
    for (const id of ["register", "login"]) $(id).hidden = id !== button.dataset.otherDoor;
    $(button.dataset.otherDoor).elements[0].focus();
  });
}
onSubmit($("buy"), buy, fieldOfPurchase);
onClick("sign-out", signOut);
onClick("stock", stockTheShop);
onClick("resend", async () => {
  await call("POST", "/account/verify/resend");
  view.showNotice("Another code is on its way; those before it are dead.");
});
onClick("more-products", () => load(products, true));
onClick("more-purchases", () => load(purchases, true));
$("timing").addEventListener("toggle", () => {
  if ($("timing").open) loadTiming().catch(complain);
});
onClick("cancel", () => call("POST", `/purchases/${selected}/cancel`));
$("products").addEventListener("input", ({ target }) => choose(target, target.value));
$("products").addEventListener("click", ({ target }) => {
  const input = target.dataset.change && target.parentElement.querySelector("input");
  if (input) input.value = choose(input, Number(input.value) + Number(target.dataset.change));
});
$("purchases").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) select(button.dataset.field);
});
form.method.addEventListener("change", renderInstallments);
sessionChanges.addEventListener("session", () => arrive().catch(complain));

async function start() {
  view.showAccount(account());
  shop = await (await fetch("/static/shop.json")).json();
  $("mail-hint").hidden = $("provider").hidden = !shop.mail_page;
  if (shop.mail_page) $("mail-page").href = shop.mail_page;
  methods = (await call("GET", "/payments/methods")).items;
  form.method.replaceChildren(...methods.map(({ method }) => new Option(method.replaceAll("_", " "), method)));
  renderInstallments();
  await Promise.all([load(products), arrive()]);
}

start().catch(complain);
