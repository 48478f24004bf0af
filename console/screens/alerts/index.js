// The alert centre: all alerts with filters and pages, one beside the list with its picture, acknowledged one by one or many at a time.

import { may, session, listen } from "../../shell/state.js";
import { address, go, withQuery } from "../../shell/router.js";
import { toast } from "../../shell/toasts.js";
import { acknowledge, openCounts, resolve } from "../../stores/alerts.js";
import { ALERTS } from "../../texts/pt-BR/alerts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { useHeld } from "../../ui/holding.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { useLoaded, usePages } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { VirtualList } from "../../ui/virtual-list.js";
import { Bulk } from "./bulk.js";
import { AlertDetail } from "./detail.js";
import { AlertFilters, filtersOf, fits } from "./filters.js";
import { AlertRow, useRowHeight } from "./row.js";

export const styles = ["style.css"];

const MOST_AT_ONCE = 500;
/** An alert centre stays open for days. */
const MOST_LIVE = 500;
const ACTS = { acknowledge: [acknowledge, ALERTS.acknowledged], resolve: [resolve, ALERTS.resolved] };
const keyOf = (alert) => alert.alert_id;

export default function Alerts({ params, query }) {
  const filters = filtersOf(query);
  const pages = usePages("/alerts", filters, { limit: 200, most: MOST_LIVE });
  const [chosen, setChosen] = useState(new Set());
  useEffect(() => setChosen(new Set()), [JSON.stringify(filters)]);
  useLiveAlerts(pages, filters);
  const items = pages.items ?? [];
  const held = useHeld(items, keyOf);
  const height = useRowHeight();
  const selected = useSelected(params.id, items);
  const changed = (alerts) => {
    const now = new Map(alerts.map((alert) => [alert.alert_id, alert]));
    pages.change((list) => list.map((alert) => now.get(keyOf(alert)) ?? alert));
    alerts.forEach(selected.is);
  };
  /** `verb`: "acknowledge" or "resolve". Returns whether any was done. */
  const act = async (verb, ids, comment = "") => {
    const [send, words] = ACTS[verb];
    let count = 0;
    try {
      for (let from = 0; from < ids.length; from += MOST_AT_ONCE) {
        const part = ids.slice(from, from + MOST_AT_ONCE);
        const done = await send(part, comment);
        count += done.length;
        changed(done);
        setChosen((now) => new Set([...now].filter((id) => !part.includes(id))));
      }
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
    if (count) toast(words(count));
    return count > 0;
  };
  const open = (alert) => go(withQuery(`/alertas/${alert.alert_id}`, address.value.query));
  const row = (alert) => html`<${AlertRow} alert=${alert} isSelected=${alert.alert_id === params.id} isChosen=${chosen.has(alert.alert_id)}
    onOpen=${open} onTake=${() => act("acknowledge", [alert.alert_id])} onChoose=${() => setChosen(toggled(chosen, alert.alert_id))} />`;
  return html`<section class="screen alerts" data-detail=${Boolean(params.id)}>
    <header><h1>${ALERTS.title}</h1><p class="muted" role="status" aria-live="off">${ALERTS.counts(openCounts.value)}</p></header>
    <${AlertFilters} filters=${filters} />
    <div class="alerts-columns">
      <div class="alerts-list" ...${held.hold}>
        ${items.length > 0 && html`<${Bulk} held=${held} loaded=${ALERTS.loadedOf(items.length, pages.hasMore)} chosen=${chosen} onChoose=${setChosen} onDo=${act} />`}
        ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`}
        ${pages.items === null && pages.loading && html`<${Skeleton} lines=${10} />`}
        ${pages.items?.length === 0 && html`<${None} isFiltered=${Object.entries(filters).some(([name, value]) => name !== "state" && value.length) || ["acknowledged", "resolved"].includes(filters.state)} isOpenOnly=${filters.state === "open"} />`}
        ${items.length > 0 && html`<${VirtualList} items=${held.shown} keyOf=${keyOf} row=${row} height=${height} label=${ALERTS.list} onEnd=${() => pages.problem || pages.more()} />`}
      </div>
      <div class="alerts-detail">${selected.problem
        ? html`<${Failed} problem=${selected.problem} />`
        : html`<${AlertDetail} alert=${selected.alert} isAsked=${Boolean(params.id)} onDo=${act} onChanged=${(alert) => changed([alert])}
            onBack=${() => go(withQuery("/alertas", address.value.query))} />`}</div>
    </div>
  </section>`;
}

function toggled(set, key) {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}

/** The alert of the address: from the list, or read by itself where the list does not hold it. */
function useSelected(id, items) {
  const here = items.find((alert) => alert.alert_id === id) ?? null;
  const read = useLoaded(async () => (id && !here ? session.get(`/alerts/${id}`) : null), [id, Boolean(here)]);
  const is = (alert) => alert.alert_id === id && read.set(alert);
  useEffect(() => listen("alert", is), [id]);
  // What was read before may be another alert's, until this one's answer is here.
  const alert = here ?? (read.value?.alert_id === id ? read.value : null);
  return { alert, problem: alert || read.loading ? null : read.problem, is };
}

/** Live messages change alerts that are in the list, and put new ones that fit the filters on top. */
function useLiveAlerts(pages, filters) {
  const change = pages.change;
  useEffect(() => listen("alert", (alert) => change((items) => {
    const at = items.findIndex((each) => each.alert_id === alert.alert_id);
    if (at >= 0) return items.with(at, alert);
    return fits(alert, filters) ? inserted(items, alert, pages.hasMore) : items;
  })), [JSON.stringify(filters), pages.hasMore]);
}

/** The list is by time: an alert that is older than what is here comes with its page. */
function inserted(items, alert, hasMore) {
  const at = items.findIndex((each) => each.raised_at <= alert.raised_at);
  if (at < 0 && hasMore) return items;
  return items.toSpliced(at < 0 ? items.length : at, 0, alert);
}

function None({ isFiltered, isOpenOnly }) {
  if (isOpenOnly && !isFiltered) return html`<${Empty} text=${ALERTS.noneOpen}><a class="button" href="/alertas?state=all">${ALERTS.seeAll}</a><//>`;
  if (isFiltered) return html`<${Empty} text=${ALERTS.none}><a class="button" href="/alertas">${ALERTS.clearFilters}</a><//>`;
  return html`<${Empty} text=${ALERTS.noneYet}>${may("watchlists:read") && html`<a class="button" href="/listas">${ALERTS.toLists}</a>`}<//>`;
}
