// The days on which the city rests.

import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { MAINTENANCE } from "../../texts/pt-BR/maintenance.js";
import { day } from "../../ui/dates.js";
import { confirm } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

export function Holidays() {
  const read = useLoaded(() => session.get("/maintenance/holidays"));
  const dates = read.value?.dates ?? null;
  /** `change(dates)`: of what is known now, as all of them are written at once. */
  const put = async (change) => {
    const { dates: now } = await session.get("/maintenance/holidays");
    read.set(await session.put("/maintenance/holidays", { dates: change(now).sort((a, b) => a.date.localeCompare(b.date)) }));
    toast(MAINTENANCE.saved);
  };
  const add = async ({ date, name }, form) => {
    await put((now) => [...now.filter((each) => each.date !== date), { date, name: name.trim() }]);
    form.reset();
  };
  const remove = async (gone) => {
    if (!(await confirm({ title: MAINTENANCE.removeThis(gone.name), text: MAINTENANCE.removeText, action: MAINTENANCE.remove }))) return;
    await put((now) => now.filter((each) => each.date !== gone.date)).catch((problem) => toast(inWords(problem), "failed"));
  };
  const columns = [
    { title: MAINTENANCE.holiday, name: true, cell: (each) => each.name },
    { title: MAINTENANCE.date, cell: (each) => day(`${each.date}T12:00:00`) },
  ];
  const actions = { title: MAINTENANCE.actions, cell: (each) => html`<button type="button" onClick=${() => remove(each)} aria-label=${MAINTENANCE.removeThis(each.name)}>${MAINTENANCE.remove}</button>` };
  const canWrite = may("rules:write");
  return html`<section class="panel" aria-label=${MAINTENANCE.holidays}><h2>${MAINTENANCE.holidays}</h2>
    <p class="muted">${MAINTENANCE.holidaysWhy}</p>
    ${!dates && (read.problem ? html`<${Failed} problem=${read.problem} retry=${read.reload} />` : html`<${Skeleton} lines=${2} />`)}
    ${dates?.length === 0 && html`<p class="muted">${MAINTENANCE.noHolidays}</p>`}
    ${dates?.length > 0 && html`<${Table} caption=${MAINTENANCE.holidays} columns=${canWrite ? [...columns, actions] : columns} rows=${dates} keyOf=${(each) => each.date} />`}
    ${canWrite && dates && html`<${Form} onSubmit=${add} submit=${MAINTENANCE.add} about=${MAINTENANCE.holiday} inline>
      <${TextField} label=${MAINTENANCE.date} name="date" type="date" required />
      <${TextField} label=${MAINTENANCE.holiday} name="name" maxlength="120" required autocomplete="off" />
    <//>`}
  </section>`;
}
