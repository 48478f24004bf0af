// A new key: what it may do, for which cameras, until when. Its text is shown once.

import { session } from "../../shell/state.js";
import { KEYS } from "../../texts/pt-BR/keys.js";
import { instantOf, localOf } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useLayoutEffect, useRef, useState } from "../../ui/html.js";
import { ReachFields, startingReach } from "../../ui/reach.js";
import { Secret } from "../../ui/secret.js";
import { ScopeBoxes } from "./scopes.js";

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 729; // to the end of that day it is no more than two years

/** The date of the city in so many days, as a date field has it. */
const inDays = (days) => localOf(new Date(Date.now() + days * DAY_MS).toISOString()).slice(0, 10);

export function NewKey({ onMade, onClose }) {
  const [made, setMade] = useState(null);
  return html`<${Dialog} title=${made ? KEYS.madeTitle : KEYS.make} onClose=${onClose} wide=${!made} firm>
    ${made ? html`<${Made} made=${made} onClose=${onClose} />` : html`<${Fields} onMade=${(key) => (setMade(key), onMade())} onClose=${onClose} />`}
  <//>`;
}

function Fields({ onMade, onClose }) {
  const [scopes, setScopes] = useState(new Set());
  const [groups, setGroups] = useState(startingReach());
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").focus(), []);
  const submit = async ({ name, until }, _form, key) => {
    if (!scopes.size) throw { code: "no_scope" };
    const asked = { name: name.trim(), scopes: [...scopes], camera_groups: groups, expires_at: instantOf(`${until}T23:59`) };
    onMade(await session.post("/api-keys", asked, { key }));
  };
  return html`<div ref=${place}><${Form} onSubmit=${submit} submit=${KEYS.makeIt} onCancel=${onClose} words=${{ ...KEYS, no_scope: KEYS.atLeastOne }}>
    <div class="keys-head">
      <${TextField} label=${KEYS.name} hint=${KEYS.nameHint} name="name" maxlength="100" autocomplete="off" required />
      <${TextField} label=${KEYS.expires} hint=${KEYS.expiresHint} name="until" type="date" defaultValue=${inDays(365)} min=${inDays(0)} max=${inDays(LONGEST_DAYS)} required />
    </div>
    <${ScopeBoxes} chosen=${scopes} onChange=${setScopes} />
    <${ReachFields} ids=${groups} onChange=${setGroups} />
  <//></div>`;
}

function Made({ made, onClose }) {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("button").focus(), []);
  return html`<p>${KEYS.made(made.name)}</p>
    <div ref=${place}><${Secret} label=${KEYS.text} text=${made.key} hint=${KEYS.textHint} /></div>
    <div class="actions"><button type="button" onClick=${onClose}>${KEYS.done}</button></div>`;
}
