// Importing a file into a list: first tried, with what is wrong on which line, then written; both with how far it is.

import { session } from "../../shell/state.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { IMPORT } from "../../texts/pt-BR/watchlist.js";
import { isPassing } from "../../ui/again.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/form.js";
import { html, useEffect, useRef, useState } from "../../ui/html.js";
import { Table } from "../../ui/table.js";
import { pause } from "../../ui/waiting.js";

const LOOK_MS = 500;
const AGAIN_MS = 3_000;
const SEND_MS = 120_000;
const ENDED = new Set(["finished", "rejected", "failed"]);

export function ImportDialog({ list, onClose }) {
  const [file, setFile] = useState(null);
  const [seen, setSeen] = useState(null); // the import as it was last seen: a trial, or the real one
  const [problem, setProblem] = useState(null);
  const [isSending, setSending] = useState(false);
  const end = useRef(new AbortController());
  useEffect(() => () => end.current.abort(), []);
  const run = async (chosen, dryRun) => {
    setSending(true);
    setProblem(null);
    setSeen(null);
    try {
      await send(list.watchlist_id, chosen, dryRun, setSeen, end.current.signal);
    } catch (error) {
      setProblem(error);
    } finally {
      setSending(false);
    }
  };
  const choose = (event) => {
    const [chosen] = event.target.files;
    event.target.value = ""; // so that the same name can be chosen again
    setFile(chosen ?? null);
    if (chosen) run(chosen, true);
  };
  const isTried = seen?.dry_run && ENDED.has(seen.state) && seen.state !== "failed";
  const wanted = isTried ? seen.added + seen.changed : 0;
  return html`<${Dialog} title=${IMPORT.title} onClose=${onClose} wide firm>
    <p class="muted">${IMPORT.how}</p><pre><code>${IMPORT.example}</code></pre>
    <${Field} label=${IMPORT.file} hint=${file?.name} error=${problem && inWords(problem, IMPORT.words)}>${(wires) => html`<input type="file" accept=".csv,text/csv" ...${wires} onChange=${choose} disabled=${isSending} />`}<//>
    ${isSending && html`<${Running} seen=${seen} />`}
    ${!isSending && seen && ENDED.has(seen.state) && html`<p role="status"><strong>${ended(seen)}</strong></p>`}
    ${!isSending && isTried && (wanted > 0
      ? html`<div class="actions"><button type="button" class="primary watchlist-start" onClick=${() => run(file, false)}>${seen.invalid ? IMPORT.startGood(wanted) : IMPORT.start(wanted)}</button></div>`
      : html`<p class="muted">${IMPORT.nothing}</p>`)}
    ${seen?.errors.length > 0 && html`<${Errors} seen=${seen} />`}
  <//>`;
}

/** Sends the file and follows the import to its end, also past a server that is away. What was tried is written without the lines that are wrong. */
async function send(id, file, dryRun, onSeen, signal) {
  const text = new Blob([file], { type: "text/csv" });
  const { import_id: started } = await session.post(`/watchlists/${id}/import?dry_run=${dryRun}&on_error=skip`, text, { timeout: SEND_MS });
  for (let state = ""; !ENDED.has(state) && !signal.aborted;) {
    const seen = await look(`/watchlists/${id}/imports/${started}`);
    if (seen) onSeen(seen);
    state = seen?.state ?? "";
    if (!ENDED.has(state)) await pause(seen ? LOOK_MS : AGAIN_MS, signal);
  }
}

/** Returns the import, null where it may be read later. */
const look = (path) => session.get(path).catch((problem) => {
  if (isPassing(problem)) return null;
  throw problem;
});

const ended = (seen) => (seen.state === "failed" ? IMPORT.broken : seen.state === "rejected" ? IMPORT.rejected : seen.dry_run ? IMPORT.found(seen) : IMPORT.finished(seen));

function Running({ seen }) {
  if (!seen) return html`<p role="status">${IMPORT.sending}</p>`;
  const isWriting = !seen.dry_run && seen.state === "writing";
  return html`<div class="in-turn">
    <progress max=${seen.lines || 1} value=${seen.lines ? seen.done : undefined} aria-label=${IMPORT.title}></progress>
    <span role="status">${isWriting ? IMPORT.writing(seen.done, seen.lines) : IMPORT.checking(seen.done, seen.lines)}</span>
    ${!seen.dry_run && html`<span class="muted">${IMPORT.goesOn}</span>`}
  </div>`;
}

function Errors({ seen }) {
  const columns = [
    { title: IMPORT.line, name: true, cell: ({ line }) => line },
    { title: IMPORT.column, cell: ({ column }) => IMPORT.columns[column] ?? column ?? "" },
    { title: IMPORT.problem, cell: ({ code, message }) => html`<span class="error" title=${message}>${IMPORT.codes[code] ?? message}</span>` },
  ];
  return html`${seen.errors.length < seen.invalid && html`<p class="muted">${IMPORT.firstErrors(seen.errors.length, seen.invalid)}</p>`}
    <div class="watchlist-preview"><${Table} caption=${IMPORT.errors} columns=${columns} rows=${seen.errors} keyOf=${({ line, column }) => `${line} ${column}`} /></div>`;
}
