// How the city shows itself: its name, its logo, its clock.

import { logoIs } from "../../shell/city.js";
import { me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { CITY, ZONES } from "../../texts/pt-BR/city.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { confirm } from "../../ui/dialog.js";
import { Field, Form, SelectField, TextField, useDraft } from "../../ui/form.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { Facts, Part } from "./parts.js";

const WORDS = { ...CITY, stale_revision: COMMON.changedElsewhere };
const MOST_BYTES = 512 * 1024;
const KINDS = ["image/png", "image/jpeg"];

const zoneInWords = (zone) => ZONES.find(([code]) => code === zone)?.[1] ?? zone;

export function Identity({ settings, tenant, change, canChange, read }) {
  const facts = [[CITY.displayName, settings.display_name ?? tenant.name], [CITY.timezone, zoneInWords(settings.timezone)]];
  return html`<${Part} title=${CITY.identity}>
    ${canChange ? html`<${Names} settings=${settings} tenant=${tenant} change=${change} />` : html`<${Facts} facts=${facts} />`}
    <${Logo} settings=${settings} tenant=${tenant} canChange=${canChange} read=${read} />
  <//>`;
}

function Names({ settings, tenant, change }) {
  const [draft, edit] = useDraft({ display_name: settings.display_name ?? "", timezone: settings.timezone });
  const submit = () => change({ display_name: draft.display_name.trim() || null, timezone: draft.timezone });
  const options = ZONES.some(([code]) => code === draft.timezone) ? ZONES : [...ZONES, [draft.timezone, draft.timezone]];
  return html`<${Form} onSubmit=${submit} about=${CITY.identity} words=${WORDS}>
    <${TextField} label=${CITY.displayName} hint=${CITY.displayNameHint(tenant.name)} maxlength="200" autocomplete="off"
      value=${draft.display_name} onInput=${(event) => edit({ display_name: event.target.value })} />
    <${SelectField} label=${CITY.timezone} hint=${CITY.timezoneHint} options=${options} value=${draft.timezone} onChange=${(event) => edit({ timezone: event.target.value })} />
  <//>`;
}

/** The logo of now, and the choice of another, which is seen before it is sent. */
function Logo({ settings, tenant, canChange, read }) {
  const [kept, setKept] = useState(null);
  useEffect(() => {
    if (!settings.logo_key) setKept(null);
    else session.blob(`/tenants/${tenant.id}/logo`, { fresh: true }).then(setKept, () => {}); // the field is enough to change it
  }, [settings.logo_key]);
  const current = useObjectUrl(kept);
  const [file, setFile] = useState(null);
  const [wrong, setWrong] = useState("");
  const chosen = useObjectUrl(file);
  const choose = (event) => {
    const [given] = event.target.files;
    const kb = Math.ceil((given?.size ?? 0) / 1024);
    const error = !given ? "" : !KINDS.includes(given.type) ? CITY.logoKind : given.size > MOST_BYTES ? CITY.logoSize(kb) : "";
    setWrong(error);
    setFile(error ? null : given ?? null);
  };
  const send = async (_values, form) => {
    await session.upload(`/tenants/${tenant.id}/logo`, file);
    if (tenant.id === me.value.tenant_id) logoIs(file);
    form.reset();
    setFile(null);
    toast(CITY.logoSent);
    await read();
  };
  const remove = async () => {
    if (!(await confirm({ title: CITY.logoRemoveTitle, text: CITY.logoRemoveText, action: COMMON.remove }))) return;
    try {
      await session.delete(`/tenants/${tenant.id}/logo`);
    } catch (problem) {
      return toast(inWords(problem, WORDS), "failed");
    }
    if (tenant.id === me.value.tenant_id) {
      logoIs(null);
      me.value = { ...me.value, has_logo: false };
    }
    toast(CITY.logoRemoved);
    await read();
  };
  const shown = chosen ?? current;
  return html`<div class="city-logo">
    <h3>${CITY.logo}</h3>
    ${shown
      ? html`<figure><img src=${shown} alt=${chosen ? CITY.logoChosen : CITY.logoNow} /><figcaption class="muted">${chosen ? CITY.logoChosen : CITY.logoNow}</figcaption></figure>`
      : !settings.logo_key && html`<p class="muted">${CITY.logoNone}</p>`}
    ${canChange && html`<${Form} onSubmit=${send} submit=${CITY.logoSend} isReady=${file !== null} words=${WORDS}>
      <${Field} label=${CITY.logoChoose} hint=${CITY.logoHint} error=${wrong}>
        ${(wires) => html`<input ...${wires} type="file" accept=${KINDS.join(",")} onChange=${choose} />`}
      <//>
    <//>`}
    ${canChange && settings.logo_key && html`<div class="actions"><button type="button" class="danger" onClick=${remove}>${CITY.logoRemove}</button></div>`}
  </div>`;
}

function useObjectUrl(blob) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    if (!blob) return setUrl(null);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
