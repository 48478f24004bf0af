// Escalation: policies, groups on call, and whose turn it is in the next weeks.

import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { KINDS } from "../../texts/pt-BR/alerts.js";
import { SEVERITIES } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { ESCALATION } from "../../texts/pt-BR/escalation.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { readChannels } from "../../ui/channels.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { GroupDialog } from "./group.js";
import { OnCall } from "./on-call.js";
import { PolicyDialog } from "./policy.js";

export const styles = ["style.css"];

/** This week and the next eight. */
const WEEKS = 9;

async function readAllOf() {
  const [policies, groups, shifts, channels] = await Promise.all([
    session.get("/escalation/policies"), session.get("/escalation/groups"), session.get(`/escalation/on-call?weeks=${WEEKS}`), readChannels(),
  ]);
  return { policies: policies.items, groups: groups.items, shifts: shifts.items, channels };
}

export default function Escalation() {
  const read = useLoaded(readAllOf);
  const [policy, setPolicy] = useState(null); // {} for a new one
  const [group, setGroup] = useState(null);
  const canWrite = may("channels:write");
  const saved = () => {
    toast(ESCALATION.saved);
    setPolicy(null);
    setGroup(null);
    read.reload();
  };
  const remove = async (path, name, text) => {
    if (!(await confirm({ title: ESCALATION.removeThis(name), text, action: ESCALATION.remove }))) return;
    await session.delete(path).then(() => toast(ESCALATION.removed(name)), (problem) => toast(inWords(problem), "failed"));
    document.getElementById("content").focus(); // the button goes with its row
    read.reload();
  };
  const known = read.value;
  if (!known) return html`<section class="screen"><h1>${SHELL.screens.escalation}</h1>${read.problem ? html`<${Failed} problem=${read.problem} retry=${read.reload} />` : html`<${Skeleton} />`}</section>`;
  const names = new Map([...known.channels.map((each) => [each.channel_id, each.name]), ...known.groups.map((each) => [each.group_id, each.name])]);
  const actions = {
    title: ESCALATION.actions,
    cell: (each) => html`<span class="actions">
      <button type="button" onClick=${() => setPolicy(each)} aria-label=${ESCALATION.changeThis(each.name)}>${ESCALATION.change}</button>
      <button type="button" onClick=${() => remove(`/escalation/policies/${each.policy_id}`, each.name, ESCALATION.removePolicy)} aria-label=${ESCALATION.removeThis(each.name)}>${ESCALATION.remove}</button>
    </span>`,
  };
  const shown = columns(names);
  return html`<section class="screen escalation">
    <header><h1>${SHELL.screens.escalation}</h1>${canWrite && html`
      <button type="button" onClick=${() => setGroup({})}>${ESCALATION.makeGroup}</button>
      <button type="button" class="primary" onClick=${() => setPolicy({})}>${ESCALATION.make}</button>`}</header>
    <p class="muted">${ESCALATION.why}</p>
    ${known.policies.length
      ? html`<${Table} caption=${ESCALATION.policies} columns=${canWrite ? [...shown, actions] : shown} rows=${known.policies} keyOf=${(each) => each.policy_id} />`
      : html`<${Empty} text=${ESCALATION.none} />`}
    <${OnCall} groups=${known.groups} shifts=${known.shifts} onChange=${canWrite && setGroup}
      onRemove=${(each) => remove(`/escalation/groups/${each.group_id}`, each.name, ESCALATION.removeGroup)} />
    ${policy && html`<${PolicyDialog} policy=${policy} channels=${known.channels} groups=${known.groups} onSaved=${saved} onClose=${() => setPolicy(null)} />`}
    ${group && html`<${GroupDialog} group=${group} channels=${known.channels} onSaved=${saved} onClose=${() => setGroup(null)} />`}
  </section>`;
}

const columns = (names) => [
  { title: ESCALATION.name, name: true, cell: (each) => html`${each.name}<br /><small class="muted">${ESCALATION.order} ${each.order}</small>` },
  { title: ESCALATION.of, cell: aboutInWords },
  { title: ESCALATION.steps, cell: (each) => html`<ol class="escalation-steps">${each.steps.map((step, index) => html`<li key=${index}>${stepInWords(step, names)}</li>`)}</ol>` },
  { title: ESCALATION.state, cell: (each) => html`<span class="badge" data-state=${each.enabled ? "on" : undefined}>${each.enabled ? ESCALATION.on : ESCALATION.off}</span>` },
];

function aboutInWords({ severities, kinds, watchlist_ids: lists, rule_ids: rules }) {
  const words = [...severities.map((each) => SEVERITIES[each]), ...kinds.map((each) => KINDS[each] ?? each)];
  if (lists.length) words.push(`${ESCALATION.watchlists} (${lists.length})`);
  if (rules.length) words.push(`${ESCALATION.rules} (${rules.length})`);
  return words.join(", ") || ESCALATION.ofAll;
}

function stepInWords({ after_min: minutes, channel_ids: channels, group_ids: groups }, names) {
  const told = [...channels, ...groups].map((id) => names.get(id) ?? ESCALATION.gone).join(", ");
  return `${ESCALATION.inMinutes(minutes)}: ${told || ESCALATION.nobody}`;
}
