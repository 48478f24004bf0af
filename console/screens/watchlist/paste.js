// Pasting many plates: what each line says before anything is sent, how far it is, and what went wrong on which line.

import { session } from "../../shell/state.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { ENTRIES, PASTE } from "../../texts/pt-BR/watchlist.js";
import { Dialog } from "../../ui/dialog.js";
import { Field, Form, SelectField, TextField } from "../../ui/form.js";
import { html, useEffect, useMemo, useRef, useState } from "../../ui/html.js";
import { Plate } from "../../ui/signs.js";
import { Table } from "../../ui/table.js";
import { pause } from "../../ui/waiting.js";
import { ENTRY_WORDS, entryOf } from "../../ui/watching.js";
import { readLines } from "./lines.js";

const SHOWN = 200;
/** The edge counts an address's requests: slower than it allows, so that the alerts of the same room still come. */
const BETWEEN_MS = 100;
const PAUSE_MS = 10_000;

export function PasteDialog({ path, onClose }) {
  const [text, setText] = useState("");
  const lines = useMemo(() => readLines(text), [text]);
  const [results, setResults] = useState(new Map()); // line -> "added", or the problem
  const [sending, setSending] = useState(null); // {done, all, isPaused} while it goes on
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const good = lines.filter((line) => !line.error);
  const left = good.filter((line) => results.get(line.line) !== "added");
  const failed = left.filter((line) => results.has(line.line));

  const send = async (values) => {
    const shared = entryOf({ reason: "", valid_from: "", ...values });
    stop.current = new AbortController();
    let done = 0;
    for (const line of left) {
      setSending({ done, all: left.length, isPaused: false });
      const result = await add(line, shared);
      if (stop.current.signal.aborted && result === null) break;
      setResults((now) => new Map(now).set(line.line, result));
      done += 1;
      await pause(BETWEEN_MS, stop.current.signal);
      if (stop.current.signal.aborted) break;
    }
    setSending(null);
  };
  /** Returns "added" or the problem; null where it was stopped before an answer. */
  const add = async (line, shared) => {
    const key = crypto.randomUUID(); // the same for the repeats after a pause
    const body = { ...shared, plate: line.plate, reason: line.reason };
    while (!stop.current.signal.aborted) {
      try {
        await session.post(path, body, { key });
        return "added";
      } catch (problem) {
        if (problem.code !== "rate_limited") return problem;
        setSending((now) => ({ ...now, isPaused: true }));
        await pause(PAUSE_MS, stop.current.signal);
      }
    }
    return null;
  };

  const isDone = good.length > 0 && left.length === 0;
  return html`<${Dialog} title=${PASTE.title} onClose=${onClose} wide firm>
    <${Form} submit=${failed.length ? PASTE.again : PASTE.send(left.length)} isReady=${left.length > 0} words=${ENTRY_WORDS} onSubmit=${send} onCancel=${onClose}>
      <${Field} label=${PASTE.lines} hint=${PASTE.hint}>
        ${(wires) => html`<textarea ...${wires} class="watchlist-lines" rows="6" value=${text} readonly=${sending !== null} placeholder=${PASTE.example} spellcheck=${false} autocomplete="off"
          onInput=${(event) => (setText(event.target.value), setResults(new Map()))}></textarea>`}
      <//>
      <div class="filters">
        <${SelectField} label=${ENTRIES.match} name="match" value="era" options=${Object.entries(ENTRIES.matches)} />
        <${TextField} label=${ENTRIES.until} name="valid_until" type="datetime-local" />
      </div>
      ${lines.length > 0 && html`<p role="status">${isDone ? PASTE.done(good.length) : PASTE.counts(left.length, lines.length - good.length)} ${failed.length > 0 && !sending && html`<strong class="error">${PASTE.failed(failed.length)}</strong>`}</p>`}
      ${sending && html`<div class="watchlist-progress">
        <progress max=${sending.all} value=${sending.done} aria-label=${PASTE.title}></progress>
        <span role="status">${sending.isPaused ? PASTE.pausing : PASTE.sending(sending.done, sending.all)}</span>
        <button type="button" onClick=${() => stop.current.abort()}>${PASTE.stop}</button>
      </div>`}
    <//>
    ${lines.length > 0 && html`<${Preview} lines=${lines} results=${results} isSending=${sending !== null} />`}
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
