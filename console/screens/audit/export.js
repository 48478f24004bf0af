// The export: at most 366 days as a file, with how much of it has come.

import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { AUDIT, EXPORT } from "../../texts/pt-BR/audit.js";
import { instantOf, localOf } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { save } from "../../ui/saving.js";

const DAY_MS = 86_400_000;
const LAST_DAYS = 30;
const AT_MOST_MS = 366 * DAY_MS;

/** `search`: that of the screen; its period is where the fields begin. */
export function ExportDialog({ search, onClose }) {
  const [bytes, setBytes] = useState(null);
  const [now] = useState(Date.now);
  const until = search.to || new Date(now + 60_000).toISOString(); // the minute that is running is in it
  const since = search.from || new Date(new Date(until).getTime() - LAST_DAYS * DAY_MS).toISOString();
  const submit = async ({ from, to, format }) => {
    const period = { from: instantOf(from), to: instantOf(to) };
    const length = Date.parse(period.to) - Date.parse(period.from);
    if (!(length > 0 && length <= AT_MOST_MS)) throw { code: "range_too_long" };
    setBytes(0);
    try {
      const file = await session.file(`/audit/export?${asked({ ...search, ...period, format })}`, setBytes);
      save(file, `auditoria-${from.slice(0, 10)}-${to.slice(0, 10)}.${format}`);
    } finally {
      setBytes(null);
    }
    toast(EXPORT.done);
    onClose();
  };
  return html`<${Dialog} title=${EXPORT.title} onClose=${onClose}>
    <p class="muted">${EXPORT.why}</p>
    <${Form} onSubmit=${submit} submit=${EXPORT.make} onCancel=${onClose} words=${{ range_too_long: EXPORT.period, invalid: AUDIT.wrongFilter }}>
      <${TextField} label=${EXPORT.from} name="from" type="datetime-local" defaultValue=${localOf(since)} required />
      <${TextField} label=${EXPORT.to} name="to" type="datetime-local" defaultValue=${localOf(until)} required />
      <${SelectField} label=${EXPORT.format} name="format" value="csv" options=${Object.entries(EXPORT.formats)} />
      ${bytes !== null && html`<p role="status">${EXPORT.running(Math.round(bytes / 1000))}</p>`}
    <//>
  <//>`;
}

function asked(query) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) for (const each of [value].flat()) if (each) parts.append(name, each);
  return parts;
}
