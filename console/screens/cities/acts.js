// What the platform does with a city: another name, ceilings, suspension, deletion. Each is asked first, a deletion by typing the name.

import { session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { CITIES } from "../../texts/pt-BR/cities.js";
import { QUOTAS } from "../../texts/pt-BR/city.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { moment } from "../../ui/dates.js";
import { confirm, Dialog } from "../../ui/dialog.js";
import { Form, TextField } from "../../ui/form.js";
import { html, useLayoutEffect, useRef, useState } from "../../ui/html.js";
import { Numbers } from "../../ui/numbers.js";
import { useSettings } from "../../ui/settings.js";
import { Failed, Skeleton } from "../../ui/states.js";

/** Suspends the city or lets it in again. Returns it as it is then, or null. */
export async function move(city, verb) {
  const words = verb === "suspend"
    ? { title: CITIES.suspendTitle(city.name), text: CITIES.suspendText, action: CITIES.suspend, danger: true }
    : { title: CITIES.resumeTitle(city.name), text: CITIES.resumeText, action: CITIES.resume, danger: false };
  if (!(await confirm(words))) return null;
  try {
    const changed = await session.post(`/tenants/${city.id}/${verb}`);
    toast(verb === "suspend" ? CITIES.suspended : CITIES.resumed);
    return changed;
  } catch (problem) {
    toast(inWords(problem, CITIES), "failed");
    return null;
  }
}

/** `onChanged(city)` after the change; `onClose()` in any case. */
export function Renaming({ city, onChanged, onClose }) {
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").select(), []);
  const submit = async ({ name }) => {
    onChanged(await session.patch(`/tenants/${city.id}`, { name: name.trim() }));
    toast(CITIES.renamed);
    onClose();
  };
  return html`<${Dialog} title=${CITIES.renameThis(city.name)} onClose=${onClose}>
    <div ref=${place}><${Form} onSubmit=${submit} submit=${CITIES.rename} onCancel=${onClose} words=${CITIES}>
      <${TextField} label=${CITIES.name} name="name" defaultValue=${city.name} maxlength="200" autocomplete="off" required />
    <//></div>
  <//>`;
}

export function Removal({ city, onChanged, onClose }) {
  const [typed, setTyped] = useState("");
  const place = useRef(null);
  useLayoutEffect(() => place.current.querySelector("input").focus(), []);
  const submit = async () => {
    const changed = await session.delete(`/tenants/${city.id}`);
    onChanged(changed);
    toast(CITIES.removed(moment(changed.deletes_at)));
    onClose();
  };
  return html`<${Dialog} title=${CITIES.removeTitle(city.name)} onClose=${onClose}>
    <p>${CITIES.removeText}</p>
    <div ref=${place}><${Form} onSubmit=${submit} submit=${CITIES.remove} onCancel=${onClose} words=${CITIES} danger isReady=${typed.trim() === city.name}>
      <${TextField} label=${CITIES.removeField} hint=${CITIES.removeType(city.name)} value=${typed} onInput=${(event) => setTyped(event.target.value)} autocomplete="off" />
    <//></div>
  <//>`;
}

/** The most that the city may use: what the platform sets there is the ceiling of what the city itself may choose. */
export function Ceilings({ city, onChanged, onClose }) {
  const { settings, tenant, problem, read, change } = useSettings(city.id);
  const values = tenant && Object.fromEntries(Object.keys(QUOTAS).map((name) => [name, tenant.ceiling[`quotas.${name}`] ?? null]));
  const save = async (quotas) => {
    await change({ quotas });
    onChanged(await session.get(`/tenants/${city.id}`));
    onClose();
  };
  return html`<${Dialog} title=${CITIES.limitsThis(city.name)} onClose=${onClose} firm>
    <p class="muted">${CITIES.limitsWhy}</p>
    ${!settings && (problem ? html`<${Failed} problem=${problem} retry=${read} />` : html`<${Skeleton} lines=${4} />`)}
    ${settings && html`<${Numbers} kinds=${QUOTAS} values=${values} about=${CITIES.limitsThis(city.name)} canBeEmpty onChange=${save} onCancel=${onClose} />`}
  <//>`;
}
