// The second factor: begun with the password, confirmed by a first code of the phone, ended with both. Its secrets are shown once.

import { me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { ACCOUNT } from "../../texts/pt-BR/account.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useLayoutEffect, useRef, useState } from "../../ui/html.js";

export function SecondFactor() {
  const [started, setStarted] = useState(null);
  const [codes, setCodes] = useState(null);
  const isOn = me.value.second_factor;
  const is = (second_factor) => (me.value = { ...me.value, second_factor });
  return html`<section class="panel" aria-label=${ACCOUNT.factor}>
    <header><h2>${ACCOUNT.factor}</h2>
      <span class="badge" data-state=${isOn ? "on" : undefined}>${isOn ? ACCOUNT.factorOn : ACCOUNT.factorOff}</span>
    </header>
    ${codes
      ? html`<${RecoveryCodes} codes=${codes} onKept=${() => setCodes(null)} />`
      : isOn
        ? html`<${Disable} onDone=${() => is(false)} />`
        : started
          ? html`<${Confirm} started=${started} onCancel=${() => setStarted(null)} onDone=${(given) => (setCodes(given), setStarted(null), is(true))} />`
          : html`<${Start} onStarted=${setStarted} />`}
  </section>`;
}

function Start({ onStarted }) {
  const submit = async ({ current }) => onStarted(await session.post("/auth/second-factor", { password: current }));
  return html`<p class="muted">${ACCOUNT.factorWhy}</p>
    <${Form} onSubmit=${submit} submit=${ACCOUNT.start} about=${ACCOUNT.factor}>
      <${TextField} label=${ACCOUNT.current} name="current" type="password" autocomplete="current-password" required />
    <//>`;
}

function Confirm({ started, onDone, onCancel }) {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").focus(), []);
  const submit = async ({ code }) => {
    const { recovery_codes: codes } = await session.post("/auth/second-factor/confirm", { code: code.trim() });
    toast(ACCOUNT.enabled);
    onDone(codes);
  };
  return html`<p>${ACCOUNT.scan}</p>
    <img class="account-qr" src=${`data:image/svg+xml;utf8,${encodeURIComponent(started.qr_svg)}`} alt=${ACCOUNT.picture} />
    <p>${ACCOUNT.key}: <code>${started.secret.match(/.{1,4}/g).join(" ")}</code></p>
    <div ref=${place}><${Form} onSubmit=${submit} submit=${ACCOUNT.confirm} onCancel=${onCancel}>
      <${TextField} label=${ACCOUNT.code} name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="40" required />
    <//></div>`;
}

function RecoveryCodes({ codes, onKept }) {
  const title = useRef(null);
  useLayoutEffect(() => title.current.focus(), []);
  const list = useRef(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(codes.join("\n"));
      toast(COMMON.copied);
    } catch {
      getSelection().selectAllChildren(list.current);
      toast(COMMON.copyByKeys, "failed");
    }
  };
  return html`<h3 ref=${title} tabindex="-1">${ACCOUNT.codes}</h3>
    <p>${ACCOUNT.codesWhy}</p>
    <ol ref=${list} class="account-codes">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ol>
    <div class="actions">
      <button type="button" class="primary" onClick=${onKept}>${ACCOUNT.kept}</button>
      <button type="button" onClick=${copy}>${ACCOUNT.copyCodes}</button>
    </div>`;
}

function Disable({ onDone }) {
  const submit = async ({ current, code }) => {
    await session.delete("/auth/second-factor", { password: current, code: code.trim() });
    toast(ACCOUNT.disabled);
    onDone();
  };
  return html`<p class="muted">${ACCOUNT.disableWhy}</p>
    <${Form} onSubmit=${submit} submit=${ACCOUNT.disable} about=${ACCOUNT.factor} danger>
      <${TextField} label=${ACCOUNT.current} name="current" type="password" autocomplete="current-password" required />
      <${TextField} label=${ACCOUNT.codeOrRecovery} name="code" autocomplete="one-time-code" maxlength="40" required />
    <//>`;
}
