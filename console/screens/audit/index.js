// The audit reader: entries with filters, verification of the chain, anchors; and the export for who may.

import { setQuery, withQuery } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { AUDIT, EXPORT } from "../../texts/pt-BR/audit.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Anchors } from "./anchors.js";
import { Entries } from "./entries.js";
import { Entry } from "./entry.js";
import { ExportDialog } from "./export.js";
import { AuditFilters, CLEARED, searchOf } from "./filters.js";
import { Verify } from "./verify.js";

export const styles = ["style.css"];

export default function Audit({ query }) {
  const [isExporting, setExporting] = useState(false);
  const view = Object.hasOwn(AUDIT.views, query.view) ? query.view : "entries";
  return html`<section class="screen audit">
    <header><h1>${SHELL.screens.audit}</h1>
      ${may("audit:export") && html`<button type="button" onClick=${() => setExporting(true)}>${EXPORT.open}</button>`}
    </header>
    <nav class="audit-views" aria-label=${AUDIT.viewsLabel}>
      ${Object.entries(AUDIT.views).map(([code, title]) => html`<a key=${code} class="button" aria-current=${code === view ? "page" : undefined}
        href=${withQuery("/auditoria", { ...query, view: code === "entries" ? "" : code })}>${title}</a>`)}
    </nav>
    ${view === "entries" && html`<${Reader} query=${query} />`}
    ${view === "verify" && html`<${Verify} />`}
    ${view === "anchors" && html`<${Anchors} />`}
    ${isExporting && html`<${ExportDialog} search=${searchOf(query)} onClose=${() => setExporting(false)} />`}
  </section>`;
}

function Reader({ query }) {
  const [open, setOpen] = useState(null);
  // Each reading goes on record: it is not repeated when the live link comes back.
  const pages = usePages("/audit", searchOf(query), { follows: false });
  return html`<p class="muted">${AUDIT.why}</p>
    <${AuditFilters} query=${query} />
    ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.items ? pages.more : pages.reload} words=${{ invalid: AUDIT.wrongFilter }} />`}
    ${!pages.items && !pages.problem && html`<${Skeleton} />`}
    ${pages.items?.length === 0 && html`<${Empty} text=${AUDIT.none}><button type="button" onClick=${() => setQuery(CLEARED)}>${AUDIT.clear}</button><//>`}
    ${pages.items?.length > 0 && html`<${Entries} entries=${pages.items} onOpen=${setOpen} /><${More} pages=${pages} />`}
    ${open && html`<${Entry} entry=${open} onClose=${() => setOpen(null)} />`}`;
}
