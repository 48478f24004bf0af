// What an open alert does to a person: the banner of critical ones, the sound, and the count in the page's title. The sound is remembered,
// and that of critical alerts repeats until they are acknowledged.

import { SHELL } from "../texts/pt-BR/shell.js";
import { computed, effect, html, signal, untracked } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Severity } from "../ui/signs.js";
import { acknowledge, onArrival, openCounts, openCriticals } from "../stores/alerts.js";
import { inWords } from "../texts/pt-BR/errors.js";
import { follow, recall, remember } from "./memory.js";
import { address } from "./router.js";
import { may, me } from "./state.js";
import { toast } from "./toasts.js";

const KEPT = "gtvision.sound";
const HEARD = "gtvision.heard";
const TURN = "gtvision.speaker";
const REPEAT_MS = 20_000;
const TONES = { critical: [[880, 0], [660, 0.28], [880, 0.56]], warning: [[660, 0]], info: [[440, 0]] };

/** Whether alerts are heard. On until the user says otherwise, and remembered for this browser. */
export const isSoundOn = signal(recall("localStorage", KEPT) ?? true);

/** Whether the browser holds the sound back until the page is clicked. */
export const isSoundBlocked = signal(false);

/** Counts the tones that were played, as `data-played` of the sound's button: what cannot be heard in a log can be seen there. */
export const played = signal(0);

/** The alert for which the banner was made small. */
const smallFor = signal(null);

let audio = null;
let turn = "";
let owed = null;
let waiting = null;
let repeating = null;

export function setSound(isOn) {
  remember("localStorage", KEPT, isOn);
  soundIs(isOn);
}

/** The choice is one for all windows of the browser. The turn stays with who mutes: the next window may not have heard of it yet. */
function soundIs(isOn) {
  isSoundOn.value = isOn;
  if (!isOn) owed = null;
  else if (me.value) ready();
}

/** Makes the sound ready: at once where the browser allows, else with the next click or key. */
function ready() {
  audio ??= new AudioContext();
  if (audio.state === "running") {
    isSoundBlocked.value = false;
    takeTurn();
    return;
  }
  isSoundBlocked.value = true;
  audio.resume().then(ready, () => {});
}

export function followGestures() {
  for (const event of ["pointerdown", "keydown"]) {
    document.addEventListener(event, () => me.value && isSoundOn.value && (!audio || audio.state !== "running") && ready(), { capture: true });
  }
}

/** Of several windows of one browser only one sounds: the first that may. When it closes or signs out, the next takes its part. */
function takeTurn() {
  if (turn === "asked") return;
  if (turn === "mine" || !navigator.locks) return void sound();
  turn = "asked";
  const mine = (waiting = new AbortController());
  const keep = () => {
    turn = "mine";
    sound();
    return new Promise((resolve) => mine.signal.addEventListener("abort", () => resolve(undefined)));
  };
  navigator.locks.request(TURN, { signal: mine.signal }, keep).catch(() => {}); // it was given back before it came
}

function giveTurn() {
  waiting?.abort();
  waiting = null;
  turn = "";
  owed = null;
}

effect(() => {
  if (me.value) return;
  smallFor.value = null;
  untracked(giveTurn);
});
follow(KEPT, (isOn) => soundIs(isOn ?? true));

/** Asks for a tone. Where the browser still holds the sound back, it comes with the next click, if it is not too late by then. */
function play(severity, latest = "") {
  if (!isSoundOn.value || !may("alerts:acknowledge")) return; // who can't end it need not hear it
  owed = { severity, latest: latest > (owed?.latest ?? "") ? latest : owed?.latest ?? "", until: Date.now() + REPEAT_MS };
  ready();
}

function sound() {
  if (!owed || Date.now() > owed.until) return;
  const tones = TONES[owed.severity] ?? TONES.info;
  heardUntil(owed.latest);
  owed = null;
  played.value += 1;
  for (const [frequency, after] of tones) {
    const tone = new OscillatorNode(audio, { frequency });
    const gain = new GainNode(audio, { gain: 0.15 });
    tone.connect(gain).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + 0.22);
  }
}

const ORDER = ["critical", "warning", "info"];

onArrival((alerts, isNews) => {
  const heard = recall("localStorage", HEARD);
  const isOther = heard?.user !== me.value?.id;
  // After a reload, open alerts that were heard before are no news; critical ones sound until they are acknowledged.
  const told = alerts.filter((alert) => isOther || alert.severity === "critical" || alert.raised_at > heard.at || isNews(alert));
  const worst = ORDER.find((severity) => told.some((alert) => alert.severity === severity));
  if (worst) play(worst, told.map((alert) => alert.raised_at).sort().at(-1));
});

