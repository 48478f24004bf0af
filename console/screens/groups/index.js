// Groups of cameras: made, named, filled, removed.

import { setQuery, withQuery } from "../../shell/router.js";
import { me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { loadCameras } from "../../stores/cameras.js";
import { groups, loadGroups, makeGroup } from "../../stores/groups.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { GROUPS } from "../../texts/pt-BR/groups.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../ui/html.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { GroupCameras } from "./cameras.js";

export const styles = ["style.css"];

export default function Groups({ query }) {
  const [naming, setNaming] = useState(null); // {} for a new group, or the group that gets another name
  const [problem, setProblem] = useState(null);
  const canChange = me.value.camera_groups === null;
  const read = () => loadGroups().then(() => setProblem(null), setProblem);
  useEffect(() => void read(), []);
  const open = groups.value?.find(({ id }) => id === query.grupo);
  const name = async (text, key) => {
    const made = naming.id ? await session.patch(`/groups/${naming.id}`, { name: text }) : await makeGroup(text, key);
    if (naming.id) await loadGroups();
    toast(naming.id ? GROUPS.renamed : GROUPS.made(made.name));
    setNaming(null);
    setQuery({ grupo: made.id });
  };
  const make = html`<button type="button" class="primary" onClick=${() => setNaming({})}>${GROUPS.make}</button>`;
  return html`<section class="screen groups" data-open=${Boolean(query.grupo)}>
    <header><h1>${SHELL.screens.groups}</h1>
      ${query.grupo && html`<a class="button groups-back" href="/grupos">${GROUPS.all}</a>`}${canChange && make}</header>
    <p class="muted">${canChange ? GROUPS.why : GROUPS.limited}</p>
    ${groups.value === null && (problem ? html`<${Failed} problem=${problem} retry=${read} />` : html`<${Skeleton} />`)}
    ${groups.value?.length === 0 && html`<${Empty} text=${GROUPS.none} />`}
    ${groups.value?.length > 0 && html`<div class="groups-parts">
      <div class="groups-list"><${List} canChange=${canChange} open=${open} onRename=${setNaming} /></div>
      ${open && html`<${GroupCameras} key=${open.id} group=${open} />`}
      ${query.grupo && !open && html`<${Empty} text=${GROUPS.gone}><a class="button" href="/grupos">${GROUPS.all}</a><//>`}
    </div>`}
    ${naming && html`<${Naming} group=${naming} onName=${name} onClose=${() => setNaming(null)} />`}
  </section>`;
}

function List({ canChange, open, onRename }) {
  const remove = async (group) => {
    if (!(await confirm({ title: GROUPS.removeTitle(group.name), text: GROUPS.removeText(group.cameras), action: GROUPS.remove }))) return;
    try {
      await session.delete(`/groups/${group.id}`);
      toast(GROUPS.removed);
      setQuery({ grupo: "" });
      document.getElementById("content").focus(); // the button has gone with its row
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
    await Promise.all([loadGroups(), loadCameras()]).catch(() => {});
  };
  const columns = [
    {
      title: GROUPS.group,
      name: true,
      cell: (group) => html`<a href=${withQuery("/grupos", { grupo: group.id })} aria-current=${group === open ? "true" : undefined}>${group.name}</a>`,
    },
    { title: GROUPS.cameras, cell: (group) => GROUPS.count(group.cameras) },
  ];
  if (canChange) {
    columns.push({
      title: GROUPS.actions,
      cell: (group) => html`<span class="actions">
        <button type="button" onClick=${() => onRename(group)} aria-label=${GROUPS.renameThis(group.name)}>${GROUPS.rename}</button>
        <button type="button" onClick=${() => remove(group)} aria-label=${GROUPS.removeThis(group.name)}>${GROUPS.remove}</button>
      </span>`,
    });
  }
  return html`<${Table} caption=${SHELL.screens.groups} columns=${columns} rows=${groups.value} keyOf=${({ id }) => id}
    rowClass=${(group) => (group === open ? "chosen" : undefined)} />`;
}

function Naming({ group, onName, onClose }) {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").select(), []);
  return html`<${Dialog} title=${group.id ? GROUPS.renameThis(group.name) : GROUPS.make} onClose=${onClose}>
    <div ref=${place}><${Form} submit=${group.id ? GROUPS.rename : GROUPS.makeIt} onCancel=${onClose} onSubmit=${({ name }, _form, key) => onName(name.trim(), key)}>
      <${TextField} label=${GROUPS.name} name="name" defaultValue=${group.name ?? ""} placeholder=${GROUPS.nameExample} maxlength="80" autocomplete="off" required />
    <//></div>
  <//>`;
}
