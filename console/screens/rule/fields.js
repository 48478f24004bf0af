// The fields of a rule: what it looks for, where, when, and how its alerts are.

import { groups } from "../../stores/groups.js";
import { CLASSES, COMMON } from "../../texts/pt-BR/common.js";
import { RULE } from "../../texts/pt-BR/rule.js";
import { COLOURS } from "../../texts/pt-BR/rules.js";
import { WATCHLISTS } from "../../texts/pt-BR/watchlists.js";
import { CamerasField, GroupBoxes } from "../../ui/choosing.js";
import { CheckField, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { ToldField } from "../../ui/told.js";
import { NIGHTS, WeekFields } from "../../ui/week.js";
import { drawnOn } from "./draft.js";
import { OnPicture } from "./picture.js";

const typed = (edit, name) => (event) => edit({ [name]: event.target.value });

/** `edit(changes)` changes the draft. */
export function Fields({ draft, edit, onDrawingGone }) {
  return html`
    <div class="numbers">
      <${TextField} label=${RULE.name} required maxlength="120" autocomplete="off" placeholder=${RULE.nameExample} value=${draft.name} onInput=${typed(edit, "name")} />
      <${SelectField} label=${RULE.severity} value=${draft.severity} options=${WATCHLISTS.severities} onChange=${typed(edit, "severity")} />
    </div>
    <${What} draft=${draft} edit=${edit} />
    <${Where} draft=${draft} edit=${edit} onDrawingGone=${onDrawingGone} />
    <${When} draft=${draft} edit=${edit} />
    <fieldset><legend>${RULE.alerting}</legend>
      <${TextField} label=${RULE.cooldown} hint=${RULE.cooldownHint} type="number" min="0" max="86400" step="1" required value=${draft.cooldown} onInput=${typed(edit, "cooldown")} />
      <${ToldField} chosen=${draft.channel_ids} onChange=${(ids) => edit({ channel_ids: ids })} />
    </fieldset>`;
}

function Boxes({ legend, hint, words, chosen, onChange }) {
  const toggle = (code) => onChange(chosen.includes(code) ? chosen.filter((each) => each !== code) : [...chosen, code]);
  return html`<fieldset><legend>${legend}</legend>
    <div class="rule-boxes">${Object.entries(words).map(([code, word]) => html`<label key=${code} class="choice"><input type="checkbox" checked=${chosen.includes(code)} onChange=${() => toggle(code)} /> ${word}</label>`)}</div>
    <small class="muted">${hint}</small>
  </fieldset>`;
}

function What({ draft, edit }) {
  const [hasColours] = useState(draft.colours.length > 0); // what is detected carries no colour yet
  return html`<fieldset><legend>${RULE.what}</legend>
    <${Boxes} legend=${RULE.classes} hint=${RULE.classesHint} words=${CLASSES} chosen=${draft.classes} onChange=${(classes) => edit({ classes })} />
    ${hasColours && html`<${Boxes} legend=${RULE.colours} hint=${RULE.coloursHint} words=${COLOURS} chosen=${draft.colours} onChange=${(colours) => edit({ colours })} />`}
    <div class="filters">
      <${SelectField} label=${RULE.plate} value=${draft.plate} options=${RULE.plates} onChange=${typed(edit, "plate")} />
      ${draft.plate === "prefix" && html`<${TextField} label=${RULE.prefix} required maxlength="8" placeholder=${RULE.prefixExample} autocomplete="off" autocapitalize="characters" spellcheck=${false} value=${draft.prefix} onInput=${typed(edit, "prefix")} />`}
      <${TextField} label=${RULE.confidence} hint=${RULE.confidenceHint} type="number" min="0" max="100" step="1" required value=${draft.confidence} onInput=${typed(edit, "confidence")} />
    </div>
  </fieldset>`;
}

function Where({ draft, edit, onDrawingGone }) {
  /** What was drawn belongs to one camera's picture. */
  const place = (changes) => {
    const isSame = drawnOn({ ...draft, ...changes }) === drawnOn(draft);
    const isDrawn = draft.zone.length > 0 || draft.line.points.length > 0;
    if (isSame || !isDrawn) return edit(changes);
    onDrawingGone();
    return edit({ ...changes, zone: [], line: { points: [], direction: "any" } });
  };
  const cameraId = drawnOn(draft);
  return html`<fieldset><legend>${RULE.where}</legend>
    <div class="filters">
      <${SelectField} label=${RULE.place} value=${draft.place} options=${RULE.places} onChange=${(event) => place({ place: event.target.value })} />
      ${draft.place === "cameras" && html`<${CamerasField} label=${RULE.cameras} none=${RULE.noPlace} chosen=${draft.camera_ids} onChange=${(ids) => place({ camera_ids: ids })} />`}
    </div>
    ${draft.place === "groups" && (groups.value?.length === 0
      ? html`<p class="muted">${COMMON.noGroups}</p>`
      : html`<${GroupBoxes} legend=${RULE.groups} chosen=${draft.group_ids} onChange=${(ids) => place({ group_ids: ids })} />`)}
    <p><strong>${RULE.drawing}</strong></p>
    ${cameraId
      ? html`<${OnPicture} key=${cameraId} cameraId=${cameraId} zone=${draft.zone} line=${draft.line} onChange=${edit} />`
      : html`<p class="muted">${RULE.oneCamera}</p>`}
  </fieldset>`;
}

function When({ draft, edit }) {
  const { schedule } = draft;
  return html`<fieldset><legend>${RULE.when}</legend>
    ${draft.line.points.length === 0 && html`<${TextField} label=${RULE.dwell} hint=${RULE.dwellHint} type="number" min="1" max="86400" step="1" value=${draft.dwell} onInput=${typed(edit, "dwell")} />`}
    <${CheckField} label=${RULE.counts} hint=${RULE.countHint} checked=${draft.isCounted} onChange=${(event) => edit({ isCounted: event.target.checked })} />
    ${draft.isCounted && html`<div class="filters">
      <${TextField} label=${RULE.atLeast} type="number" min="2" max="500" step="1" required value=${draft.at_least} onInput=${typed(edit, "at_least")} />
      <${TextField} label=${RULE.within} type="number" min="1" max="3600" step="1" required value=${draft.within} onInput=${typed(edit, "within")} />
    </div>`}
    <${CheckField} label=${RULE.scheduled} checked=${schedule !== null} onChange=${(event) => edit({ schedule: event.target.checked ? { ...NIGHTS, holidays: "as_usual" } : null })} />
    ${schedule && html`<${WeekFields} value=${schedule} onChange=${(changed) => edit({ schedule: changed })}>
      <${SelectField} label=${RULE.holidays} value=${schedule.holidays} options=${RULE.holidayKinds} onChange=${(event) => edit({ schedule: { ...schedule, holidays: event.target.value } })} />
    <//>`}
  </fieldset>`;
}
