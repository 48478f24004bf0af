// The channels by which alerts reach people: connected, tried, changed, removed.

import { setQuery, withQuery } from "../../shell/router.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { CHANNELS } from "../../texts/pt-BR/channels.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { KINDS } from "../../texts/pt-BR/alerts.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { useChannels } from "../../ui/channels.js";
import { lately, moment } from "../../ui/dates.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { useLoaded, useReadAgain } from "../../ui/loading.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { ChannelDialog } from "./form.js";
import { SecretDialog } from "./secret.js";

export const styles = ["style.css"];

const AGAIN_MS = 30_000;
/** Of a test, which may wait for the other side. */
const TEST_MS = 30_000;

export default function Channels({ query }) {
  const [edited, setEdited] = useState(null); // the channel that is changed
  const [secret, setSecret] = useState(null);
  const kinds = useLoaded(async () => (await session.get("/channels/kinds")).items);
  const read = useChannels();
  useReadAgain(read, AGAIN_MS);
  const canWrite = may("channels:write");
  const isMaking = query.novo !== undefined && canWrite;
  const close = () => (setEdited(null), setQuery({ novo: "" }));
  const saved = (channel) => {
    toast(isMaking ? CHANNELS.made(channel.name) : CHANNELS.changed);
    close();
    read.reload();
    // A new webhook's secret was never shown: the partner needs one.
    if (isMaking && channel.kind === "webhook") session.post(`/channels/${channel.channel_id}/secret`).then((made) => setSecret(made.secret), (problem) => toast(inWords(problem), "failed"));
  };
  const remove = async (channel) => {
    if (!(await confirm({ title: CHANNELS.removeThis(channel.name), text: CHANNELS.removeText, action: CHANNELS.remove }))) return;
    await session.delete(`/channels/${channel.channel_id}`).then(() => toast(CHANNELS.removed(channel.name)), (problem) => toast(inWords(problem), "failed"));
    document.getElementById("content").focus(); // the button goes with its row
    read.reload();
  };
  const actions = {
    title: CHANNELS.actions,
    cell: (channel) => html`<span class="actions">
      ${canWrite && html`<${Test} channel=${channel} onDone=${read.reload} />
        <button type="button" onClick=${() => setEdited(channel)} aria-label=${CHANNELS.changeThis(channel.name)}>${CHANNELS.change}</button>
        <button type="button" onClick=${() => remove(channel)} aria-label=${CHANNELS.removeThis(channel.name)}>${CHANNELS.remove}</button>`}
      <a class="button" href=${withQuery("/envios", { canal: channel.channel_id })} aria-label=${CHANNELS.deliveriesOf(channel.name)}>${CHANNELS.deliveries}</a>
    </span>`,
  };
  const kindOf = (channel) => kinds.value?.find(({ kind }) => kind === channel.kind);
  const make = canWrite && html`<button type="button" class="primary" onClick=${() => setQuery({ novo: "1" })}>${CHANNELS.make}</button>`;
  const problem = read.problem ?? (kinds.value ? null : kinds.problem);
  return html`<section class="screen channels">
    <header><h1>${SHELL.screens.channels}</h1>${read.value?.length > 0 && make}</header>
    <p class="muted">${CHANNELS.why}</p>
    ${!read.value && (problem ? html`<${Failed} problem=${problem} retry=${() => (read.reload(), kinds.reload())} />` : html`<${Skeleton} />`)}
    ${read.value?.length === 0 && html`<${Empty} text=${canWrite ? CHANNELS.none : CHANNELS.noneToRead}>${make}<//>`}
    ${read.value?.length > 0 && html`<${Table} caption=${CHANNELS.caption} columns=${[...columns(kindOf), actions]} rows=${read.value} keyOf=${(channel) => channel.channel_id} />`}
    ${(edited || isMaking) && kinds.value && html`<${ChannelDialog} channel=${edited} kinds=${kinds.value} onSaved=${saved} onSecret=${setSecret} onClose=${close} />`}
    ${secret && html`<${SecretDialog} text=${secret} onClose=${() => setSecret(null)} />`}
  </section>`;
}

const columns = (kindOf) => [
  { title: CHANNELS.channel, name: true, cell: (channel) => html`${channel.name}<br /><small class="muted">${kindOf(channel)?.name ?? channel.kind}</small>` },
  {
    title: CHANNELS.tells,
    cell: (channel) => html`${CHANNELS.from[channel.min_severity]}<br /><small class="muted">${channel.kinds.length ? channel.kinds.map((kind) => KINDS[kind] ?? kind).join(", ") : CHANNELS.allKinds}</small>`,
  },
  { title: CHANNELS.state, cell: (channel) => html`<${State} channel=${channel} />` },
  { title: CHANNELS.last, cell: (channel) => (channel.last_delivered_at ? moment(channel.last_delivered_at) : CHANNELS.never) },
];

function State({ channel }) {
  if (!channel.enabled) return html`<span class="badge">${CHANNELS.off}</span>`;
  if (!channel.trouble) return html`<span class="badge" data-state="on">${CHANNELS.on}</span>`;
  return html`<span class="badge" data-state="off">${CHANNELS.trouble(lately(channel.trouble.since))}</span><br /><small class="channels-detail">${channel.trouble.detail}</small>`;
}

/** Sends a message of its own over the channel, and says what became of it. */
function Test({ channel, onDone }) {
  const [isBusy, setBusy] = useState(false);
  const test = async () => {
    if (isBusy) return;
    setBusy(true);
    try {
      const { delivered, detail, took_ms: took } = await session.post(`/channels/${channel.channel_id}/test`, undefined, { timeout: TEST_MS });
      toast(delivered ? CHANNELS.tested(channel.name, took) : CHANNELS.testFailed(channel.name, detail), delivered ? "done" : "failed");
      onDone();
    } catch (problem) {
      toast(inWords(problem), "failed");
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" aria-disabled=${isBusy} onClick=${test} aria-label=${CHANNELS.testThis(channel.name)}>${isBusy ? CHANNELS.testing : CHANNELS.test}</button>`;
}
