// A new person: who, in which role, for which cameras. The first password is generated and shown once they are there.

import { session } from "../../shell/state.js";
import { PEOPLE, PERSON } from "../../texts/pt-BR/people.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useLayoutEffect, useRef, useState } from "../../ui/html.js";
import { ReachFields, startingReach } from "../../ui/reach.js";
import { Secret } from "../../ui/secret.js";
import { RoleField } from "../../ui/people.js";
import { generatedPassword } from "./password.js";

/** `onMade()` is called for each person that was made; `onClose()` at the end. */
export function NewPerson({ onMade, onClose }) {
  const [made, setMade] = useState(null);
  return html`<${Dialog} title=${made ? PEOPLE.madeTitle : PEOPLE.make} onClose=${onClose} firm>
    ${made
      ? html`<${Made} person=${made.person} password=${made.password} onAnother=${() => setMade(null)} onClose=${onClose} />`
      : html`<${Fields} onMade=${(next) => (setMade(next), onMade())} onClose=${onClose} />`}
  <//>`;
}

function Fields({ onMade, onClose }) {
  const [role, setRole] = useState("operator");
  const [groups, setGroups] = useState(startingReach());
  const password = useRef(generatedPassword());
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").focus(), []);
  const submit = async ({ name, email }, _form, key) => {
    const asked = { name: name.trim(), email: email.trim(), role, camera_groups: groups, password: password.current };
    const person = await session.post("/users", asked, { key });
    onMade({ person, password: password.current });
  };
  return html`<div ref=${place}><${Form} onSubmit=${submit} submit=${PEOPLE.makeIt} onCancel=${onClose} words=${PERSON}>
    <${TextField} label=${PEOPLE.name} name="name" maxlength="200" autocomplete="off" required />
    <${TextField} label=${PEOPLE.email} name="email" type="email" maxlength="254" autocomplete="off" required />
    <${RoleField} role=${role} onChange=${setRole} />
    <${ReachFields} ids=${groups} onChange=${setGroups} />
  <//></div>`;
}

function Made({ person, password, onAnother, onClose }) {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("button").focus(), []);
  return html`<p>${PEOPLE.made(person.name ?? person.email)} <code>${person.email}</code></p>
    <div ref=${place}><${Secret} label=${PEOPLE.password} text=${password} hint=${PEOPLE.passwordHint} /></div>
    <div class="actions">
      <button type="button" onClick=${onClose}>${PEOPLE.done}</button>
      <button type="button" onClick=${onAnother}>${PEOPLE.another}</button>
      <a class="button" href=${`/pessoas/${person.id}`}>${PEOPLE.open}</a>
    </div>`;
}
