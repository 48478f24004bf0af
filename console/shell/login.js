// Signing in: with a password and where asked a code, through an outside identity provider, and the change of a password that another
// person chose.

import { endInWords } from "../texts/pt-BR/errors.js";
import { LOGIN, SHELL } from "../texts/pt-BR/shell.js";
import { Form, TextField } from "../ui/form.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../ui/html.js";
import { session } from "./state.js";

const PROVIDERS = "/api/v1/auth/oidc";

/** `ended`: the code of why the last session ended, or null; `onEnter` is called once a session is open. */
export function Login({ ended, onEnter }) {
  const [asksCode, setAsksCode] = useState(false);
  const email = useRef(null);
  const failed = useProviderError();
  useLayoutEffect(() => email.current?.querySelector("input").focus(), []);
  const submit = async ({ email: address, password, code }) => {
    try {
      await session.login(address, password, code?.trim());
    } catch (problem) {
      if (problem.code === "second_factor_required") setAsksCode(true);
      throw problem;
    }
    await onEnter();
  };
  return html`<main class="login"><div class="card">
    <h1><span class="mark" aria-hidden="true"></span>GT-Vision</h1>
    <p class="muted">${LOGIN.centre}</p>
    ${ended && html`<p class="notice" role="status">${endInWords(ended)}</p>`}
    ${failed && html`<p class="error" role="alert">${failed}</p>`}
    <div ref=${email}><${Form} onSubmit=${submit} submit=${LOGIN.enter} words=${{ second_factor_required: LOGIN.codeAsked }}>
      <${TextField} label=${LOGIN.email} name="email" type="email" autocomplete="username" required />
      <${TextField} label=${LOGIN.password} name="password" type="password" autocomplete="current-password" required />
      ${asksCode && html`<${Code} />`}
    <//></div>
    <${Providers} />
  </div></main>`;
}

function Code() {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").focus(), []);
  return html`<div ref=${place}><${TextField} label=${LOGIN.code} name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="40"
    placeholder=${LOGIN.codeExample} required /></div>`;
}

/** Takes the error of a failed sign-in at a provider out of the address. */
function useProviderError() {
  const [failed] = useState(() => {
    const here = new URL(location.href);
    const code = here.searchParams.get("login_error");
    if (code === null) return "";
    here.searchParams.delete("login_error");
    history.replaceState(null, "", here);
    return Object.hasOwn(LOGIN.providers, code) ? LOGIN.providers[code] : LOGIN.providers.other;
  });
  return failed;
}

/** A button for each outside provider, where there are any; without an answer, signing in with a password still works. */
function Providers() {
  const [known, setKnown] = useState([]);
  useEffect(() => {
    fetch(PROVIDERS, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15_000) })
      .then((answer) => (answer.ok ? answer.json() : { providers: [] }))
      .then(({ providers }) => setKnown(providers), () => {});
  }, []);
  if (!known.length) return null;
  const back = encodeURIComponent(location.pathname + location.search + location.hash);
  return html`<nav class="providers">
    ${known.map(({ name, title }) => html`<a key=${name} class="button" href=${`${PROVIDERS}/${encodeURIComponent(name)}/start?return_to=${back}`}>${LOGIN.with(title)}</a>`)}
  </nav>`;
}

export function PasswordChange({ onEnter }) {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").focus(), []);
  const submit = async ({ current, fresh, again }) => {
    if (fresh !== again) throw { code: "not_the_same" };
    await session.changePassword(current, fresh);
    await onEnter();
  };
  return html`<main class="login"><div class="card" ref=${place}>
    <h1>${LOGIN.changeTitle}</h1>
    <p class="muted">${LOGIN.changeWhy}</p>
    <${Form} onSubmit=${submit} submit=${LOGIN.change}>
      <${TextField} label=${LOGIN.current} name="current" type="password" autocomplete="current-password" required />
      <${TextField} label=${LOGIN.fresh} hint=${LOGIN.rule} name="fresh" type="password" autocomplete="new-password" minlength="12" maxlength="256" required />
      <${TextField} label=${LOGIN.again} name="again" type="password" autocomplete="new-password" required />
    <//>
    <button type="button" class="quiet" onClick=${() => session.logout().catch(() => {})}>${SHELL.logout}</button>
  </div></main>`;
}
