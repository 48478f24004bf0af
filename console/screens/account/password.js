// A new password, which ends every other session.

import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { ACCOUNT } from "../../texts/pt-BR/account.js";
import { Form, TextField } from "../../ui/form.js";
import { html } from "../../ui/html.js";

/** `onChanged()`: after the password was changed. */
export function Password({ onChanged }) {
  const submit = async ({ current, fresh, again }, form) => {
    if (fresh !== again) throw { code: "not_the_same" };
    await session.changePassword(current, fresh);
    form.reset();
    toast(ACCOUNT.changed);
    onChanged();
  };
  return html`<section class="panel" aria-label=${ACCOUNT.password}><h2>${ACCOUNT.password}</h2>
    <${Form} onSubmit=${submit} submit=${ACCOUNT.change}>
      <${TextField} label=${ACCOUNT.current} name="current" type="password" autocomplete="current-password" required />
      <${TextField} label=${ACCOUNT.fresh} hint=${ACCOUNT.rule} name="fresh" type="password" autocomplete="new-password" minlength="12" maxlength="256" required />
      <${TextField} label=${ACCOUNT.again} name="again" type="password" autocomplete="new-password" required />
    <//>
  </section>`;
}
