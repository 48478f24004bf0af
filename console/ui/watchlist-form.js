// Making and changing a list of plates, and the question before one is removed.

import { session } from "../shell/state.js";
import { WATCHLISTS } from "../texts/pt-BR/watchlists.js";
import { confirm, Dialog } from "./dialog.js";
import { CheckField, Field, Form, SelectField, TextField } from "./form.js";
import { html, useState } from "./html.js";
import { ToldField, toldOf } from "./told.js";

/** `list`: {} for a new one; `onSaved(list)` gets the list as the API answers it. */
export function ListDialog({ list, onSaved, onClose }) {
  const isNew = !list.watchlist_id;
  const [channels, setChannels] = useState(list.channel_ids?.length ? list.channel_ids : null);
  const save = async ({ name, severity, description, legal_basis: legalBasis, ...boxes }, _form, key) => {
    const body = { name: name.trim(), severity, enabled: "enabled" in boxes, description: description.trim(), legal_basis: legalBasis.trim(), channel_ids: toldOf(channels) };
    onSaved(isNew ? await session.post("/watchlists", body, { key }) : await session.patch(`/watchlists/${list.watchlist_id}`, body));
  };
  return html`<${Dialog} title=${isNew ? WATCHLISTS.make : WATCHLISTS.changeThis(list.name)} onClose=${onClose} firm>
    <${Form} words=${WATCHLISTS.words} submit=${isNew ? WATCHLISTS.makeIt : undefined} onSubmit=${save} onCancel=${onClose}>
      <${TextField} label=${WATCHLISTS.name} name="name" defaultValue=${list.name ?? ""} placeholder=${WATCHLISTS.nameExample} maxlength="120" required autocomplete="off" />
      <${SelectField} label=${WATCHLISTS.severity} name="severity" value=${list.severity ?? "critical"} options=${WATCHLISTS.severities} />
      <${TextField} label=${WATCHLISTS.legalBasis} name="legal_basis" defaultValue=${list.legal_basis ?? ""} placeholder=${WATCHLISTS.legalExample} maxlength="500" autocomplete="off" />
      <${Field} label=${WATCHLISTS.description}>${(wires) => html`<textarea ...${wires} name="description" rows="2" maxlength="2000" defaultValue=${list.description ?? ""}></textarea>`}<//>
      <${ToldField} chosen=${channels} onChange=${setChannels} />
      <${CheckField} label=${WATCHLISTS.enabled} hint=${WATCHLISTS.enabledHint} name="enabled" defaultChecked=${list.enabled ?? true} />
    <//>
  <//>`;
}

export const askRemoval = (list) => confirm({
  title: WATCHLISTS.removeThis(list.name),
  text: WATCHLISTS.removeText(list.entries),
  action: WATCHLISTS.remove,
});
