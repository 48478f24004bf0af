// The cities of the platform: how each stands, and what is done with it.

import { setQuery } from "../../shell/router.js";
import { may, me, session } from "../../shell/state.js";
import { CITIES } from "../../texts/pt-BR/cities.js";
import { QUOTAS } from "../../texts/pt-BR/city.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { day, moment } from "../../ui/dates.js";
import { SelectField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { SearchField } from "../../ui/search.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { Ceilings, move, Removal, Renaming } from "./acts.js";
import { NewCity } from "./new-city.js";

const STATE_OPTIONS = [["", CITIES.anyState], ...Object.entries(CITIES.states)];
const DIALOGS = { rename: Renaming, limits: Ceilings, remove: Removal };

const COLUMNS = [
  { title: CITIES.city, name: true, cell: (city) => html`${city.name}${city.id === me.value.tenant_id && html` <span class="badge">${CITIES.yours}</span>`}` },
  { title: CITIES.state, cell: (city) => html`<${State} city=${city} />` },
  { title: CITIES.users, cell: (city) => city.users.toLocaleString("pt-BR") },
  { title: CITIES.ceiling, cell: ceilingInWords },
  { title: CITIES.created, cell: (city) => day(city.created_at) },
];

function ceilingInWords({ ceiling }) {
  const limits = Object.entries(QUOTAS).filter(([name]) => `quotas.${name}` in ceiling).map(([name, [title]]) => CITIES.limit(title, ceiling[`quotas.${name}`]));
  const budget = ceiling["ai_budget.daily_usd"];
  return [...limits, budget !== undefined && CITIES.budget(budget)].filter(Boolean).join("; ") || CITIES.noCeiling;
}

function State({ city }) {
  const when = city.state === "closing" ? CITIES.until(moment(city.deletes_at)) : city.suspended_at ? CITIES.since(day(city.suspended_at)) : "";
  return html`<span class="badge" data-state=${city.state === "active" ? "on" : "off"}>${CITIES.states[city.state]}</span>${when && html` <span class="muted">${when}</span>`}`;
}

export default function Cities({ query }) {
  const [open, setOpen] = useState(null); // {what, city}: the dialog that is open
  const { q = "", state = "" } = query;
  const pages = usePages("/tenants", { q, state }, { limit: 100 });
  const changed = async (city) => {
    pages.change((items) => items.map((each) => (each.id === city.id ? city : each)));
    if (city.id === me.value.tenant_id) me.value = await session.get("/users/me");
  };
  const close = () => setOpen(null);
  const make = may("tenants:write") && html`<button type="button" class="primary" onClick=${() => setOpen({ what: "make" })}>${CITIES.make}</button>`;
  const OpenDialog = open && DIALOGS[open.what];
  return html`<section class="screen cities">
    <header><h1>${SHELL.screens.cities}</h1>${make}</header>
    <div class="filters" role="search" aria-label=${CITIES.search}>
      <${SearchField} label=${CITIES.search} value=${q} maxlength="100" onSearch=${(words) => setQuery({ q: words })} />
      <${SelectField} label=${CITIES.state} value=${state} options=${STATE_OPTIONS} onChange=${(event) => setQuery({ state: event.target.value })} />
    </div>
    <${Found} pages=${pages} onOpen=${setOpen} onChanged=${changed} />
    ${open?.what === "make" && html`<${NewCity} onMade=${pages.reload} onClose=${close} />`}
    ${OpenDialog && html`<${OpenDialog} city=${open.city} onChanged=${changed} onClose=${close} />`}
  </section>`;
}

function Found({ pages, onOpen, onChanged }) {
  if (pages.problem && !pages.items) return html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`;
  if (!pages.items) return html`<${Skeleton} />`;
  if (!pages.items.length) {
    return html`<${Empty} text=${CITIES.none}><button type="button" onClick=${() => setQuery({ q: "", state: "" })}>${CITIES.clear}</button><//>`;
  }
  const go = async (city, verb) => {
    const now = await move(city, verb);
    if (now) onChanged(now);
  };
  const act = (city, what) => () => (what in DIALOGS ? onOpen({ what, city }) : go(city, what));
  const actions = { title: CITIES.actions, cell: (city) => html`<${Acts} city=${city} act=${act} />` };
  return html`<${Table} caption=${SHELL.screens.cities} columns=${may("tenants:write") ? [...COLUMNS, actions] : COLUMNS} rows=${pages.items} keyOf=${({ id }) => id} />
    <${More} pages=${pages} />`;
}

/** One's own city, in which the platform is administered, is neither suspended nor deleted. */
function Acts({ city, act }) {
  if (city.state === "deleted") return null;
  const isOwn = city.id === me.value.tenant_id;
  const button = (what) => html`<button type="button" onClick=${act(city, what)} aria-label=${CITIES[`${what}This`](city.name)}>${CITIES[what]}</button>`;
  return html`<span class="actions">
    ${button("rename")}${button("limits")}
    ${!isOwn && button(city.state === "active" ? "suspend" : "resume")}
    ${!isOwn && city.state === "suspended" && button("remove")}
  </span>`;
}
