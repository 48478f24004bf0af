// API keys: what programs of others may do in the city's name, until when, and when each was last used.

import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { KEYS } from "../../texts/pt-BR/keys.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { day, moment } from "../../ui/dates.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { reachInWords } from "../../ui/reach.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { NewKey } from "./new-key.js";
import { ScopesInWords } from "./scopes.js";

export const styles = ["style.css"];

const hasEnded = (key) => key.expires_at !== null && Date.parse(key.expires_at) <= Date.now();
const isInstalled = (key) => key.created_by === null && key.expires_at === null;

const COLUMNS = [
  {
    title: KEYS.key,
    name: true,
    cell: (key) => html`${key.name}${(key.hint || isInstalled(key)) && html`<br /><small class="muted">${key.hint ? KEYS.begins(key.hint) : KEYS.installed}</small>`}`,
  },
  { title: KEYS.scopes, cell: (key) => html`<${ScopesInWords} scopes=${key.scopes} />` },
  { title: KEYS.reach, cell: (key) => reachInWords(key.camera_groups) },
  { title: KEYS.expires, cell: (key) => (key.expires_at ? day(key.expires_at) : KEYS.forever) },
  { title: KEYS.lastUsed, cell: (key) => (key.last_used_at ? `${moment(key.last_used_at)}${key.last_used_address ? ` ${KEYS.from(key.last_used_address)}` : ""}` : KEYS.never) },
  { title: KEYS.state, cell: (key) => html`<${State} of=${key} />` },
];

function State({ of: key }) {
  const isGood = !key.revoked_at && !hasEnded(key);
  const text = key.revoked_at ? KEYS.revokedAt(day(key.revoked_at)) : hasEnded(key) ? KEYS.ended : KEYS.good;
  return html`<span class="badge" data-state=${isGood ? "on" : "off"}>${text}</span>`;
}

export default function Keys() {
  const [isMaking, setMaking] = useState(false);
  const pages = usePages("/api-keys", {}, { limit: 100 });
  const revoke = async (key) => {
    const text = isInstalled(key) ? KEYS.revokeInstalled : KEYS.revokeText;
    if (!(await confirm({ title: KEYS.revokeTitle(key.name), text, action: KEYS.revoke }))) return;
    try {
      await session.delete(`/api-keys/${key.id}`);
      toast(KEYS.revokedNow);
      document.getElementById("content").focus(); // the button goes
      pages.change((items) => items.map((item) => (item.id === key.id ? { ...item, revoked_at: new Date().toISOString() } : item)));
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  const action = {
    title: KEYS.actions,
    cell: (key) => !key.revoked_at && html`<button type="button" onClick=${() => revoke(key)} aria-label=${KEYS.revokeThis(key.name)}>${KEYS.revoke}</button>`,
  };
  const make = may("api-keys:write") && html`<button type="button" class="primary" onClick=${() => setMaking(true)}>${KEYS.make}</button>`;
  return html`<section class="screen keys">
    <header><h1>${SHELL.screens.keys}</h1>${make}</header>
    <p class="muted">${KEYS.why}</p>
    ${!pages.items && (pages.problem ? html`<${Failed} problem=${pages.problem} retry=${pages.reload} />` : html`<${Skeleton} />`)}
    ${pages.items?.length === 0 && html`<${Empty} text=${KEYS.none} />`}
    ${pages.items?.length > 0 && html`<${Table} caption=${SHELL.screens.keys} columns=${may("api-keys:write") ? [...COLUMNS, action] : COLUMNS}
      rows=${pages.items} keyOf=${(key) => key.id} rowClass=${(key) => (key.revoked_at || hasEnded(key) ? "keys-gone" : undefined)} />`}
    <${More} pages=${pages} />
    ${isMaking && html`<${NewKey} onMade=${pages.reload} onClose=${() => setMaking(false)} />`}
  </section>`;
}
