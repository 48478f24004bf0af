// A table that becomes a list of cards on a phone. For up to some hundred rows; longer lists are virtual.

import { html } from "./html.js";

const SIGNS = { ascending: "▲", descending: "▼" };

/**
 * `columns`: [{title, cell(row), name?, wide?, order?}]; `rows`; `keyOf(row)`; `caption` for screen readers.
 * `name` marks the column that says what the row is: it is the row's header. A column with an `order` can be sorted by:
 * `sorting`: {by, isDown, onSort(order)}, of which `by` is the order that the rows are in.
 */
export function Table({ caption, columns, rows, keyOf, rowClass, sorting }) {
  return html`<table class="table">
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr>${columns.map(({ title, order }) => html`<${Head} key=${title} title=${title} order=${order} sorting=${sorting} />`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${keyOf(row)} class=${rowClass?.(row)}>
      ${columns.map(({ title, cell, name }) => (name
        ? html`<th key=${title} scope="row" data-label=${title}>${cell(row)}</th>`
        : html`<td key=${title} data-label=${title}>${cell(row)}</td>`))}
    </tr>`)}</tbody>
  </table>`;
}

function Head({ title, order, sorting }) {
  if (!order) return html`<th scope="col">${title}</th>`;
  const way = sorting.by !== order ? undefined : sorting.isDown ? "descending" : "ascending";
  return html`<th scope="col" aria-sort=${way}>
    <button type="button" class="table-sort" onClick=${() => sorting.onSort(order)}>${title} <span aria-hidden="true">${way && SIGNS[way]}</span></button>
  </th>`;
}