/** Remembers up to when alerts were heard: written where the tone was played, as of several windows only one plays it. */
function heardUntil(latest) {
  const heard = recall("localStorage", HEARD);
  if (latest && (heard?.user !== me.value?.id || latest > heard.at)) remember("localStorage", HEARD, { user: me.value?.id, at: latest });
}

effect(() => {
  const isOwed = openCounts.value.critical > 0 || openCriticals.value.length > 0;
  if (isOwed) repeating ??= setInterval(() => play("critical"), REPEAT_MS);
  else {
    clearInterval(repeating);
    repeating = null;
  }
});

/** The number of open alerts in front of the page's title, or "". */
export const titleCount = computed(() => (openCounts.value.total ? `(${openCounts.value.total}) ` : ""));

export function SoundButton() {
  const label = isSoundOn.value ? SHELL.soundOn : SHELL.soundOff;
  const hint = isSoundOn.value && isSoundBlocked.value ? SHELL.soundBlocked : label;
  return html`<button type="button" class="sound" aria-pressed=${isSoundOn.value} data-blocked=${isSoundOn.value && isSoundBlocked.value}
    data-played=${played.value} title=${hint} aria-label=${hint} onClick=${() => setSound(!isSoundOn.value)}>
    <${Icon} name=${isSoundOn.value ? "sound" : "silent"} /> <span class="word">${SHELL.sound}</span>
  </button>`;
}

const SEEN_MS = 1_000;

/** The alert that the banner names; null where it is small: after "Minimizar", or as the alert centre itself shows them, and needs its room. */
const named = computed(() => {
  const [first = null] = openCriticals.value;
  return smallFor.value === first?.alert_id || address.value.path.startsWith("/alertas") ? null : first;
});
const namedId = computed(() => named.value?.alert_id);

/** Whether it has stood there long enough to be read: a click or a key that was meant for the one before does nothing. */
const isSeen = signal(false);
const isTaking = signal(false);
effect(() => {
  isSeen.value = false;
  if (!namedId.value) return undefined;
  const timer = setTimeout(() => (isSeen.value = true), SEEN_MS);
  return () => clearTimeout(timer);
});

/** Acknowledges the alert that the banner names, and no other. `isTold`: whether it is said, as after a key that is pressed without a look. */
export async function acknowledgeShown({ isTold = true } = {}) {
  const alert = named.value;
  if (!alert || !isSeen.value || isTaking.value) return;
  isTaking.value = true;
  await acknowledge([alert.alert_id]).then(() => isTold && toast(SHELL.acknowledged(alert.title)), (problem) => toast(inWords(problem), "failed"));
  isTaking.value = false;
}

/** Takes free room of the header, on a small screen the foot of the page: it moves nothing. Small after "Minimizar", until the next critical alert. */
export function Banner() {
  if (!openCriticals.value.length) return null;
  const first = named.value;
  const count = Math.max(openCounts.value.critical, openCriticals.value.length);
  if (!first) return html`<button type="button" class="banner small" data-after="content" onClick=${() => (smallFor.value = null)}>▲ ${SHELL.banner(count)}</button>`;
  return html`<section class="banner" data-after="content" aria-label=${SHELL.banner(count)}>
    <span class="visually-hidden" role="alert" key=${first.alert_id}>${first.title}</span>
    <${Severity} level="critical" />
    <p title=${first.title}><strong>${first.title}</strong>${first.reason && html` · ${first.reason}`}</p>
    ${count > 1 && html`<a class="count" href="/alertas?severity=critical" title=${SHELL.banner(count)} aria-label=${SHELL.banner(count)}>${count}</a>`}
    <span class="actions">
      ${may("alerts:acknowledge") && html`<button type="button" class="primary" aria-disabled=${!isSeen.value || isTaking.value}
        onClick=${() => acknowledgeShown({ isTold: false })} aria-label=${SHELL.acknowledgeThis(first.title)}>${SHELL.acknowledge}</button>`}
      <a class="button" href=${`/alertas/${first.alert_id}`}>${SHELL.see}</a>
      <button type="button" class="quiet" onClick=${() => (smallFor.value = first.alert_id)} aria-label=${SHELL.minimise} title=${SHELL.minimise}>–</button>
    </span>
  </section>`;
}
