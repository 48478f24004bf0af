// Where a person is signed in, and the end of it.

import { me, session } from "../shell/state.js";
import { toast } from "../shell/toasts.js";
import { inWords } from "../texts/pt-BR/errors.js";
import { deviceInWords, SESSIONS } from "../texts/pt-BR/sessions.js";
import { moment } from "./dates.js";
import { confirm } from "./dialog.js";
import { html } from "./html.js";
import { More, usePages } from "./loading.js";
import { Empty, Failed, Skeleton } from "./states.js";
import { Table } from "./table.js";

/** `userId`: whose sessions; `mayEnd`: whether they can be ended here. Of oneself, the present session is not ended but left. */
export function Sessions({ userId, mayEnd }) {
  const isOwn = userId === me.value.id;
  const pages = usePages("/sessions", isOwn ? {} : { user_id: userId });
  const end = async (question, path) => {
    if (!(await confirm(question))) return;
    try {
      await session.delete(path);
      toast(SESSIONS.ended);
    } catch (problem) {
      toast(inWords(problem), "failed");
    }
    pages.reload();
  };
  const endOne = (one) => end({ title: SESSIONS.endTitle, text: SESSIONS.endText(deviceInWords(one)), action: SESSIONS.end }, `/sessions/${one.id}`);
  const endAll = () => end(
    { title: isOwn ? SESSIONS.endOthers : SESSIONS.endAll, text: isOwn ? SESSIONS.endOthersText : SESSIONS.endAllText, action: SESSIONS.end },
    isOwn ? "/sessions" : `/sessions?user_id=${userId}`,
  );
  const columns = [
    { title: SESSIONS.device, name: true, cell: deviceInWords },
    { title: SESSIONS.address, cell: (one) => one.address ?? "" },
    { title: SESSIONS.since, cell: (one) => moment(one.created_at) },
    { title: SESSIONS.lastUsed, cell: (one) => moment(one.last_used_at) },
    { title: SESSIONS.action, cell: (one) => (one.current
      ? html`<span class="badge" data-state="on">${SESSIONS.current}</span>`
      : mayEnd && html`<button type="button" onClick=${() => endOne(one)} aria-label=${SESSIONS.endThis(deviceInWords(one))}>${SESSIONS.end}</button>`) },
  ];
  if (pages.problem && !pages.items) return html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`;
  if (!pages.items) return html`<${Skeleton} lines=${2} />`;
  if (!pages.items.length) return html`<${Empty} text=${SESSIONS.none} />`;
  const canEndAll = mayEnd && (isOwn ? pages.items.some((one) => !one.current) : pages.items.length > 0);
  return html`<${Table} caption=${SESSIONS.title} columns=${columns} rows=${pages.items} keyOf=${(one) => one.id} />
    <${More} pages=${pages} />
    ${canEndAll && html`<div class="actions"><button type="button" onClick=${endAll}>${isOwn ? SESSIONS.endOthers : SESSIONS.endAll}</button></div>`}`;
}
