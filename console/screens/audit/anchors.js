// The signed statements about the ledger, each with what is needed to check it elsewhere.

import { ANCHORS, AUDIT } from "../../texts/pt-BR/audit.js";
import { moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

const COLUMNS = [
  { title: ANCHORS.when, cell: (anchor) => moment(anchor.anchored_at) },
  { title: ANCHORS.seq, name: true, cell: (anchor) => anchor.seq.toLocaleString("pt-BR") },
  { title: ANCHORS.kind, cell: (anchor) => ANCHORS.kinds[anchor.kind] ?? anchor.kind },
  { title: ANCHORS.kid, cell: (anchor) => html`<code>${anchor.kid}</code>` },
];

export function Anchors() {
  const [open, setOpen] = useState(null);
  const pages = usePages("/audit/anchors");
  const values = {
    title: ANCHORS.values,
    cell: (anchor) => html`<button type="button" onClick=${() => setOpen(anchor)} aria-label=${ANCHORS.valuesOf(anchor.seq)}>${ANCHORS.values}</button>`,
  };
  return html`<p class="muted">${ANCHORS.why}</p>
    ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.items ? pages.more : pages.reload} />`}
    ${!pages.items && !pages.problem && html`<${Skeleton} />`}
    ${pages.items?.length === 0 && html`<${Empty} text=${ANCHORS.none} />`}
    ${pages.items?.length > 0 && html`<${Table} caption=${AUDIT.views.anchors} columns=${[...COLUMNS, values]} rows=${pages.items} keyOf=${(anchor) => `${anchor.kind} ${anchor.seq}`} />`}
    <${More} pages=${pages} />
    ${open && html`<${Values} anchor=${open} onClose=${() => setOpen(null)} />`}`;
}

function Values({ anchor, onClose }) {
  return html`<${Dialog} title=${ANCHORS.valuesOf(anchor.seq)} onClose=${onClose} wide>
    <dl class="audit-chain">${Object.entries(ANCHORS.fields).map(([name, title]) => html`<div key=${name}><dt>${title}</dt>
      <dd>${anchor[name] === null ? ANCHORS.keyGone : html`<code>${anchor[name]}</code>`}</dd></div>`)}</dl>
  <//>`;
}
