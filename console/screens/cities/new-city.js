// A new city with its first administrator, whose password is shown once.

import { session } from "../../shell/state.js";
import { CITIES } from "../../texts/pt-BR/cities.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useLayoutEffect, useRef, useState } from "../../ui/html.js";
import { Secret } from "../../ui/secret.js";

export function NewCity({ onMade, onClose }) {
  const [made, setMade] = useState(null);
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input:not([readonly]), .secret button").focus(), [made]);
  const submit = async ({ name, admin, email }, _form, key) => {
    setMade(await session.post("/tenants", { name: name.trim(), admin_name: admin.trim(), admin_email: email.trim() }, { key }));
    onMade();
  };
  return html`<${Dialog} title=${made ? CITIES.madeTitle : CITIES.make} onClose=${onClose} firm>
    <div ref=${place}>${made
      ? html`<p>${CITIES.made(made.name, made.admin.email)}</p>
        <${Secret} label=${CITIES.password} text=${made.admin.password} hint=${CITIES.passwordHint} />
        <div class="actions"><button type="button" onClick=${onClose}>${CITIES.done}</button></div>`
      : html`<${Form} onSubmit=${submit} submit=${CITIES.makeIt} onCancel=${onClose} words=${CITIES}>
        <${TextField} label=${CITIES.name} name="name" placeholder=${CITIES.nameExample} maxlength="200" autocomplete="off" required />
        <${TextField} label=${CITIES.adminName} name="admin" maxlength="200" autocomplete="off" required />
        <${TextField} label=${CITIES.admin} hint=${CITIES.adminHint} name="email" type="email" maxlength="254" autocomplete="off" required />
      <//>`}</div>
  <//>`;
}
