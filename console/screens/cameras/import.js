// Importing many cameras from a CSV: checked line by line before anything is made, then made one by one with progress.

import { session } from "../../shell/state.js";
import { cameras, loadCameras } from "../../stores/cameras.js";
import { groups, loadGroups, makeGroup } from "../../stores/groups.js";
import { CAMERAS, IMPORT } from "../../texts/pt-BR/cameras.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { Progress, useInTurn } from "../../ui/pacing.js";
import { Table } from "../../ui/table.js";
import { camerasOf, textOf } from "./csv.js";

export function ImportDialog({ onClose }) {
  const [lines, setLines] = useState(null);
  const [problem, setProblem] = useState("");
  const sending = useInTurn();
  const read = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const found = camerasOf(textOf(await file.arrayBuffer()));
    setProblem(found ? "" : IMPORT.columns);
    setLines(found && checked(found));
  };
  const left = lines?.filter((line) => !line.error && !line.done) ?? [];
  const run = async () => {
    await sending.send(left, importLine, (line, error) => {
      line.failed = error && inWords(error, CAMERAS.words);
      setLines((now) => [...now]);
    });
    await Promise.all([loadCameras(), loadGroups()]).catch(() => {}); // they are read again with the next resync
  };
  const count = (state) => lines?.filter((line) => line[state]).length ?? 0;
  const [bad, failed, good] = ["error", "failed", "done"].map(count);
  const isSending = sending.progress !== null;
  return html`<${Dialog} title=${IMPORT.title} onClose=${onClose} wide firm>
    <p class="muted">${IMPORT.how}</p><pre><code>${IMPORT.example}</code></pre>
    <${Field} label=${IMPORT.file} error=${problem}>${(wires) => html`<input type="file" accept=".csv,text/csv" ...${wires} onChange=${read} disabled=${isSending} />`}<//>
    ${lines && html`
      <div class="actions">
        <p role="status">${isSending ? "" : good || failed ? IMPORT.finished(good, bad, failed) : IMPORT.check(left.length, bad)}</p>
        ${left.length > 0 && !isSending && html`<button type="button" class="primary" onClick=${run}>${failed === left.length ? COMMON.againFailed : IMPORT.start(left.length)}</button>`}
      </div>
      <${Progress} sending=${sending} label=${IMPORT.title} words=${IMPORT.progress} />
      <${Table} caption=${IMPORT.title} rows=${lines} keyOf=${(line) => line.line} columns=${[
        { title: IMPORT.line, cell: (line) => line.line },
        { title: CAMERAS.name, cell: (line) => line.name, name: true },
        { title: CAMERAS.groups, cell: (line) => line.groups.join(", ") },
        { title: IMPORT.problem, cell: (line) => html`<span class=${line.error || line.failed ? "error" : ""}>${line.error || line.failed || line.done || IMPORT.ready}</span>` },
      ]} />`}
  <//>`;
}

function checked(lines) {
  const codes = new Map();
  return lines.map((line) => {
    const before = line.external_id && codes.get(line.external_id);
    if (line.external_id) codes.set(line.external_id, line.line);
    const error = !line.name ? IMPORT.noName : !/^rtsps?:\/\/./.test(line.url) ? IMPORT.noUrl : before ? IMPORT.twice(before) : "";
    return { ...line, error, key: crypto.randomUUID() };
  });
}

/** Makes one camera. A repeat of the file makes nothing twice: an external id, or else name and address without credentials, is known. */
async function importLine(line, ask) {
  const shown = line.url.replace(/^(rtsps?:\/\/)[^@/]*@/, "$1");
  const there = !line.external_id && [...(cameras.value?.values() ?? [])].some((camera) => camera.name === line.name && camera.url === shown);
  if (there) {
    line.done = IMPORT.there;
    return;
  }
  const ids = [];
  for (const name of line.groups) ids.push(await groupId(name, ask));
  const camera = { name: line.name, url: line.url, external_id: line.external_id || null, groups: ids };
  await ask(() => session.post("/cameras", camera, { key: line.key }));
  line.done = IMPORT.done;
}

async function groupId(name, ask) {
  const known = groups.value?.find((group) => group.name.toLowerCase() === name.toLowerCase());
  if (known) return known.id;
  const key = crypto.randomUUID();
  return (await ask(() => makeGroup(name, key))).id;
}
