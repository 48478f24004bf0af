// Adding a plate to a list, and changing why, how and in which time it is watched.

import { session } from "../../shell/state.js";
import { ENTRIES } from "../../texts/pt-BR/watchlist.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { written } from "../../ui/signs.js";
import { ENTRY_WORDS, EntryFields, entryOf } from "../../ui/watching.js";

export function AddDialog({ path, onSaved, onClose }) {
  const add = async ({ plate, ...values }, _form, key) => onSaved(await session.post(path, { plate, ...entryOf(values) }, { key }));
  return html`<${Dialog} title=${ENTRIES.add} onClose=${onClose}>
    <${Form} submit=${ENTRIES.add} words=${ENTRY_WORDS} onSubmit=${add} onCancel=${onClose}>
      <${TextField} label=${ENTRIES.plate} name="plate" required maxlength="32" placeholder=${ENTRIES.plateExample} autocomplete="off" autocapitalize="characters" spellcheck=${false} />
      <${EntryFields} />
    <//>
  <//>`;
}

/** The plate itself stays: another plate is another entry. */
export function ChangeDialog({ path, entry, onSaved, onClose }) {
  const change = async (values) => {
    const changes = entryOf(values, entry);
    onSaved(Object.keys(changes).length ? await session.patch(`${path}/${entry.entry_id}`, changes) : entry);
  };
  return html`<${Dialog} title=${ENTRIES.editThis(written(entry.plate))} onClose=${onClose}>
    <${Form} words=${ENTRY_WORDS} onSubmit=${change} onCancel=${onClose}><${EntryFields} entry=${entry} /><//>
  <//>`;
}
