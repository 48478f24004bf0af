// A table that becomes a list of cards on a phone. For up to some hundred rows; longer lists are virtual.

import { html } from "./html.js";

/**
 * `columns`: [{title, cell(row), name?, wide?}]; `rows`; `keyOf(row)`; `caption` for screen readers.
 * `name` marks the column that says what the row is: it is the row's header.
 */
export function Table({ caption, columns, rows, keyOf, rowClass }) {
  return html`<table class="table">
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr>${columns.map(({ title }) => html`<th key=${title} scope="col">${title}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${keyOf(row)} class=${rowClass?.(row)}>
      ${columns.map(({ title, cell, name }) => (name
        ? html`<th key=${title} scope="row" data-label=${title}>${cell(row)}</th>`
        : html`<td key=${title} data-label=${title}>${cell(row)}</td>`))}
    </tr>`)}</tbody>
  </table>`;
}
