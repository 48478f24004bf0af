// The declared purpose ("Finalidade") of searches and of pictures, where the city has a list of purposes or requires one. It belongs to
// the user who chose it, and is kept for the tab: a reload keeps it, signing out removes it.

import { SHELL } from "../texts/pt-BR/shell.js";
import { Dialog } from "../ui/dialog.js";
import { Form } from "../ui/form.js";
import { effect, html, signal, useId } from "../ui/html.js";
import { forget, recall, remember } from "./memory.js";
import { me, session } from "./state.js";

const KEPT = "gtvision.purpose";
const CODE = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const CODES = new Set(["purpose_required", "purpose_unknown"]);

/** The chosen code, "" for none. */
export const purpose = signal("");
const asking = signal(null);

effect(() => {
  const user = me.value;
  if (!user) {
    if (purpose.peek()) forget("sessionStorage", KEPT);
    purpose.value = "";
    asking.peek()?.(false);
    return;
  }
  const kept = recall("sessionStorage", KEPT);
  const isKnown = kept?.user === user.id && (!user.purposes.length || user.purposes.includes(kept.code));
  purpose.value = isKnown ? kept.code : "";
});
effect(() => (session.purpose = purpose.value));

function choose(code) {
  purpose.value = CODE.test(code) ? code : "";
  remember("sessionStorage", KEPT, { user: me.peek().id, code: purpose.value });
}

/** Whether the city has a say in purposes: else nothing of this is on the screen. */
export const isDeclared = () => Boolean(me.value && (me.value.purposes.length || me.value.purpose_required));

/**
 * Runs `ask` once a purpose is chosen where the city requires one; asks for it in a dialog, once more if the API does not take it.
 * Throws what `ask` throws, or a `cancelled` problem where the user left the dialog.
 */
export async function purposeFor(ask) {
  if (me.value?.purpose_required && !purpose.value) await askFor();
  try {
    return await ask();
  } catch (problem) {
    if (!CODES.has(problem.code)) throw problem;
    me.value = await session.get("/users/me"); // the city's list may have changed
    await askFor();
    return ask();
  }
}

let open = null;

/** One dialog for all that wait for a purpose at the same time. */
function askFor() {
  open ??= /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
    asking.value = (isChosen) => {
      asking.value = open = null;
      if (isChosen) resolve();
      else reject(Object.assign(new Error("no purpose was chosen"), { code: "purpose_required" }));
    };
  }));
  return open;
}

/** The place in the page at which a missing purpose is asked for. */
export function PurposeQuestion() {
  if (!asking.value || !me.value) return null;
  const submit = async ({ purpose: code }) => {
    choose(code.trim().toLowerCase());
    if (!purpose.value) throw { code: "purpose_unknown" };
    asking.value(true);
  };
  return html`<${Dialog} title=${SHELL.purposeTitle} onClose=${() => asking.value(false)}>
    <p class="muted">${SHELL.purposeWhy}</p>
    <${Form} submit=${SHELL.proceed} onSubmit=${submit} onCancel=${() => asking.value(false)}><${Choice} required /><//>
  <//>`;
}

/** The choice in the header, where the city has a list or requires a purpose. */
export function PurposeChoice() {
  if (!isDeclared()) return null;
  return html`<div class="purpose"><${Choice} onChoose=${choose} required=${me.value.purpose_required} /></div>`;
}

function Choice({ onChoose, required }) {
  const id = useId();
  const codes = me.value.purposes;
  const change = (event) => onChoose?.(event.target.value.trim().toLowerCase());
  return html`<label for=${id}>${SHELL.purpose}${required && html`<span aria-hidden="true"> *</span>`}</label>
    ${codes.length
      ? html`<select id=${id} name="purpose" required=${required} onChange=${change}>
          <option value="" selected=${!purpose.value}>${required ? SHELL.purposeChoose : SHELL.purposeNone}</option>
          ${codes.map((code) => html`<option key=${code} value=${code} selected=${code === purpose.value}>${code}</option>`)}
        </select>`
      : html`<input id=${id} name="purpose" required=${required} value=${purpose.value} onChange=${change} placeholder=${SHELL.purposeExample}
          maxlength="40" autocomplete="off" spellcheck=${false} />`}`;
}
