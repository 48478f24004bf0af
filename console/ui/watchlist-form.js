// Making and changing a list of plates, and the question before one is removed.

import { session } from "../shell/state.js";
import { WATCHLISTS } from "../texts/pt-BR/watchlists.js";
import { confirm, Dialog } from "./dialog.js";
import { Form, SelectField, TextField } from "./form.js";
import { html } from "./html.js";

/** `list`: {} for a new one; `onSaved(list)` gets the list as the API answers it. */
export function ListDialog({ list, onSaved, onClose }) {
  const isNew = !list.watchlist_id;
  const save = async ({ name, severity }, _form, key) => {
    const body = { name: name.trim(), severity };
    onSaved(isNew ? await session.post("/watchlists", body, { key }) : await session.patch(`/watchlists/${list.watchlist_id}`, body));
  };
  return html`<${Dialog} title=${isNew ? WATCHLISTS.make : WATCHLISTS.changeThis(list.name)} onClose=${onClose}>
    <${Form} words=${WATCHLISTS.words} submit=${isNew ? WATCHLISTS.makeIt : undefined} onSubmit=${save} onCancel=${onClose}>
      <${TextField} label=${WATCHLISTS.name} name="name" defaultValue=${list.name ?? ""} placeholder=${WATCHLISTS.nameExample} maxlength="120" required autocomplete="off" />
      <${SelectField} label=${WATCHLISTS.severity} name="severity" value=${list.severity ?? "critical"} options=${WATCHLISTS.severities} />
    <//>
  <//>`;
}

export const askRemoval = (list) => confirm({
  title: WATCHLISTS.removeThis(list.name),
  text: WATCHLISTS.removeText(list.entries),
  action: WATCHLISTS.remove,
});
