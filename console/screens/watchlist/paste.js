// Pasting many plates: what each line says before anything is sent, how far it is, and what went wrong on which line.

import { session } from "../../shell/state.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { ENTRIES, PASTE } from "../../texts/pt-BR/watchlist.js";
import { Dialog } from "../../ui/dialog.js";
import { Field, Form, SelectField, TextField } from "../../ui/form.js";
import { html, useMemo, useState } from "../../ui/html.js";
import { Progress, useInTurn } from "../../ui/pacing.js";
import { Plate } from "../../ui/signs.js";
import { Table } from "../../ui/table.js";
import { ENTRY_WORDS, entryOf } from "../../ui/watching.js";
import { readLines } from "./lines.js";

const SHOWN = 200;

export function PasteDialog({ path, onClose }) {
  const [text, setText] = useState("");
  const lines = useMemo(() => readLines(text), [text]);
  const [results, setResults] = useState(new Map()); // line -> "added", or the problem
  const sending = useInTurn();
  const good = lines.filter((line) => !line.error);
  const left = good.filter((line) => results.get(line.line) !== "added");
  const failed = left.filter((line) => results.has(line.line));

  const send = (values) => {
    const shared = entryOf({ reason: "", valid_from: "", ...values });
    const add = (line, ask) => {
      const key = crypto.randomUUID(); // the same for the repeats after a pause
      return ask(() => session.post(path, { ...shared, plate: line.plate, reason: line.reason }, { key }));
    };
    return sending.send(left, add, ({ line }, problem) => setResults((now) => new Map(now).set(line, problem ?? "added")));
  };

  const isDone = good.length > 0 && left.length === 0;
  return html`<${Dialog} title=${PASTE.title} onClose=${onClose} wide firm>
    <${Form} submit=${failed.length ? COMMON.againFailed : PASTE.send(left.length)} isReady=${left.length > 0} words=${ENTRY_WORDS} onSubmit=${send} onCancel=${onClose}>
      <${Field} label=${PASTE.lines} hint=${PASTE.hint}>
        ${(wires) => html`<textarea ...${wires} class="watchlist-lines" rows="6" value=${text} readonly=${sending.progress !== null} placeholder=${PASTE.example} spellcheck=${false} autocomplete="off"
          onInput=${(event) => (setText(event.target.value), setResults(new Map()))}></textarea>`}
      <//>
      <div class="filters">
        <${SelectField} label=${ENTRIES.match} name="match" value="era" options=${Object.entries(ENTRIES.matches)} />
        <${TextField} label=${ENTRIES.until} name="valid_until" type="datetime-local" />
      </div>
      ${lines.length > 0 && html`<p role="status">${isDone ? PASTE.done(good.length) : PASTE.counts(left.length, lines.length - good.length)} ${failed.length > 0 && !sending.progress && html`<strong class="error">${PASTE.failed(failed.length)}</strong>`}</p>`}
      <${Progress} sending=${sending} label=${PASTE.title} words=${PASTE.sending} />
    <//>
    ${lines.length > 0 && html`<${Preview} lines=${lines} results=${results} isSending=${sending.progress !== null} />`}
  <//>`;
}

/** The lines as they were understood; those with an error in front. */
function Preview({ lines, results, isSending }) {
  const stateOf = ({ line, error }) => error || wordsOf(results.get(line), isSending);
  const isWrong = ({ line, error }) => Boolean(error) || (results.has(line) && results.get(line) !== "added");
  const sorted = [...lines].sort((a, b) => Number(isWrong(b)) - Number(isWrong(a)) || a.line - b.line).slice(0, SHOWN);
  const columns = [
    { title: PASTE.line, cell: ({ line }) => line },
    { title: ENTRIES.plate, name: true, cell: (row) => (row.error ? row.plate : html`<${Plate} plate=${row.plate} />`) },
    { title: ENTRIES.reason, cell: ({ reason }) => reason || html`<span class="muted">${ENTRIES.noReason}</span>` },
    { title: PASTE.state, cell: (row) => html`<span class=${isWrong(row) ? "error" : ""}>${stateOf(row)}</span>` },
  ];
  return html`${lines.length > SHOWN && html`<p class="muted">${PASTE.shown(SHOWN, lines.length)}</p>`}
    <div class="watchlist-preview"><${Table} caption=${PASTE.caption} columns=${columns} rows=${sorted} keyOf=${({ line }) => line} /></div>`;
}

function wordsOf(result, isSending) {
  if (result === "added") return PASTE.added;
  if (result) return inWords(result, ENTRY_WORDS);
  return isSending ? PASTE.waiting : PASTE.ready;
}
