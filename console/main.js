// The console: login, the wall of cameras, the latest plates, alerts to acknowledge, the plate search.

import { Account } from "./account.js";
import { offerProviders } from "./federation.js";
import { Live } from "./live.js";
import { inWords } from "./messages.js";
import { Purpose } from "./purpose.js";
import { Problem, Session } from "./session.js";
import { Wall } from "./wall.js";

const TILES = 4;
const MOST_PLATES = 60;
const MOST_ALERTS = 100;
const SAME_PASSAGE_MS = 30_000;
const MERCOSUL = /^[A-Z]{3}[0-9][A-Z][0-9]{2}$/;

const el = (id) => document.getElementById(id);
const session = new Session();
const account = new Account(el("account"), session);
const wall = new Wall(el("wall"), session);
const purpose = new Purpose(el("purpose"), el("purpose-error"), session);
const cameras = new Map();
const alerts = new Map();
let live = null;
let sound = null;

// --- signing in and out ------------------------------------------------------------------------------------------------

el("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const error = el("login-error");
  error.hidden = true;
  form.querySelector("button").disabled = true;
  try {
    await session.login(form.email.value, form.password.value, form.code.value.trim());
    form.reset();
    askForCode(false);
    await enter();
  } catch (problem) {
    const asked = problem.code === "second_factor_required";
    if (asked) askForCode(true);
    error.textContent = asked ? "Digite o código do seu aplicativo autenticador." : inWords(problem);
    error.hidden = false;
  } finally {
    form.querySelector("button").disabled = false;
  }
});

function askForCode(asked) {
  el("login-code").hidden = !asked;
  if (asked) el("login-form").code.focus();
}

el("password-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const error = el("password-error");
  error.hidden = true;
  try {
    if (form.fresh.value !== form.again.value) throw { code: "not_the_same" };
    await session.changePassword(form.current.value, form.fresh.value);
    form.reset();
    await enter();
  } catch (problem) {
    error.textContent = inWords(problem);
    error.hidden = false;
  }
});

offerProviders(el("providers"), el("login-error"));

el("logout").addEventListener("click", () => session.logout().catch(() => {})); // it ends on this page in any case
el("password-leave").addEventListener("click", () => session.logout().catch(() => {}));
el("my-account").addEventListener("click", () => account.open());
session.addEventListener("ended", leave);

async function enter() {
  el("login").hidden = true;
  el("password").hidden = !session.mustChangePassword;
  if (session.mustChangePassword) {
    el("password-form").current.focus();
    return;
  }
  el("console").hidden = false;
  purpose.learn();
  await loadCameras();
  live = new Live(session, ["detections", "cameras", "alerts"]);
  live.addEventListener("state", ({ detail }) => linkIs(detail));
  live.addEventListener("resync", () => Promise.allSettled([loadCameras(), loadPlates(), loadAlerts()]));
  live.addEventListener("detection", ({ detail }) => detected(detail));
  live.addEventListener("camera", ({ detail }) => cameraIs(detail));
  live.addEventListener("alert", ({ detail }) => alertIs(detail, true));
  live.open();
}

function leave() {
  account.close();
  live?.close();
  live = null;
  wall.close();
  cameras.clear();
  alerts.clear();
  purpose.forget();
  el("console").hidden = true;
  clear();
  el("password").hidden = true;
  askForCode(false);
  showLogin();
}

/** Removes the data of a user who signed out, as the next may be of another city, and closes the dialog, which would cover the login. */
function clear() {
  el("results").close();
  el("results-body").replaceChildren();
  el("search").reset();
  el("plates").replaceChildren(text("li", "Aguardando a primeira placa…", "empty"));
  showAlerts();
}

/** Focuses the field by script: `autofocus` works only when the page is loaded, while the field is still hidden. */
function showLogin() {
  el("login").hidden = false;
  el("login-form").email.focus();
}

function linkIs(state) {
  el("link").dataset.state = state;
  el("link").textContent = state === "on" ? "ao vivo" : "reconectando…";
}

// --- cameras -------------------------------------------------------------------------------------------------------------

async function loadCameras() {
  const page = await session.get("/cameras?limit=100");
  for (const camera of page.items) cameras.set(camera.id, camera);
  const known = new Set(page.items.map((camera) => camera.id));
  for (const id of cameras.keys()) if (!known.has(id)) cameras.delete(id);
  wall.show([...cameras.values()].filter((camera) => camera.enabled).slice(0, TILES));
  countFleet();
}

