// How one part of the settings looks, to be changed or only read.

import { html } from "../../ui/html.js";

export function Part({ title, why, children }) {
  return html`<section class="panel city-part" aria-label=${title}>
    <header><h2>${title}</h2></header>
    ${why && html`<p class="muted">${why}</p>`}
    ${children}
  </section>`;
}

/** What is only shown: [name, value] pairs. */
export const Facts = ({ facts }) => html`<dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
