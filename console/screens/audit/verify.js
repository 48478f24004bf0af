// Verifying the chain, part by part: how far it is, and in words what came of it.

import { session } from "../../shell/state.js";
import { VERIFY } from "../../texts/pt-BR/audit.js";
import { moment } from "../../ui/dates.js";
import { html, useEffect, useRef, useState } from "../../ui/html.js";
import { Failed } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

const NOTHING = { rows: 0, last: 0, head: 0, findings: [], anchors: [], lastAnchor: null, unanchored: 0 };

/** Adds what the API says of the next part. */
const joined = (before, part) => ({
  rows: before.rows + part.rows,
  last: Math.max(before.last, part.last),
  head: part.head,
  findings: [...before.findings, ...part.findings],
  anchors: [...before.anchors, ...part.anchors],
  lastAnchor: part.last_anchor,
  unanchored: part.unanchored,
});

export function Verify() {
  /** "ready", "running", "done", "stopped" or "failed". */
  const [state, setState] = useState({ phase: "ready", found: NOTHING, problem: null });
  const latest = useRef(0);
  useEffect(() => () => (latest.current += 1), []);
  const run = async () => {
    const mine = (latest.current += 1);
    const tell = (next) => mine === latest.current && setState((before) => ({ ...before, ...next }));
    setState({ phase: "running", found: NOTHING, problem: null });
    try {
      let found = NOTHING;
      let after = null;
      do {
        const part = await session.get(after === null ? "/audit/verify" : `/audit/verify?after=${after}`);
        found = joined(found, part);
        after = part.next;
        tell({ found });
      } while (after !== null && mine === latest.current);
      tell({ phase: "done" });
    } catch (problem) {
      tell({ phase: "failed", problem });
    }
  };
  const stop = () => {
    latest.current += 1;
    setState((before) => ({ ...before, phase: "stopped" }));
  };
  const { phase, found, problem } = state;
  return html`<section class="panel" aria-label=${VERIFY.run}>
    <p>${VERIFY.why}</p>
    <div class="actions">
      ${phase === "running"
        ? html`<button type="button" onClick=${stop}>${VERIFY.stop}</button>`
        : html`<button type="button" class="primary" onClick=${run}>${phase === "ready" ? VERIFY.run : VERIFY.again}</button>`}
    </div>
    <div role="status">
      ${phase === "running" && html`<p>${found.head ? VERIFY.running(found.last, found.head) : VERIFY.begun}</p>
        <progress max=${found.head || undefined} value=${found.head ? found.last : undefined} aria-label=${VERIFY.begun} />`}
      ${phase === "stopped" && html`<p>${VERIFY.stopped(found.last)}</p>`}
      ${(phase === "done" || (phase === "stopped" && found.rows > 0)) && html`<${Result} found=${found} />`}
    </div>
    ${phase === "failed" && html`<${Failed} problem=${problem} retry=${run} />`}
  </section>`;
}

function Result({ found }) {
  const wrong = [...found.findings, ...found.anchors].sort((a, b) => a.seq - b.seq);
  const anchor = found.lastAnchor ? VERIFY.lastAnchor(found.lastAnchor.seq, moment(found.lastAnchor.anchored_at)) : VERIFY.noAnchor;
  const rest = html`<p class="muted">${anchor}${found.lastAnchor && found.unanchored > 0 && html` ${VERIFY.unanchored(found.unanchored)}`}</p>`;
  if (found.head === 0 && !wrong.length) return html`<p>${VERIFY.empty}</p>`;
  if (!wrong.length) {
    return html`<div class="audit-result" data-right="true"><h2>✓ ${VERIFY.right(found.last)}</h2><p>${VERIFY.rightMore(found.rows)}</p>${rest}</div>`;
  }
  const columns = [
    { title: VERIFY.entry, name: true, cell: (one) => one.seq.toLocaleString("pt-BR") },
    { title: VERIFY.finding, cell: (one) => VERIFY.kinds[one.wrong] ?? one.wrong },
    { title: VERIFY.when, cell: (one) => moment(one.at) },
    { title: VERIFY.evidence, cell: (one) => html`<code lang="en">${one.says}</code>` },
  ];
  return html`<div class="audit-result" data-right="false"><h2>✕ ${VERIFY.wrong(wrong[0].seq)}</h2><p>${VERIFY.wrongMore}</p>${rest}</div>
    <${Table} caption=${VERIFY.findings} columns=${columns} rows=${wrong.map((one, index) => ({ ...one, index }))} keyOf=${(one) => one.index} />
    <p class="muted">${VERIFY.atMostShown}</p>`;
}
