// Name, role and cameras of a person. A change of rights ends their sessions, so it is asked first.

import { me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { PEOPLE, PERSON } from "../../texts/pt-BR/people.js";
import { confirm } from "../../ui/dialog.js";
import { Form, TextField, useDraft } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { ReachFields } from "../../ui/reach.js";
import { RoleField } from "../../ui/people.js";

const same = (a, b) => JSON.stringify(a && [...a].sort()) === JSON.stringify(b && [...b].sort());

export function Rights({ person, isOwn, onChanged }) {
  const [draft, edit] = useDraft({ name: person.name ?? "", role: person.role, camera_groups: person.camera_groups });
  const submit = async () => {
    const changes = {};
    const name = draft.name.trim();
    if (name && name !== person.name) changes.name = name;
    if (draft.role !== person.role) changes.role = draft.role;
    if (!same(draft.camera_groups, person.camera_groups)) changes.camera_groups = draft.camera_groups;
    if (!Object.keys(changes).length) return;
    const endsSessions = "role" in changes || "camera_groups" in changes;
    const question = { title: PERSON.rightsTitle(person.name ?? person.email), text: PERSON.rightsText, action: PERSON.rightsAction };
    if (endsSessions && !(await confirm(question))) return;
    onChanged(await session.patch(`/users/${person.id}`, changes));
    if (isOwn) me.value = await session.get("/users/me");
    toast(PERSON.saved);
  };
  return html`<${Form} onSubmit=${submit} about=${PERSON.rights} words=${PERSON}>
    <${TextField} label=${PEOPLE.name} value=${draft.name} maxlength="200" autocomplete="off" onInput=${(event) => edit({ name: event.target.value })} />
    ${isOwn
      ? html`<p class="muted">${PERSON.own}</p>`
      : html`<${RoleField} role=${draft.role} onChange=${(role) => edit({ role })} />
        <${ReachFields} ids=${draft.camera_groups} onChange=${(ids) => edit({ camera_groups: ids })} />
        <p class="muted">${PERSON.rightsHint}</p>`}
  <//>`;
}
