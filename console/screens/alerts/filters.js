// The filters of the alert centre. They are in the address.

import { setQuery } from "../../shell/router.js";
import { may, me } from "../../shell/state.js";
import { ALERTS, KINDS } from "../../texts/pt-BR/alerts.js";
import { SEVERITIES } from "../../texts/pt-BR/common.js";
import { CamerasField, PeriodFields } from "../../ui/choosing.js";
import { Filters } from "../../ui/filters.js";
import { SelectField } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { readAll, useLoaded } from "../../ui/loading.js";

/** Returns the filters of an address, by the names that the API has for them. */
export const filtersOf = (query) => ({
  state: query.state === "all" ? "" : query.state ?? "open",
  severity: query.severity ?? "",
  kind: query.kind ?? "",
  camera_id: query.cameras?.split(",") ?? [],
  watchlist_id: query.list ?? "",
  rule_id: query.rule ?? "",
  assigned_to: query.mine ? me.value.id : "",
  from: query.from ?? "",
  to: query.to ?? "",
});

/** Whether an alert that comes live belongs into a list with these filters. */
export function fits(alert, { camera_id: cameras, from, to, ...exact }) {
  const isAbout = !cameras.length || cameras.includes(alert.camera_id) || alert.camera_ids?.some((id) => cameras.includes(id));
  return isAbout && Object.entries(exact).every(([name, value]) => !value || alert[name] === value)
    && (!from || alert.raised_at >= from) && (!to || alert.raised_at < to);
}

export function AlertFilters({ filters }) {
  const set = (name) => (event) => setQuery({ [name]: event.target.value });
  const count = Object.values(filters).filter((value) => value.length).length;
  return html`<${Filters} count=${count}>
    <${SelectField} label=${ALERTS.state} value=${filters.state || "all"} options=${Object.entries(ALERTS.states)} onChange=${set("state")} />
    <${SelectField} label=${ALERTS.severity} value=${filters.severity} options=${[["", ALERTS.anySeverity], ...Object.entries(SEVERITIES)]} onChange=${set("severity")} />
    <${SelectField} label=${ALERTS.kind} value=${filters.kind} options=${[["", ALERTS.anyKind], ...Object.entries(KINDS)]} onChange=${set("kind")} />
    ${may("alerts:acknowledge") && html`<${SelectField} label=${ALERTS.assignee} value=${filters.assigned_to ? "1" : ""}
      options=${[["", ALERTS.anyAssignee], ["1", ALERTS.assignedToMe]]} onChange=${set("mine")} />`}
    <${CamerasField} chosen=${filters.camera_id} onChange=${(ids) => setQuery({ cameras: ids.join(",") })} />
    ${may("watchlists:read") && html`<${WatchlistField} chosen=${filters.watchlist_id} onChange=${set("list")} />`}
    <${PeriodFields} from=${filters.from} to=${filters.to} onChange=${setQuery} />
  <//>`;
}

function WatchlistField({ chosen, onChange }) {
  const lists = useLoaded(() => readAll("/watchlists"));
  const known = (lists.value ?? []).map(({ watchlist_id: id, name }) => [id, name]).sort(([, one], [, other]) => one.localeCompare(other));
  // The alerts of a list outlive it; while the lists are being read, each may be.
  const other = chosen && !known.some(([id]) => id === chosen) ? [[chosen, lists.value ? ALERTS.removedList : "…"]] : [];
  return html`<${SelectField} label=${ALERTS.watchlist} value=${chosen} options=${[["", ALERTS.anyWatchlist], ...known, ...other]} onChange=${onChange} />`;
}
