// What an auditor looks for: kept in the address, so that a link shows the same.

import { setQuery } from "../../shell/router.js";
import { may } from "../../shell/state.js";
import { nameOf } from "../../stores/cameras.js";
import { ACTION_GROUPS, AUDIT, OBJECTS, OUTCOMES } from "../../texts/pt-BR/audit.js";
import { CamerasDialog, PeriodFields } from "../../ui/choosing.js";
import { Filters } from "../../ui/filters.js";
import { Field, SelectField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { readAll, useLoaded } from "../../ui/loading.js";
import { SearchField } from "../../ui/search.js";
import { inOrder } from "../../ui/order.js";

const GROUP = "group:";
const SIMPLE = ["from", "to", "outcome", "actor_id", "camera_id", "object_kind", "object_id", "address", "purpose", "correlation_id"];
const RARE = ["object_kind", "object_id", "address", "purpose", "correlation_id"];

/** Changes of the query that take every filter away. */
export const CLEARED = Object.fromEntries(["action", ...SIMPLE].map((name) => [name, ""]));

/** Returns the search of the API for a query of the screen. */
export function searchOf(query) {
  const search = Object.fromEntries(SIMPLE.map((name) => [name, query[name] ?? ""]));
  const { action = "" } = query;
  const group = action.startsWith(GROUP) ? ACTION_GROUPS[action.slice(GROUP.length)] : null;
  return { ...search, action: group ? Object.keys(group.actions) : action };
}

export function AuditFilters({ query }) {
  const count = ["action", ...SIMPLE].filter((name) => query[name]).length;
  const set = (name) => (event) => setQuery({ [name]: event.target.value });
  const words = (name) => ({ value: query[name] ?? "", maxlength: 200, onSearch: (text) => setQuery({ [name]: text }) });
  return html`<${Filters} count=${count}>
    <${PeriodFields} from=${query.from ?? ""} to=${query.to ?? ""} onChange=${setQuery} />
    <${ActionField} value=${query.action ?? ""} onChange=${set("action")} />
    <${SelectField} label=${AUDIT.outcome} value=${query.outcome ?? ""} options=${[["", AUDIT.anyOutcome], ...Object.entries(OUTCOMES)]} onChange=${set("outcome")} />
    <${ActorField} value=${query.actor_id ?? ""} onChange=${set("actor_id")} />
    <${CameraField} value=${query.camera_id ?? ""} />
    <details class="audit-more" open=${RARE.some((name) => query[name])}><summary>${AUDIT.moreFilters}</summary>
      <div class="filters">
        <${SelectField} label=${AUDIT.objectKind} value=${query.object_kind ?? ""} options=${[["", AUDIT.anyObject], ...Object.entries(OBJECTS)]} onChange=${set("object_kind")} />
        <${SearchField} label=${AUDIT.objectId} ...${words("object_id")} />
        <${SearchField} label=${AUDIT.address} ...${words("address")} maxlength=${64} />
        <${SearchField} label=${AUDIT.purpose} ...${words("purpose")} maxlength=${40} />
        <${SearchField} label=${AUDIT.correlation} ...${words("correlation_id")} />
      </div>
    </details>
    ${count > 0 && html`<button type="button" onClick=${() => setQuery(CLEARED)}>${AUDIT.clear}</button>`}
  <//>`;
}

function ActionField({ value, onChange }) {
  const option = (code, text) => html`<option key=${code} value=${code} selected=${code === value}>${text}</option>`;
  return html`<${Field} label=${AUDIT.action}>
    ${(wires) => html`<select ...${wires} onChange=${onChange}>
      ${option("", AUDIT.anyAction)}
      ${Object.entries(ACTION_GROUPS).map(([code, { title, actions }]) => html`<optgroup key=${code} label=${title}>
        ${option(`${GROUP}${code}`, AUDIT.allOf(title))}
        ${Object.entries(actions).map(([action, text]) => option(action, text))}
      </optgroup>`)}
    </select>`}
  <//>`;
}

/** People and programs by name; one who is no longer there is still in the filter of a link. */
function ActorField({ value, onChange }) {
  const people = useLoaded(async () => (may("users:read") ? readAll("/users", {}, 200) : []));
  const keys = useLoaded(async () => (may("api-keys:read") ? readAll("/api-keys", {}, 200) : []));
  const known = [...(people.value ?? []), ...(keys.value ?? [])].some(({ id }) => id === value);
  const options = (items, nameOfOne) => items
    .map((each) => [each.id, nameOfOne(each)])
    .sort(([, a], [, b]) => inOrder(a, b))
    .map(([id, name]) => html`<option key=${id} value=${id} selected=${id === value}>${name}</option>`);
  return html`<${Field} label=${AUDIT.person}>
    ${(wires) => html`<select ...${wires} onChange=${onChange}>
      <option value="" selected=${!value}>${AUDIT.anyone}</option>
      ${value && !known && html`<option value=${value} selected>${AUDIT.someone}</option>`}
      ${people.value?.length > 0 && html`<optgroup label=${AUDIT.people}>${options(people.value, (person) => person.name ?? person.email)}</optgroup>`}
      ${keys.value?.length > 0 && html`<optgroup label=${AUDIT.keys}>${options(keys.value, (key) => key.name)}</optgroup>`}
    </select>`}
  <//>`;
}

function CameraField({ value }) {
  const [isOpen, setOpen] = useState(false);
  const done = (/** @type {string[]} */ ids) => (setOpen(false), setQuery({ camera_id: ids[0] ?? "" }));
  return html`<${Field} label=${AUDIT.camera}>
    ${(wires) => html`<span class="audit-camera">
      <button type="button" ...${wires} onClick=${() => setOpen(true)}>${value ? nameOf(value) : AUDIT.anyCamera}</button>
      ${value && html`<button type="button" onClick=${() => done([])} aria-label=${AUDIT.anyCamera} title=${AUDIT.anyCamera}>×</button>`}
    </span>`}
  <//>${isOpen && html`<${CamerasDialog} single title=${AUDIT.camera} onClose=${() => setOpen(false)} onDone=${done} />`}`;
}
