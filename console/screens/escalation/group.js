// A group on call: its people in the order of their turns, how each is reached, when turns change, and who stands in for whom.

import { me, session } from "../../shell/state.js";
import { ESCALATION } from "../../texts/pt-BR/escalation.js";
import { instantOf, localOf } from "../../ui/dates.js";
import { Dialog } from "../../ui/dialog.js";
import { Form, SelectField, TextField } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { usePeople } from "../../ui/who.js";

/** Whether this way leads to the devices of an account, which has no other address. */
const isPush = (way, channels) => channels.some(({ channel_id: id, kind }) => id === way.channel_id && kind === "web_push");

/** Throws a problem where it would not be known whose turn it is, or a person could not be reached. */
function check(members, overrides, channels) {
  const names = new Set(members.map(({ name }) => name));
  if (names.size < members.length) throw { code: "same_names" };
  if (overrides.some(({ member }) => !names.has(member))) throw { code: "not_a_member" };
  if (members.some((each) => !each.user_id && each.reach.some((way) => isPush(way, channels)))) throw { code: "no_account" };
}

const today = () => localOf(new Date().toISOString()).slice(0, 10);

/** `group`: {} for a new one. */
export function GroupDialog({ group, channels, onSaved, onClose }) {
  const person = () => ({ name: "", user_id: null, reach: [{ channel_id: channels[0]?.channel_id ?? "", to: "" }] });
  const [draft, setDraft] = useState(() => ({ name: "", members: [person()], rotation: { starts_on: today(), at: "08:00", days: 7 }, overrides: [], ...group }));
  const edit = (changes) => setDraft((before) => ({ ...before, ...changes }));
  const turn = (changes) => edit({ rotation: { ...draft.rotation, ...changes } });
  const setMember = (index, changes) => edit({ members: draft.members.with(index, { ...draft.members[index], ...changes }) });
  const setOverride = (index, changes) => edit({ overrides: draft.overrides.with(index, { ...draft.overrides[index], ...changes }) });
  const { people } = usePeople();
  const save = async (_values, _form, key) => {
    const reachOf = (each) => each.reach.map((way) => ({ ...way, to: isPush(way, channels) ? each.user_id : way.to?.trim() || null }));
    const members = draft.members.map((each) => ({ ...each, name: each.name.trim(), reach: reachOf(each) }));
    check(members, draft.overrides, channels);
    const body = { name: draft.name.trim(), members, rotation: { ...draft.rotation, days: Number(draft.rotation.days) }, overrides: draft.overrides };
    await (group.group_id ? session.patch(`/escalation/groups/${group.group_id}`, body) : session.post("/escalation/groups", body, { key }));
    onSaved();
  };
  const title = group.group_id ? ESCALATION.changeThis(group.name) : ESCALATION.makeGroup;
  if (!channels.length) return html`<${Dialog} title=${title} onClose=${onClose}><p>${ESCALATION.needsChannel}</p><a class="button" href="/canais">${ESCALATION.channels}</a><//>`;
  const names = draft.members.map(({ name }) => name.trim()).filter(Boolean);
  return html`<${Dialog} title=${title} onClose=${onClose} wide firm>
    <${Form} onSubmit=${save} submit=${group.group_id ? undefined : ESCALATION.makeIt} words=${ESCALATION.words} onCancel=${onClose}>
      <div class="numbers">
        <${TextField} label=${ESCALATION.group} value=${draft.name} maxlength="120" required autocomplete="off" onInput=${(event) => edit({ name: event.target.value })} />
        <${TextField} label=${ESCALATION.startsOn} type="date" required value=${draft.rotation.starts_on} onInput=${(event) => turn({ starts_on: event.target.value })} />
        <${TextField} label=${ESCALATION.at} type="time" required value=${draft.rotation.at} onInput=${(event) => turn({ at: event.target.value })} />
        <${TextField} label=${ESCALATION.days} type="number" min="1" max="365" required value=${draft.rotation.days} onInput=${(event) => turn({ days: event.target.value })} />
      </div>
      <h3>${ESCALATION.members}</h3>
      ${draft.members.map((member, index) => html`<${Member} key=${index} number=${index + 1} member=${member} channels=${channels} people=${people}
        onChange=${(changes) => setMember(index, changes)} onRemove=${draft.members.length > 1 && (() => edit({ members: draft.members.toSpliced(index, 1) }))} />`)}
      <div class="actions"><button type="button" onClick=${() => edit({ members: [...draft.members, person()] })}>${ESCALATION.addMember}</button></div>
      <h3>${ESCALATION.overrides}</h3>
      ${draft.overrides.map((each, index) => html`<div key=${index} class="form inline">
        <${TextField} label=${ESCALATION.overrideFrom} type="datetime-local" required value=${localOf(each.from)} onChange=${(event) => setOverride(index, { from: instantOf(event.target.value) })} />
        <${TextField} label=${ESCALATION.overrideTo} type="datetime-local" required value=${localOf(each.to)} onChange=${(event) => setOverride(index, { to: instantOf(event.target.value) })} />
        <${SelectField} label=${ESCALATION.overrideWho} required value=${each.member} options=${[...new Set([each.member, ...names])].map((name) => [name, name])} onChange=${(event) => setOverride(index, { member: event.target.value })} />
        <button type="button" onClick=${() => edit({ overrides: draft.overrides.toSpliced(index, 1) })} aria-label=${ESCALATION.removeOverride(index + 1)}>${ESCALATION.remove}</button>
      </div>`)}
      <div class="actions"><button type="button" onClick=${() => edit({ overrides: [...draft.overrides, { from: "", to: "", member: names[0] ?? "" }] })}>${ESCALATION.addOverride}</button></div>
    <//>
  <//>`;
}

function Member({ number, member, channels, people, onChange, onRemove }) {
  const [way] = member.reach;
  const reach = (changes) => onChange({ reach: [{ ...way, ...changes }, ...member.reach.slice(1)] });
  const isByPush = isPush(way, channels);
  const accounts = people.length || !isByPush ? people : [[me.value.id, me.value.name || me.value.email]];
  const choose = (id) => onChange({ user_id: id || null, ...(!member.name && id ? { name: accounts.find(([each]) => each === id)[1] } : {}) });
  return html`<fieldset><legend>${ESCALATION.member(number)}</legend>
    <div class="numbers">
      ${accounts.length > 0 && html`<${SelectField} label=${ESCALATION.user} hint=${isByPush ? ESCALATION.userHint : ""} required=${isByPush} value=${member.user_id ?? ""} options=${[["", ESCALATION.noUser], ...accounts]} onChange=${(event) => choose(event.target.value)} />`}
      <${TextField} label=${ESCALATION.memberName} value=${member.name} maxlength="120" required autocomplete="off" onInput=${(event) => onChange({ name: event.target.value })} />
      <${SelectField} label=${ESCALATION.by} value=${way.channel_id} options=${channels.map((each) => [each.channel_id, each.name])} onChange=${(event) => reach({ channel_id: event.target.value, ...(isByPush && { to: "" }) })} />
      ${!isByPush && html`<${TextField} label=${ESCALATION.to} hint=${ESCALATION.toHint} value=${way.to ?? ""} maxlength="200" autocomplete="off" onInput=${(event) => reach({ to: event.target.value })} />`}
    </div>
    ${onRemove && html`<div class="actions"><button type="button" onClick=${onRemove} aria-label=${ESCALATION.removeMember(member.name || ESCALATION.member(number))}>${ESCALATION.remove}</button></div>`}
  </fieldset>`;
}
