// "Vigiar esta placa": puts the plate of a read on a watchlist.

import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { PLATES } from "../../texts/pt-BR/plates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { readAll, useLoaded } from "../../ui/loading.js";
import { written } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { ENTRY_WORDS, EntryFields, entryOf } from "../../ui/watching.js";
import { SEVERITIES } from "../../texts/pt-BR/common.js";

export function WatchDialog({ plate, onClose }) {
  const lists = useLoaded(() => readAll("/watchlists", {}, 200));
  const add = async ({ list, ...values }, form, key) => {
    await session.post(`/watchlists/${list}/entries`, { plate, ...entryOf(values) }, { key });
    toast(PLATES.watched(written(plate), lists.value.find((each) => each.watchlist_id === list).name));
    onClose();
  };
  const options = lists.value?.map(({ watchlist_id: id, name, severity }) => [id, `${name} (${SEVERITIES[severity]})`]);
  return html`<${Dialog} title=${PLATES.watchPlate(written(plate))} onClose=${onClose}>
    ${!lists.value && (lists.problem ? html`<${Failed} problem=${lists.problem} retry=${lists.reload} />` : html`<${Skeleton} lines=${3} />`)}
    ${lists.value?.length === 0 && html`<${Empty} text=${PLATES.noLists}><a class="button" href="/listas">${PLATES.makeList}</a><//>`}
    ${lists.value?.length > 0 && html`<${Form} submit=${PLATES.watch} words=${ENTRY_WORDS} onSubmit=${add} onCancel=${onClose}>
      <${SelectField} label=${PLATES.chosenList} name="list" options=${options} value=${options[0][0]} />
      <${EntryFields} />
    <//>`}
  <//>`;
}