function cameraIs(change) {
  const camera = cameras.get(change.camera_id);
  if (!camera || change.state === "removed") {
    loadCameras();
    return;
  }
  camera.state = change.state;
  wall.become(change.camera_id, change.state);
  countFleet();
}

function countFleet() {
  const online = [...cameras.values()].filter((camera) => camera.state === "online").length;
  el("fleet").textContent = cameras.size ? `${online} de ${cameras.size} câmeras no ar` : "Nenhuma câmera cadastrada.";
}

const nameOf = (id) => cameras.get(id)?.name ?? "câmera removida";

// --- plates --------------------------------------------------------------------------------------------------------------

async function loadPlates() {
  const page = await session.get("/detections?limit=60");
  el("plates").replaceChildren();
  for (const item of page.items.reverse()) if (item.plate) addPlate(item);
}

function detected(frame) {
  wall.detected(frame);
  for (const object of frame.objects) {
    if (object.plate) addPlate({ ...object, camera_id: frame.camera_id, captured_at: frame.captured_at });
  }
}

function addPlate(read) {
  const list = el("plates");
  list.querySelector(".empty")?.remove();
  const key = `${read.plate}${read.camera_id}`;
  // A plate that is read again within a minute updates its line; later it is another passage with a line of its own.
  const known = [...list.children].find((line) => line.dataset.key === key);
  const item = known && Math.abs(new Date(read.captured_at) - new Date(known.dataset.at)) < SAME_PASSAGE_MS ? known : document.createElement("li");
  item.dataset.key = key;
  item.dataset.at = read.captured_at;
  item.dataset.plate = read.plate;
  item.replaceChildren(
    plateButton(read.plate, () => showEvidence(read)),
    text("span", percent(read.plate_confidence)),
    clock(read.captured_at),
    text("span", nameOf(read.camera_id), "where"),
  );
  list.prepend(item);
  while (list.children.length > MOST_PLATES) list.lastElementChild.remove();
}

async function showEvidence(read) {
  if (purposeMissing()) return;
  openDialog(`Placa ${written(read.plate)}`, text("p", "Carregando a imagem…", "muted"));
  try {
    const picture = document.createElement("img");
    picture.src = await session.picture(`/detections/${read.detection_id}/evidence?captured_at=${encodeURIComponent(read.captured_at)}`);
    picture.alt = `Imagem em que a placa ${written(read.plate)} foi lida`;
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
    openDialog(`Placa ${written(read.plate)}`, picture, text("p", `${nameOf(read.camera_id)}, ${moment(read.captured_at)}`, "muted"));
  } catch (problem) {
    if (await purposeRefused(problem)) return;
    openDialog(`Placa ${written(read.plate)}`, text("p", problem instanceof Problem && problem.status === 404 ? "A imagem não está mais guardada." : "A imagem não pôde ser carregada.", "error"));
  }
}

el("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const plate = el("plate").value.toUpperCase().replace(/[^A-Z0-9]/g, "");
  if (!plate || purposeMissing()) return;
  openDialog(`Busca: ${plate}`, text("p", "Buscando…", "muted"));
  try {
    const page = await session.get(`/plates/${encodeURIComponent(plate)}?limit=50`);
    openDialog(`Busca: ${written(plate)}`, page.items.length ? resultTable(page.items) : text("p", "Nenhuma passagem encontrada.", "muted"));
  } catch (problem) {
    if (await purposeRefused(problem)) return;
    openDialog(`Busca: ${plate}`, text("p", problem.code === "invalid_plate" ? "Isto não é uma placa brasileira. Exemplos: ABC-1234, ABC1D23." : inWords(problem), "error"));
  }
});

/** Asks for a missing purpose, and closes the dialog, which would cover its field. Returns whether it was missing. */
function purposeMissing() {
  if (!purpose.isMissing) return false;
  el("results").close();
  purpose.ask({ code: "purpose_required" });
  return true;
}

async function purposeRefused(problem) {
  if (!(await purpose.mends(problem))) return false;
  el("results").close();
  purpose.ask(problem);
  return true;
}

function resultTable(items) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const title of ["Placa", "Quando", "Câmera", "Confiança"]) head.append(text("th", title));
  const body = table.createTBody();
  for (const item of items) {
    const row = body.insertRow();
    row.insertCell().append(plateButton(item.plate, () => showEvidence(item)));
    row.insertCell().textContent = moment(item.captured_at);
    row.insertCell().textContent = nameOf(item.camera_id);
    row.insertCell().textContent = percent(item.plate_confidence ?? item.confidence);
  }
  return table;
}

