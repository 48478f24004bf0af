// The log of messages: what was sent, what is still being tried, what was given up; each can be sent again.

import { setQuery } from "../../shell/router.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { DELIVERIES, NOTICES, OUTCOMES, STATES } from "../../texts/pt-BR/deliveries.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { useChannels } from "../../ui/channels.js";
import { lately, moment } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Filters } from "../../ui/filters.js";
import { SelectField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { More, useLoaded, usePages, useReadAgain } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

export const styles = ["style.css"];

const AGAIN_MS = 15_000;
const PENDING = new Set(["waiting", "held"]);
const REPEATABLE = new Set(["delivered", "failed"]);

export default function Deliveries({ query }) {
  const [shown, setShown] = useState(null);
  const filters = { channel_id: query.canal ?? "", state: query.situacao ?? "", alert_id: query.alerta ?? "" };
  const pages = usePages("/deliveries", filters);
  useReadAgain(pages, AGAIN_MS);
  const channels = useChannels().value ?? [];
  const count = Object.values(filters).filter(Boolean).length;
  const replay = async (row) => {
    try {
      const now = await session.post(`/deliveries/${row.delivery_id}/replay`);
      pages.change((items) => items.map((each) => (each.delivery_id === now.delivery_id ? now : each)));
      toast(DELIVERIES.replayed);
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
  };
  const actions = {
    title: DELIVERIES.actions,
    cell: (row) => html`<span class="actions">
      <button type="button" onClick=${() => setShown(row)} aria-label=${DELIVERIES.showThis(row.alert_title)}>${DELIVERIES.show}</button>
      ${may("channels:write") && REPEATABLE.has(row.state) && html`<button type="button" onClick=${() => replay(row)} aria-label=${DELIVERIES.replayThis(row.alert_title)}>${DELIVERIES.replay}</button>`}
    </span>`,
  };
  return html`<section class="screen deliveries">
    <header><h1>${SHELL.screens.deliveries}</h1></header>
    <p class="muted">${DELIVERIES.why}</p>
    <${Filters} count=${count}>
      <${SelectField} label=${DELIVERIES.channel} value=${filters.channel_id} options=${[["", DELIVERIES.anyChannel], ...channels.map(({ channel_id: id, name }) => [id, name])]} onChange=${(event) => setQuery({ canal: event.target.value })} />
      <${SelectField} label=${DELIVERIES.state} value=${filters.state} options=${[["", DELIVERIES.anyState], ...Object.entries(STATES)]} onChange=${(event) => setQuery({ situacao: event.target.value })} />
      ${filters.alert_id && html`<p>${DELIVERIES.ofOneAlert} <button type="button" onClick=${() => setQuery({ alerta: "" })}>${DELIVERIES.seeAll}</button></p>`}
    <//>
    ${!pages.items && (pages.problem ? html`<${Failed} problem=${pages.problem} retry=${pages.reload} />` : html`<${Skeleton} />`)}
    ${pages.items?.length === 0 && html`<${Empty} text=${count ? DELIVERIES.noneFiltered : DELIVERIES.none}>${count > 0 && html`<a class="button" href="/envios">${DELIVERIES.clear}</a>`}<//>`}
    ${pages.items?.length > 0 && html`<${Table} caption=${DELIVERIES.caption} columns=${[...COLUMNS, actions]} rows=${pages.items} keyOf=${(row) => row.delivery_id} /><${More} pages=${pages} />`}
    ${shown && html`<${Tries} row=${shown} onClose=${() => setShown(null)} />`}
  </section>`;
}

const COLUMNS = [
  { title: DELIVERIES.alert, name: true, cell: (row) => (row.alert_id ? html`<a href=${`/alertas/${row.alert_id}`}>${row.alert_title}</a>` : row.alert_title || DELIVERIES.digest) },
  { title: DELIVERIES.when, cell: (row) => moment(row.created_at) },
  { title: DELIVERIES.to, cell: (row) => html`${row.channel_name}${row.to && html`<br /><small class="muted">${row.to}</small>`}` },
  { title: DELIVERIES.notice, cell: (row) => NOTICES[row.notice] ?? row.notice },
  { title: DELIVERIES.state, cell: (row) => html`<${State} row=${row} />` },
  { title: DELIVERIES.answer, cell: (row) => html`<span class="deliveries-answer">${row.last_answer}</span>` },
];

function State({ row }) {
  const when = row.state === "delivered" ? DELIVERIES.deliveredAt(lately(row.delivered_at)) : PENDING.has(row.state) && row.next_try_at ? DELIVERIES.nextAt(lately(row.next_try_at)) : "";
  return html`<span class="badge" data-state=${{ delivered: "on", failed: "off" }[row.state]}>${STATES[row.state] ?? row.state}</span>
    ${when && html`<br /><small class="muted">${when}</small>`}`;
}

/** Each attempt of one message with its answer. */
function Tries({ row, onClose }) {
  const read = useLoaded(() => session.get(`/deliveries/${row.delivery_id}`), [row.delivery_id]);
  const columns = [
    { title: DELIVERIES.at, name: true, cell: (each) => moment(each.at) },
    { title: DELIVERIES.outcome, cell: (each) => OUTCOMES[each.outcome] ?? each.outcome },
    { title: DELIVERIES.answer, cell: (each) => html`<span class="deliveries-answer">${each.detail}</span>` },
    { title: DELIVERIES.time, cell: (each) => DELIVERIES.took(each.took_ms) },
  ];
  const tries = read.value?.tries.map((each, index) => ({ ...each, index }));
  return html`<${Dialog} title=${DELIVERIES.showThis(row.alert_title)} onClose=${onClose} wide>
    ${!tries && (read.problem ? html`<${Failed} problem=${read.problem} retry=${read.reload} />` : html`<${Skeleton} lines=${3} />`)}
    ${tries?.length === 0 && html`<p class="muted">${DELIVERIES.noTries}</p>`}
    ${tries?.length > 0 && html`<${Table} caption=${DELIVERIES.tries} columns=${columns} rows=${tries} keyOf=${(each) => each.index} />`}
  <//>`;
}
