// Fields that a new person and a known one have, and who may change whom: for the screens of people.

import { may, me } from "../shell/state.js";
import { ROLES } from "../texts/pt-BR/common.js";
import { DUTIES, PEOPLE } from "../texts/pt-BR/people.js";
import { SelectField } from "./form.js";
import { html } from "./html.js";

/** The roles that the user may give: only the platform's administrators make another one. */
export const givenRoles = () => Object.keys(DUTIES).filter((role) => role !== "platform_admin" || me.value.role === "platform_admin");

/** `role` with one sentence on what it may do. */
export function RoleField({ role, onChange }) {
  const codes = givenRoles();
  const options = (codes.includes(role) ? codes : [role, ...codes]).map((code) => [code, ROLES[code]]);
  return html`<${SelectField} label=${PEOPLE.role} hint=${DUTIES[role]} value=${role} options=${options} onChange=${(event) => onChange(event.target.value)} />`;
}

/** Whether the user may change this person: one who may more is changed only by who may as much. */
export function mayChange(person) {
  if (!may("users:write") || !givenRoles().includes(person.role)) return false;
  const own = me.value.camera_groups;
  return own === null || (person.camera_groups !== null && person.camera_groups.every((id) => own.includes(id)));
}

/** The state in words. */
export function PersonState({ person }) {
  return html`<span class="badge" data-state=${person.disabled ? "off" : "on"}>${person.disabled ? PEOPLE.disabled : PEOPLE.active}</span>
    ${!person.disabled && person.must_change_password && html` <span class="badge">${PEOPLE.provisional}</span>`}
    ${person.id === me.value.id && html` <span class="badge">${PEOPLE.you}</span>`}`;
}
