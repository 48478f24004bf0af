// Help: what to do first, the keys, and what the signs of the screens mean.

import { areShortcutsOn, LETTERS } from "../../shell/shortcuts.js";
import { isOpen, SCREENS } from "../../shell/screens.js";
import { may } from "../../shell/state.js";
import { CAMERA_STATES, SEVERITIES } from "../../texts/pt-BR/common.js";
import { HELP, KEYS_DO, LINKS_MEAN, PLAYER_KEYS, PROTOCOLS, SEVERITIES_MEAN, STATES_MEAN } from "../../texts/pt-BR/help.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { html } from "../../ui/html.js";
import { CameraState, Severity } from "../../ui/signs.js";
import { Table } from "../../ui/table.js";
import { ThemeChoice } from "../../ui/theme-choice.js";
import { Steps } from "./steps.js";

export const styles = ["style.css"];

export default function Help() {
  return html`<section class="screen help">
    <header><h1>${SHELL.screens.help}</h1></header>
    <div class="help-panels">
      <${Steps} />
      <${Keys} />
      <section class="panel" aria-label=${HELP.looks}><h2>${HELP.looks}</h2><p class="muted">${HELP.looksWhy}</p><${ThemeChoice} /></section>
      <${Signs} />
    </div>
    <p class="muted">${HELP.more}</p>
  </section>`;
}

/** Whether a key does something for this user: letters of screens that are not theirs do nothing. */
function isMine(key) {
  if (key === "/") return may("plates:search");
  if (PLAYER_KEYS.has(key)) return may("recordings:read");
  if (key === "k") return may("alerts:acknowledge");
  if (!Object.hasOwn(LETTERS, key)) return true;
  return SCREENS.some((screen) => screen.path === LETTERS[key] && isOpen(screen));
}

function Keys() {
  const rows = Object.entries(KEYS_DO).filter(([key]) => isMine(key));
  const columns = [
    { title: HELP.key, name: true, cell: ([key]) => html`<kbd class="help-key">${key}</kbd>` },
    { title: HELP.does, cell: ([, does]) => does },
  ];
  return html`<section class="panel" aria-label=${HELP.keys}><h2>${HELP.keys}</h2>
    ${!areShortcutsOn.value && html`<p role="status">${HELP.keysOff} <a href="/conta">${HELP.turnOn}</a></p>`}
    <${Table} caption=${HELP.keys} columns=${columns} rows=${rows} keyOf=${([key]) => key} />
  </section>`;
}

function Signs() {
  return html`<section class="panel help-signs" aria-label=${HELP.signs}><h2>${HELP.signs}</h2>
    <h3>${HELP.cameraStates}</h3>
    <${Meanings} of=${Object.keys(CAMERA_STATES)} mean=${STATES_MEAN} sign=${(state) => html`<${CameraState} camera=${{ state }} brief />`} />
    ${may("alerts:read") && html`<h3>${HELP.severities}</h3>
      <${Meanings} of=${Object.keys(SEVERITIES)} mean=${SEVERITIES_MEAN} sign=${(level) => html`<${Severity} level=${level} />`} />`}
    <h3>${HELP.link}</h3>
    <${Meanings} of=${Object.keys(LINKS_MEAN)} mean=${LINKS_MEAN} sign=${(state) => html`<span class="badge" data-state=${state}>${SHELL.link[state]}</span>`} />
    ${may("live:view") && html`<h3>${HELP.protocols}</h3>
      <${Meanings} of=${Object.keys(PROTOCOLS)} mean=${PROTOCOLS} sign=${(name) => html`<span class="badge">${name}</span>`} />`}
  </section>`;
}

function Meanings({ of: codes, mean, sign }) {
  return html`<dl class="help-meanings">${codes.map((code) => html`<div key=${code}><dt>${sign(code)}</dt><dd>${mean[code]}</dd></div>`)}</dl>`;
}
