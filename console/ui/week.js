// Days of the week and a time of the day, in the city's time zone. Monday is day 0.

import { WEEK } from "../texts/pt-BR/when.js";
import { Field } from "./form.js";
import { html } from "./html.js";

/** What a time begins as when one is wanted: at night, on every day. */
export const NIGHTS = { days: [0, 1, 2, 3, 4, 5, 6], from: "22:00", to: "06:00" };

/** `value`: {days, from, to, ...}; `onChange(value)` gets it with what was changed. */
export function WeekFields({ value, onChange, children }) {
  const { days } = value;
  const toggle = (day) => onChange({ ...value, days: days.includes(day) ? days.filter((each) => each !== day) : [...days, day].sort((a, b) => a - b) });
  const set = (name) => (event) => event.target.value && onChange({ ...value, [name]: event.target.value });
  return html`<fieldset class="week"><legend>${WEEK.days}</legend>
    <div class="week-days">${WEEK.short.map((name, day) => html`<label key=${day} class="choice"><input type="checkbox" checked=${days.includes(day)} onChange=${() => toggle(day)} /> ${name}</label>`)}</div>
    <div class="filters">
      <${Field} label=${WEEK.from}>${(wires) => html`<input type="time" required ...${wires} value=${value.from} onChange=${set("from")} />`}<//>
      <${Field} label=${WEEK.to}>${(wires) => html`<input type="time" required ...${wires} value=${value.to} onChange=${set("to")} />`}<//>
      ${children}
    </div>
    <small class="muted">${WEEK.hint}</small>
  </fieldset>`;
}
