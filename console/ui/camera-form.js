// The form of a camera, new or edited.

import { session } from "../shell/state.js";
import { toast } from "../shell/toasts.js";
import { cameraChanged } from "../stores/cameras.js";
import { groups } from "../stores/groups.js";
import { CAMERAS } from "../texts/pt-BR/cameras.js";
import { GroupBoxes } from "./choosing.js";
import { Dialog } from "./dialog.js";
import { CheckField, Form, TextField } from "./form.js";
import { html, useState } from "./html.js";

/** `camera`: the one to edit, null for a new one. It is edited as it was at first: what others change meanwhile is not overwritten. */
export function CameraDialog({ camera: given, onClose }) {
  const [camera] = useState(given);
  const [chosen, setChosen] = useState(camera?.groups ?? []);
  const submit = async (values, _form, key) => {
    const body = bodyOf(values, chosen, camera);
    const saved = camera ? await changed(camera, body) : await session.post("/cameras", body, { key });
    cameraChanged(saved);
    toast(camera ? CAMERAS.saved(saved.name) : CAMERAS.added(saved.name));
    onClose();
  };
  const { recording, ai } = camera ?? { recording: { enabled: true, retention_days: 90 }, ai: { enabled: true, fps: 1, min_confidence: 0.5 } };
  return html`<${Dialog} title=${camera ? CAMERAS.editTitle : CAMERAS.addTitle} onClose=${onClose} firm>
    <${Form} onSubmit=${submit} onCancel=${onClose} words=${CAMERAS.words}>
      <${TextField} label=${CAMERAS.name} hint=${CAMERAS.nameHint} name="name" required maxlength="120" defaultValue=${camera?.name} />
      <${TextField} label=${CAMERAS.url} hint=${camera ? CAMERAS.urlKept : CAMERAS.urlHint} name="url" required maxlength="2000" defaultValue=${camera?.url}
        placeholder="rtsp://" autocomplete="off" spellcheck=${false} inputmode="url" />
      ${groups.value?.length ? html`<${GroupBoxes} legend=${CAMERAS.groups} chosen=${chosen} onChange=${setChosen} />` : html`<p class="muted">${CAMERAS.noGroups}</p>`}
      <details><summary>${CAMERAS.more}</summary><div class="form">
        <${TextField} label=${CAMERAS.externalId} hint=${CAMERAS.externalIdHint} name="external_id" maxlength="120" defaultValue=${camera?.external_id ?? ""} />
        <${CheckField} label=${CAMERAS.recording} name="recording" defaultChecked=${recording.enabled} />
        <${TextField} label=${CAMERAS.retention} name="retention_days" type="number" min="1" max="3650" required defaultValue=${recording.retention_days} />
        <${CheckField} label=${CAMERAS.offsite} hint=${CAMERAS.offsiteHint} name="offsite" defaultChecked=${recording.offsite ?? false} />
        <${CheckField} label=${CAMERAS.ai} name="ai" defaultChecked=${ai.enabled} />
        <${TextField} label=${CAMERAS.fps} name="fps" type="number" min="0.1" max="5" step="0.1" required defaultValue=${ai.fps} />
        <${TextField} label=${CAMERAS.confidence} name="confidence" type="number" min="0" max="100" required defaultValue=${Math.round(ai.min_confidence * 100)} />
      </div></details>
      <${CheckField} label=${CAMERAS.enabled} hint=${CAMERAS.enabledHint} name="enabled" defaultChecked=${camera?.enabled ?? true} />
    <//>
  <//>`;
}

async function changed(camera, body) {
  const path = `/cameras/${camera.id}`;
  try {
    return (await session.change(path, body, `"${camera.revision}"`)).value;
  } catch (problem) {
    if (problem.status === 412) await session.get(path).then(cameraChanged, () => {}); // so that it opens as it is now
    throw problem;
  }
}

/** Settings that the form does not show (classes, masks) stay as they are. */
function bodyOf(values, chosen, camera) {
  return {
    name: values.name.trim(),
    url: values.url.trim(),
    external_id: values.external_id.trim() || null,
    groups: chosen,
    enabled: "enabled" in values,
    recording: { ...camera?.recording, enabled: "recording" in values, retention_days: Number(values.retention_days), offsite: "offsite" in values },
    ai: { ...camera?.ai, enabled: "ai" in values, fps: Number(values.fps), min_confidence: Number(values.confidence) / 100 },
  };
}
