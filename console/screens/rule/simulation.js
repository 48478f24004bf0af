// What a rule would have done: how many alerts, on which days, and each with its picture and its minute of video.

import { purposeFor } from "../../shell/purpose.js";
import { session } from "../../shell/state.js";
import { nameOf } from "../../stores/cameras.js";
import { CLASSES } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { RULE, SIMULATION } from "../../texts/pt-BR/rule.js";
import { dayOf, moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { SelectField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { Picture, Thumbnail } from "../../ui/picture.js";
import { ShowMinute } from "../../ui/playback/minute.js";
import { Plate } from "../../ui/signs.js";
import { Skeleton } from "../../ui/states.js";

const DAY_MS = 86_400_000;
const PATIENCE_MS = 60_000;
const HEIGHT = 100;
const STEP = 10;

/** `read()`: {condition, cooldown_s} as the form has it now, or it throws; `known`: the same as text; `children`: what can be done next. */
export function Simulation({ read, known, children }) {
  const [days, setDays] = useState("7");
  const [state, setState] = useState({ result: null, problem: null, isRunning: false });
  const run = async () => {
    if (state.isRunning) return;
    setState({ result: null, problem: null, isRunning: true });
    try {
      const to = Date.now();
      const period = { from: new Date(to - Number(days) * DAY_MS).toISOString(), to: new Date(to).toISOString() };
      const asked = { ...read(), ...period };
      if (asked.condition.schedule) asked.holidays = (await session.get("/maintenance/holidays")).dates.map(({ date }) => date);
      const answer = await purposeFor(() => session.post("/detections/dry-run", asked, { timeout: PATIENCE_MS })); // a plate is searched for
      setState({ result: { ...answer, days, known }, problem: null, isRunning: false });
    } catch (problem) {
      setState({ result: null, problem, isRunning: false });
    }
  };
  const { result, problem, isRunning } = state;
  return html`<section class="panel rule-simulation" aria-label=${SIMULATION.title}>
    <header><h2>${SIMULATION.title}</h2></header>
    <p class="muted">${SIMULATION.why}</p>
    <div class="filters">
      <${SelectField} label=${SIMULATION.period} value=${days} options=${SIMULATION.periods} onChange=${(event) => setDays(event.target.value)} />
      <button type="button" aria-disabled=${isRunning} onClick=${run}>${isRunning ? SIMULATION.running : SIMULATION.run}</button>
    </div>
    ${isRunning && html`<${Skeleton} lines=${4} />`}
    ${problem && html`<p class="error" role="alert">${inWords(problem, RULE.words)}</p>`}
    ${result && html`<${Result} result=${result} isStale=${result.known !== known}>${children}<//>`}
  </section>`;
}

const pictureOf = (alert, what) => `/detections/${alert.detection_id}/${what}?captured_at=${encodeURIComponent(alert.at)}`;

function Result({ result, isStale, children }) {
  const { total, alerts, by_day: byDay, scanned, days } = result;
  const [opened, open] = useState(null);
  return html`
    <p class="rule-total" role="status"><strong>${total ? SIMULATION.would(total, days) : SIMULATION.wouldNot(days)}</strong> <span class="muted">${SIMULATION.scanned(scanned)}</span></p>
    ${!result.complete && html`<p class="error">${SIMULATION.cut(moment(result.scanned_until))}</p>`}
    ${isStale && html`<p class="error">${SIMULATION.stale}</p>`}
    ${children}
    ${byDay.length > 1 && total > 0 && html`<${Days} items=${byDay} />`}
    ${alerts.length > 0 && html`
      ${alerts.length < total && html`<p class="muted">${SIMULATION.newest(alerts.length, total)}</p>`}
      <ol class="rule-alerts" aria-label=${SIMULATION.caption}>${alerts.map((alert) => html`<${Found} key=${`${alert.detection_id} ${alert.at}`} alert=${alert} onOpen=${() => open(alert)} />`)}</ol>`}
    ${opened && html`<${Dialog} title=${SIMULATION.pictureTitle(moment(opened.at))} onClose=${() => open(null)} wide>
      <${Picture} path=${pictureOf(opened, "evidence")} alt=${SIMULATION.pictureTitle(moment(opened.at))} />
    <//>`}`;
}

function Found({ alert, onOpen }) {
  const when = moment(alert.at);
  const camera = nameOf(alert.camera_id);
  return html`<li>
    <span class="rule-when">${when}<br /><span class="muted">${[camera, CLASSES[alert.object_class], alert.sightings > 1 && SIMULATION.seen(alert.sightings)].filter(Boolean).join(" · ")}</span></span>
    ${alert.plate && html`<${Plate} plate=${alert.plate} />`}
    ${alert.evidence
      ? html`<button type="button" class="quiet rule-picture" onClick=${onOpen} aria-label=${SIMULATION.openPicture(`${when}, ${camera}`)}><${Thumbnail} path=${pictureOf(alert, "thumbnail")} /></button>`
      : html`<span class="muted">${SIMULATION.noPicture}</span>`}
    <${ShowMinute} camera=${alert.camera_id} at=${alert.at} about=${`${camera}, ${when}`} brief />
  </li>`;
}

/** Bars, one a day. A date of the city is read at noon, when it is the same day everywhere near. */
function Days({ items }) {
  const most = Math.max(...items.map(({ count }) => count));
  const name = (date) => dayOf(`${date}T12:00:00Z`);
  return html`<figure class="rule-days" aria-label=${SIMULATION.byDay}>
    <svg viewBox=${`0 0 ${items.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${SIMULATION.byDay}. ${items.map(({ date, count }) => SIMULATION.day(name(date), count)).join("; ")}`}>
      ${items.map(({ date, count }, index) => {
        const height = (count / most) * (HEIGHT - 2);
        return html`<g key=${date}><title>${SIMULATION.day(name(date), count)}</title>
          <rect class="ground" x=${index * STEP} y="0" width=${STEP} height=${HEIGHT} />
          <rect class="bar" x=${index * STEP + 1} y=${HEIGHT - height} width=${STEP - 2} height=${height} /></g>`;
      })}
    </svg>
    <figcaption>${items.length <= 8
      ? items.map(({ date, count }) => html`<span key=${date}>${name(date)}<br />${count}</span>`)
      : html`<span>${name(items[0].date)}</span><span>${name(items.at(-1).date)}</span>`}</figcaption>
  </figure>`;
}
