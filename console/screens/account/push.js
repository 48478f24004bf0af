// Alerts on this device, also while the console is closed: a subscription of this browser, which the server pushes to.

import { me, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { ACCOUNT } from "../../texts/pt-BR/account.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { CheckField } from "../../ui/form.js";
import { html, useEffect, useState } from "../../ui/html.js";

const canPush = () => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

/** The API gives the key in base64url, which not every browser takes. */
const bytesOf = (key) => Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

async function subscription() {
  const worker = await navigator.serviceWorker.getRegistration("/");
  return (await worker?.pushManager.getSubscription()) ?? null;
}

/** Subscribes this browser. Throws {code} where the person or the browser refuses. */
async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") throw { code: "push_denied" };
  const { public_key: key } = await session.get("/channels/push-key");
  await navigator.serviceWorker.register("/sw.js");
  const worker = await navigator.serviceWorker.ready;
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) }).catch(() => {
    throw { code: "push_refused" };
  });
  await session.post("/channels/push-subscriptions", made.toJSON());
}

async function unsubscribe() {
  const known = await subscription();
  if (!known) return;
  await session.delete(`/channels/push-subscriptions?endpoint=${encodeURIComponent(known.endpoint)}`);
  await known.unsubscribe();
}

export function Push() {
  const [isOn, setOn] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState(canPush() ? "" : ACCOUNT.pushImpossible);
  useEffect(() => void (canPush() && subscription().then((known) => setOn(known !== null), () => {})), [me.value.id]);
  const change = async (event) => {
    const wanted = event.target.checked;
    if (isBusy) return;
    setBusy(true);
    setSaid("");
    try {
      await (wanted ? subscribe() : unsubscribe());
      setOn(wanted);
      toast(wanted ? ACCOUNT.pushOn : ACCOUNT.pushOff);
    } catch (problem) {
      setOn(!wanted);
      setSaid(inWords(problem, ACCOUNT.pushWords));
    } finally {
      setBusy(false);
    }
  };
  return html`<${CheckField} label=${ACCOUNT.push} hint=${ACCOUNT.pushHint} checked=${isOn} disabled=${!canPush()} onChange=${change} />
    <p class="muted" role="status">${said}</p>`;
}
