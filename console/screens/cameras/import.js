// Importing many cameras from a CSV: checked line by line before anything is made, then made one by one with progress.

import { session } from "../../shell/state.js";
import { cameras, loadCameras } from "../../stores/cameras.js";
import { groups, loadGroups, makeGroup } from "../../stores/groups.js";
import { CAMERAS, IMPORT } from "../../texts/pt-BR/cameras.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/form.js";
import { html, useRef, useState } from "../../ui/html.js";
import { Table } from "../../ui/table.js";
import { camerasOf, textOf } from "./csv.js";

export function ImportDialog({ onClose }) {
  const [lines, setLines] = useState(null);
  const [problem, setProblem] = useState("");
  const [progress, setProgress] = useState(null);
  const isGone = useRef(false);
  const read = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const found = camerasOf(textOf(await file.arrayBuffer()));
    setProblem(found ? "" : IMPORT.columns);
    setLines(found && checked(found));
  };
  const ready = lines?.filter((line) => !line.error && !line.done) ?? [];
  const run = async () => {
    let done = 0;
    setProgress([done, ready.length]);
    for (const line of ready) {
      if (isGone.current) break;
      await importLine(line).catch((error) => (line.error = inWords(error, CAMERAS.words)));
      setLines((now) => [...now]);
      setProgress([(done += 1), ready.length]);
    }
    await Promise.all([loadCameras(), loadGroups()]).catch(() => {}); // they are read again with the next resync
    setProgress(null);
  };
  const close = () => {
    isGone.current = true;
    onClose();
  };
  const bad = lines?.filter((line) => line.error).length ?? 0;
  const good = lines?.filter((line) => line.done).length ?? 0;
  return html`<${Dialog} title=${IMPORT.title} onClose=${close} wide>
    <p class="muted">${IMPORT.how}</p><pre><code>${IMPORT.example}</code></pre>
    <${Field} label=${IMPORT.file} error=${problem}>${(wires) => html`<input type="file" accept=".csv,text/csv" ...${wires} onChange=${read} disabled=${progress !== null} />`}<//>
    ${lines && html`
      <div class="actions">
        <p role="status">${progress ? IMPORT.progress(...progress) : good ? IMPORT.finished(good, bad) : IMPORT.check(ready.length, bad)}</p>
        ${progress && html`<progress value=${progress[0]} max=${progress[1]} />`}
        ${ready.length > 0 && !progress && html`<button type="button" class="primary" onClick=${run}>${IMPORT.start(ready.length)}</button>`}
      </div>
      <${Table} caption=${IMPORT.title} rows=${lines} keyOf=${(line) => line.line} columns=${[
        { title: IMPORT.line, cell: (line) => line.line },
        { title: CAMERAS.name, cell: (line) => line.name, name: true },
        { title: CAMERAS.groups, cell: (line) => line.groups.join(", ") },
        { title: IMPORT.problem, cell: (line) => html`<span class=${line.error ? "error" : ""}>${line.error || line.done || IMPORT.ready}</span>` },
      ]} />`}
  <//>`;
}

function checked(lines) {
  const codes = new Map();
  return lines.map((line) => {
    const before = line.external_id && codes.get(line.external_id);
    if (line.external_id) codes.set(line.external_id, line.line);
    const error = !line.name ? IMPORT.noName : !/^rtsps?:\/\/./.test(line.url) ? IMPORT.noUrl : before ? IMPORT.twice(before) : "";
    return { ...line, error };
  });
}

/** Makes one camera. A repeat of the file makes nothing twice: an external id, or else name and address without credentials, is known. */
async function importLine(line) {
  const shown = line.url.replace(/^(rtsps?:\/\/)[^@/]*@/, "$1");
  const there = !line.external_id && [...(cameras.value?.values() ?? [])].some((camera) => camera.name === line.name && camera.url === shown);
  if (there) {
    line.done = IMPORT.there;
    return;
  }
  const ids = [];
  for (const name of line.groups) ids.push(await groupId(name));
  await session.post("/cameras", { name: line.name, url: line.url, external_id: line.external_id || null, groups: ids });
  line.done = IMPORT.done;
}

async function groupId(name) {
  const known = groups.value?.find((group) => group.name.toLowerCase() === name.toLowerCase());
  return (known ?? (await makeGroup(name))).id;
}