// --- alerts --------------------------------------------------------------------------------------------------------------

async function loadAlerts() {
  const page = await session.get(`/alerts?limit=${MOST_ALERTS}`);
  alerts.clear();
  for (const alert of page.items.reverse()) alertIs(alert, false);
  showAlerts();
}

function alertIs(alert, isNew) {
  const known = alerts.get(alert.alert_id);
  alerts.set(alert.alert_id, alert);
  if (isNew && !known && alert.state === "open") {
    announce(alert);
  }
  if (isNew) showAlerts();
}

function announce(alert) {
  if (alert.severity === "critical") {
    el("banner").textContent = alert.title;
    el("banner").hidden = false;
  }
  if (sound) {
    const tone = new OscillatorNode(sound, { frequency: 880 });
    const gain = new GainNode(sound, { gain: 0.15 });
    tone.connect(gain).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.25);
  }
}

function showAlerts() {
  const newest = [...alerts.values()].sort((a, b) => b.raised_at.localeCompare(a.raised_at)).slice(0, MOST_ALERTS);
  const open = newest.filter((alert) => alert.state === "open");
  el("alerts-count").textContent = open.length;
  document.title = open.length ? `(${open.length}) GT-Vision` : "GT-Vision";
  el("alerts").replaceChildren(...(newest.length ? newest.map(alertItem) : [text("li", "Nenhum alerta aberto.", "empty")]));
  if (!open.some((alert) => alert.severity === "critical")) el("banner").hidden = true;
}

function alertItem(alert) {
  const item = document.createElement("li");
  item.className = "alert";
  item.dataset.severity = alert.severity;
  item.dataset.state = alert.state;
  item.dataset.alert = alert.alert_id;
  item.title = alert.title;
  const what = text("div", "", "what");
  if (alert.plate) what.append(plateButton(alert.plate, () => showEvidence(alert)), text("strong", nameOf(alert.camera_id)));
  else what.append(text("strong", alert.title));
  item.append(what, alert.state === "open" ? acknowledgeButton(alert) : text("span", "ciente", "badge"));
  const repeats = alert.sightings > 1 ? ` · ${alert.sightings} leituras` : "";
  item.append(text("span", `${moment(alert.captured_at ?? alert.raised_at)}${alert.reason ? ` · ${alert.reason}` : ""}${repeats}`, "where"));
  return item;
}

function acknowledgeButton(alert) {
  const button = text("button", "Ciente");
  button.type = "button";
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      alertIs(await session.post(`/alerts/${alert.alert_id}/acknowledge`), true);
    } catch {
      button.disabled = false;
      button.textContent = "Tentar de novo";
    }
  });
  return button;
}

el("sound").addEventListener("click", ({ target }) => {
  sound = sound ? null : new AudioContext(); // browsers allow sound only after a click
  target.setAttribute("aria-pressed", String(Boolean(sound)));
});

// --- small things --------------------------------------------------------------------------------------------------------

function openDialog(title, ...content) {
  if (!session.token) return; // the user signed out meanwhile
  el("results-title").textContent = title;
  el("results-body").replaceChildren(...content);
  if (!el("results").open) el("results").showModal();
}

el("results").addEventListener("click", ({ target, currentTarget }) => {
  if (target === currentTarget || target.closest("[data-close]")) currentTarget.close();
});

function text(tag, content, className = "") {
  const node = document.createElement(tag);
  node.textContent = content;
  if (className) node.className = className;
  return node;
}

function plateButton(plate, onClick) {
  const button = text("button", written(plate), MERCOSUL.test(plate) ? "plate mercosul" : "plate");
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

function clock(instant) {
  const node = text("time", new Date(instant).toLocaleTimeString("pt-BR"));
  node.dateTime = instant;
  return node;
}

const written = (plate) => (/^[A-Z]{3}[0-9]{4}$/.test(plate) ? `${plate.slice(0, 3)}-${plate.slice(3)}` : plate);
const moment = (instant) => new Date(instant).toLocaleString("pt-BR", { dateStyle: "short", timeStyle: "medium" });
const percent = (share) => (share == null ? "" : `${Math.round(share * 100)} %`);

if (await session.resume()) await enter();
else showLogin();
