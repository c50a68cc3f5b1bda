// A plain page for classification and multilabel: one key a row. Every act has an id before it is sent, waits in the
// browser's own storage until the server says that it is durable, and is sent again until then.
"use strict";

const KEYS = "123456789";
const HELD = 4;
const $ = (id) => document.getElementById(id);

const state = { project: null, queue: [], shown: null, chosen: new Set(), sending: false, ended: false };
const client = kept(sessionStorage, "querist-client", () => randomId());
let outbox = [];

function kept(storage, key, make) {
  let value = storage.getItem(key);
  if (!value) storage.setItem(key, (value = make()));
  return value;
}

function randomId() {
  // randomUUID is missing where a team comes over plain http.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const content = answer.status === 204 ? null : await answer.json();
  if (answer.ok) return content;
  throw Object.assign(new Error(content.message || String(answer.status)), { status: answer.status, content });
}

// -- the outbox: what is not yet known to be durable ---------------------------------------------------------------

function store() {
  localStorage.setItem(outboxKey(), JSON.stringify(outbox));
  const waiting = outbox.length;
  $("saved").textContent = waiting ? `${waiting} not saved yet` : "saved";
  $("saved").className = waiting ? "waiting" : "";
}

// Each window keeps its own; one that was closed before all was sent is taken over by the next that opens.
const prefix = () => `querist-outbox-${state.project.name}-${state.project.person.name}-`;
const outboxKey = () => prefix() + client;

function adopted() {
  const found = new Map();
  for (const key of Object.keys(localStorage).filter((each) => each.startsWith(prefix()))) {
    for (const each of JSON.parse(localStorage.getItem(key))) found.set(each.body.op_id, each);
    if (key !== outboxKey()) localStorage.removeItem(key);
  }
  return [...found.values()];
}

function send(path, body) {
  outbox.push({ path, body });
  store();
  flush();
}

async function flush() {
  if (state.sending) return;
  state.sending = true;
  let pause = 500;
  while (outbox.length) {
    const { path, body } = outbox[0];
    try {
      const ack = await call(path, body);
      outbox.shift();
      pause = 500;
      acknowledged(ack);
    } catch (error) {
      const lost = [undefined, 403, 408, 429].includes(error.status) || error.status >= 500;
      if (lost) {
        say(error.status ? error.message : "the server cannot be reached; answers are kept here and sent again");
        await new Promise((done) => setTimeout(done, pause));
        pause = Math.min(2 * pause, 10000);
        continue;
      }
      outbox.shift();
      refused(error, body);
    }
    store();
  }
  state.sending = false;
  store();
  count();
}

function acknowledged(ack) {
  say("");
  if (ack.kind === "undo") {
    state.queue = state.queue.filter((each) => each.row !== ack.row);
    const base = ack.restored ? ack.seq : 0;
    state.queue.unshift({ row: ack.row, reason: "taken back", base_seq: base, suggestion: null });
    state.shown = null;
    next();
  } else if (ack.suggestion) {
    $("suggestion").textContent = `row ${ack.row}: the model says ${words(ack.suggestion)}; u takes yours back`;
  }
}

function refused(error, body) {
  if (error.status === 409 && error.content.stored) {
    say(`row ${body.row} was answered in another window: ${JSON.stringify(error.content.stored.payload)}; that answer holds`);
  } else {
    say(error.message);
  }
}

// -- rows ----------------------------------------------------------------------------------------------------------

async function fill() {
  const waiting = new Set(outbox.map((each) => each.body.row));
  try {
    const handed = await call("/api/leases", { client, count: HELD });
    const known = new Set(state.queue.map((each) => each.row));
    for (const each of handed) {
      if (!known.has(each.row) && !waiting.has(each.row) && each.row !== state.shown?.row) state.queue.push(each);
    }
    state.ended = handed.length === 0;
    for (const each of state.queue) preload(each);
  } catch (error) {
    say(error.message);
  }
  if (!state.shown) next(true);
}

function preload(handed) {
  if (state.project.modality === "image") {
    if (!handed.image) (handed.image = new Image()).src = `/api/rows/${handed.row}/picture`;
  } else if (!handed.content) {
    handed.content = call(`/api/rows/${handed.row}`);
  }
}

