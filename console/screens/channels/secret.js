// The secret with which a webhook's messages are signed: shown once.

import { CHANNELS } from "../../texts/pt-BR/channels.js";
import { Dialog } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { Secret } from "../../ui/secret.js";

export function SecretDialog({ text, onClose }) {
  return html`<${Dialog} title=${CHANNELS.secretTitle} onClose=${onClose} firm>
    <${Secret} label=${CHANNELS.secret} text=${text} hint=${CHANNELS.secretHint} />
    <div class="actions"><button type="button" onClick=${onClose}>${CHANNELS.done}</button></div>
  <//>`;
}
