// How a person enters: a new password, the second factor, and whether they may at all. Each is asked first.

import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { PERSON } from "../../texts/pt-BR/people.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { Secret } from "../../ui/secret.js";

/** `onChanged(person)` after a change; `onReset()` once the person has to be read again. */
export function Access({ person, isOwn, onChanged, onReset }) {
  const [password, setPassword] = useState(null);
  const name = person.name ?? person.email;
  const act = async (question, work, done) => {
    if (question && !(await confirm(question))) return;
    try {
      await work();
      if (done) toast(done);
    } catch (problem) {
      toast(inWords(problem, PERSON), "failed");
    }
  };
  const set = (disabled) => async () => onChanged(await session.patch(`/users/${person.id}`, { disabled }));
  const reset = async () => {
    setPassword((await session.post(`/users/${person.id}/reset-password`)).password);
    onReset();
  };
  const removeFactor = async () => {
    await session.delete(`/users/${person.id}/second-factor`);
    onChanged({ ...person, second_factor: false });
  };
  if (isOwn) return html`<p class="muted">${PERSON.ownAccount}</p><div class="actions"><a class="button" href="/conta">${PERSON.toAccount}</a></div>`;
  return html`<div class="actions">
    <button type="button" onClick=${() => act({ title: PERSON.resetTitle(name), text: PERSON.resetText, action: PERSON.reset }, reset)}>${PERSON.reset}</button>
    ${person.second_factor && html`<button type="button"
      onClick=${() => act({ title: PERSON.factorTitle(name), text: PERSON.factorText, action: PERSON.factor }, removeFactor, PERSON.factorDone)}>${PERSON.factor}</button>`}
    ${person.disabled
      ? html`<button type="button" class="primary" onClick=${() => act(null, set(false), PERSON.enabledNow)}>${PERSON.enable}</button>`
      : html`<button type="button" class="danger"
          onClick=${() => act({ title: PERSON.disableTitle(name), text: PERSON.disableText, action: PERSON.disable }, set(true), PERSON.disabledNow)}>${PERSON.disable}</button>`}
  </div>
  ${password && html`<${Dialog} title=${PERSON.resetDone} onClose=${() => setPassword(null)} firm>
    <${Secret} label=${PERSON.resetDone} text=${password} hint=${PERSON.resetHint} />
  <//>`}`;
}
