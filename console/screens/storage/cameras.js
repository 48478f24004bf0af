// What each camera takes, and for how many days its recordings are kept against what was promised.

import { setQuery } from "../../shell/router.js";
import { cameras as known } from "../../stores/cameras.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { STORAGE } from "../../texts/pt-BR/storage.js";
import { day } from "../../ui/dates.js";
import { SelectField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { More } from "../../ui/loading.js";
import { SMALL, useMedia } from "../../ui/media.js";
import { recordingsAt } from "../../ui/playback/minute.js";
import { inOrder } from "../../ui/order.js";
import { sizeOf } from "../../ui/sizes.js";
import { Empty } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

const ROWS = 200;
const FIRST = "-bytes";
/** What a camera is sorted by; what is not known comes last, whichever way. */
const VALUES = {
  bytes: (camera) => camera.bytes_used,
  daily: (camera) => camera.bytes_per_day,
  oldest: (camera) => camera.oldest && Date.parse(camera.oldest),
  kept: (camera) => camera.days_kept,
};
/** The columns of which the most is looked for first. */
const FROM_THE_TOP = new Set(["bytes", "daily"]);

const isShort = ({ days_kept: kept, retention_days: promised }) => kept !== null && Math.floor(kept) < promised;

const COLUMNS = [
  { title: STORAGE.camera, order: "name", name: true, cell: (camera) => html`<${Name} camera=${camera} />` },
  { title: STORAGE.used, order: "bytes", cell: (camera) => sizeOf(camera.bytes_used) },
  { title: STORAGE.daily, order: "daily", cell: (camera) => (camera.bytes_per_day === null ? STORAGE.notMeasured : sizeOf(camera.bytes_per_day)) },
  { title: STORAGE.oldest, order: "oldest", cell: (camera) => (camera.oldest ? day(camera.oldest) : STORAGE.nothingYet) },
  { title: STORAGE.kept, order: "kept", cell: (camera) => html`<${Kept} camera=${camera} />` },
];

export function Cameras({ cameras, sort: asked = FIRST }) {
  const [most, setMost] = useState(ROWS);
  const isSmall = useMedia(SMALL);
  const by = asked.replace(/^-/, "");
  const sort = by === "name" || Object.hasOwn(VALUES, by) ? asked : FIRST;
  const sorting = { by: sort.replace(/^-/, ""), isDown: sort.startsWith("-"), onSort: (order) => sortBy(nextOrder(order, sort)) };
  const rows = sorted(cameras, sorting);
  const short = cameras.filter(isShort).length;
  const pages = { items: rows.slice(0, most), hasMore: rows.length > most, loading: false, more: () => setMost(most + ROWS) };
  return html`<section class="panel" aria-label=${STORAGE.cameras}>
    <header><h2>${STORAGE.cameras}</h2><span class="count">${rows.length}</span></header>
    ${short > 0 && html`<p class="storage-short">${STORAGE.short(short)}</p>`}
    ${rows.length === 0 && html`<${Empty} text=${STORAGE.noCameras} />`}
    ${rows.length > 0 && html`
      ${isSmall && html`<${SelectField} label=${STORAGE.sort} value=${sort} options=${optionsOf(sort)} onChange=${(event) => sortBy(event.target.value)} />`}
      <${Table} caption=${STORAGE.cameras} columns=${COLUMNS} rows=${pages.items} keyOf=${(camera) => camera.camera_id} sorting=${sorting} />
      <${More} pages=${pages} />`}
  </section>`;
}

const sortBy = (sort) => setQuery({ sort: sort === FIRST ? "" : sort });

/** The same column again is turned around. */
const nextOrder = (order, sort) => (sort === order ? `-${order}` : sort === `-${order}` ? order : FROM_THE_TOP.has(order) ? `-${order}` : order);

/** An order that only the heads of the columns offer is there too, as it may stand in the address. */
const optionsOf = (sort) => Object.entries(STORAGE.orders).concat(sort in STORAGE.orders ? [] : [[sort, STORAGE.otherOrder]]);

function sorted(cameras, { by, isDown }) {
  const sign = isDown ? -1 : 1;
  const names = (a, b) => inOrder(a.name, b.name);
  if (by === "name") return [...cameras].sort((a, b) => sign * names(a, b));
  const value = VALUES[by];
  return [...cameras].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null) || names(a, b);
    return sign * (left - right) || names(a, b);
  });
}

/** A camera that was removed has no screen; its recordings are kept for their time. */
function Name({ camera: { camera_id: id, name } }) {
  if (!known.value) return name;
  if (known.value.has(id)) return html`<a href=${`/cameras/${id}`}>${name}</a>`;
  return html`<a href=${recordingsAt(id)}>${name}</a> <small class="muted">${COMMON.removedCamera}</small>`;
}

function Kept({ camera }) {
  const { days_kept: kept, retention_days: promised } = camera;
  if (kept === null) return html`<span class="muted">${STORAGE.promised(promised)}</span>`;
  if (!isShort(camera)) return STORAGE.keeps(Math.floor(kept), promised);
  return html`<span class="storage-short"><span aria-hidden="true">◆</span> ${STORAGE.keepsShort(Math.floor(kept), promised)}</span>`;
}
