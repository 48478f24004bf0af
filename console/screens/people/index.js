// The people of the city: who may enter, in which role, for which cameras.

import { setQuery } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { ROLES } from "../../texts/pt-BR/common.js";
import { PEOPLE } from "../../texts/pt-BR/people.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { moment } from "../../ui/dates.js";
import { SelectField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { reachInWords } from "../../ui/reach.js";
import { SearchField } from "../../ui/search.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { PersonState } from "../../ui/people.js";
import { NewPerson } from "./new-person.js";

const COLUMNS = [
  { title: PEOPLE.name, name: true, cell: (person) => html`<a href=${`/pessoas/${person.id}`}>${person.name ?? person.email}</a>` },
  { title: PEOPLE.email, cell: (person) => person.email },
  { title: PEOPLE.role, cell: (person) => ROLES[person.role] ?? person.role },
  { title: PEOPLE.reach, cell: (person) => reachInWords(person.camera_groups) },
  { title: PEOPLE.state, cell: (person) => html`<${PersonState} person=${person} />` },
  { title: PEOPLE.secondFactor, cell: (person) => (person.second_factor ? PEOPLE.secondFactorOn : PEOPLE.secondFactorOff) },
  { title: PEOPLE.lastLogin, cell: (person) => (person.last_login_at ? moment(person.last_login_at) : PEOPLE.never) },
];
const ROLE_OPTIONS = [["", PEOPLE.anyRole], ...Object.entries(ROLES)];
const STATE_OPTIONS = [["", PEOPLE.anyState], ["false", PEOPLE.active], ["true", PEOPLE.disabled]];

export default function People({ query }) {
  const [isMaking, setMaking] = useState(false);
  const { q = "", role = "", disabled = "" } = query;
  const pages = usePages("/users", { q, role, disabled });
  return html`<section class="screen people">
    <header><h1>${SHELL.screens.people}</h1>
      ${may("users:write") && html`<button type="button" class="primary" onClick=${() => setMaking(true)}>${PEOPLE.make}</button>`}
    </header>
    <div class="filters" role="search" aria-label=${PEOPLE.search}>
      <${SearchField} label=${PEOPLE.search} value=${q} maxlength="100" onSearch=${(words) => setQuery({ q: words })} />
      <${SelectField} label=${PEOPLE.role} value=${role} options=${ROLE_OPTIONS} onChange=${(event) => setQuery({ role: event.target.value })} />
      <${SelectField} label=${PEOPLE.state} value=${disabled} options=${STATE_OPTIONS} onChange=${(event) => setQuery({ disabled: event.target.value })} />
    </div>
    <${Found} pages=${pages} />
    ${isMaking && html`<${NewPerson} onMade=${pages.reload} onClose=${() => setMaking(false)} />`}
  </section>`;
}

function Found({ pages }) {
  if (pages.problem && !pages.items) return html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`;
  if (!pages.items) return html`<${Skeleton} />`;
  if (!pages.items.length) {
    return html`<${Empty} text=${PEOPLE.none}><button type="button" onClick=${() => setQuery({ q: "", role: "", disabled: "" })}>${PEOPLE.clear}</button><//>`;
  }
  return html`<${Table} caption=${SHELL.screens.people} columns=${COLUMNS} rows=${pages.items} keyOf=${(person) => person.id} />
    ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.more} />`}
    <${More} pages=${pages} />`;
}