async function next(filled) {
  state.shown = state.queue.shift() || null;
  state.chosen.clear();
  for (const button of $("classes").children) button.setAttribute("aria-pressed", "false");
  const sample = $("sample");
  sample.replaceChildren();
  if (!state.shown) {
    sample.textContent = state.ended ? "Nothing is left to label here." : "Loading…";
    $("why").textContent = "";
    if (!filled) fill();
    else if (!state.ended) setTimeout(fill, 1000);
    return;
  }
  const handed = state.shown;
  preload(handed);
  $("why").textContent = `why this one: ${handed.reason}`;
  $("suggestion").textContent = handed.suggestion ? `the model says ${words(handed.suggestion)}` : "";
  if (handed.image) {
    handed.image.alt = `sample ${handed.row}`;
    handed.image.onerror = () => { if (state.shown === handed) sample.textContent = "This picture cannot be read: f flags it."; };
    handed.image.decode().then(() => { handed.image.className = handed.image.naturalWidth < 128 ? "small" : ""; }, () => {});
    sample.append(handed.image);
  } else {
    const content = await handed.content.catch((error) => ({ text: error.message }));
    if (state.shown === handed) sample.append(rendered(content));
  }
  if (!filled && state.queue.length < HELD - 1) fill();
}

function rendered(content) {
  if (content.columns) {
    const table = document.createElement("table");
    for (const [name, value] of content.columns) {
      const line = table.insertRow();
      line.append(Object.assign(document.createElement("th"), { textContent: name }));
      line.insertCell().textContent = value;
    }
    return table;
  }
  return Object.assign(document.createElement("p"), { textContent: content.text ?? (content.tokens || []).join(" ") });
}

// -- acts ----------------------------------------------------------------------------------------------------------

function act(kind, payload) {
  if (!state.shown) return;
  const { row, base_seq } = state.shown;
  send("/api/acts", { op_id: randomId(), row, kind, payload: payload ?? null, base_seq, client });
  next();
}

function choose(place) {
  const name = state.project.classes[place];
  if (name === undefined || !state.shown) return;
  if (state.project.task === "classification") return act("label", name);
  if (!state.chosen.delete(name)) state.chosen.add(name);
  $("classes").children[place].setAttribute("aria-pressed", String(state.chosen.has(name)));
}

function pressed(name) {
  if (name === "undo") send("/api/undo", { op_id: randomId(), client });
  else if (name === "accept") act("label", state.project.classes.filter((each) => state.chosen.has(each)));
  else act(name);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !state.project) return;
  const named = { u: "undo", Backspace: "undo", s: "skip", f: "flag", x: "unsure" }[event.key];
  if (named) pressed(named);
  else if (event.key === "Enter" && state.project.task === "multilabel" && event.target.tagName !== "BUTTON") pressed("accept");
  else if (KEYS.includes(event.key)) choose(KEYS.indexOf(event.key));
  else if (event.key === "0") choose(9);
  else return;
  event.preventDefault();
});

// -- counts --------------------------------------------------------------------------------------------------------

async function count() {
  try {
    const now = await call("/api/progress");
    $("counts").textContent =
      `${now.label} labels · ${now.unsure} unsure · ${now.skip} skipped · ${now.flag} flagged · ${now.rows} rows`;
    const last = now.curve.at(-1);
    const score = last && last.accuracy !== undefined && last.measured_on
      ? `accuracy ${percent(last.accuracy)} (${percent(last.accuracy_low)} to ${percent(last.accuracy_high)}) ` +
        `on ${last.measured_on} rows drawn at random`
      : "not measured yet";
    $("model").textContent = `model: ${now.worker.state || "not started"}, ${score}. ${now.worker.message || ""}`;
  } catch { /* the outbox says so when it matters */ }
}

function percent(share) { return `${Math.round(100 * share)}%`; }
function words(guess) {
  const label = Array.isArray(guess.label) ? guess.label.join(", ") : guess.label;
  return guess.confidence === undefined ? label : `${label} (${percent(guess.confidence)})`;
}
function say(text) { $("message").textContent = text; }

async function start() {
  try {
    state.project = await call("/api/project");
  } catch (error) {
    say(error.message);
    return;
  }
  document.title = `${state.project.name} · Querist`;
  $("name").textContent = state.project.name;
  state.project.classes.forEach((name, place) => {
    const button = document.createElement("button");
    button.type = "button";
    const key = KEYS[place] ?? (place === 9 ? "0" : "");
    button.append(Object.assign(document.createElement("kbd"), { textContent: key }), name);
    button.addEventListener("click", () => choose(place));
    $("classes").append(button);
  });
  if (state.project.task === "multilabel") {
    const accept = document.createElement("button");
    accept.type = "button";
    accept.append(Object.assign(document.createElement("kbd"), { textContent: "Enter" }), "accept");
    accept.addEventListener("click", () => pressed("accept"));
    $("acts").prepend(accept);
  }
  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => pressed(button.dataset.act));
  }
  outbox = adopted();
  store();
  flush();
  await fill();
  count();
  setInterval(count, 3000);
  setInterval(() => call("/api/leases/heartbeat", { client }).catch(() => {}), (state.project.lease_s / 3) * 1000);
}

addEventListener("beforeunload", (event) => { if (outbox.length) event.preventDefault(); });
start();
