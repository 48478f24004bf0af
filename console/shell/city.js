// The city's name and logo in the header.

import { html, signal, useEffect, useState } from "../ui/html.js";
import { me, session } from "./state.js";

/** The picture that was sent as the logo in this page, which shows before the browser's copy of the last one ends. */
const sent = signal(null);

/** Shows `blob` as the city's logo. */
export const logoIs = (blob) => (sent.value = blob);

export function CityName() {
  const { tenant, tenant_id: id, display_name: shown, has_logo: hasLogo } = me.value;
  const [logo, setLogo] = useState(null);
  const fresh = sent.value;
  useEffect(() => {
    if (!hasLogo && !fresh) return undefined;
    let url = null;
    let isGone = false;
    const picture = fresh ? Promise.resolve(fresh) : session.blob(`/tenants/${id}/logo`);
    picture.then((blob) => isGone || setLogo((url = URL.createObjectURL(blob))), () => {}); // the name is enough
    return () => {
      isGone = true;
      if (url) URL.revokeObjectURL(url);
      setLogo(null);
    };
  }, [id, hasLogo, fresh]);
  useEffect(() => () => (sent.value = null), [id]);
  return html`<a class="city" href="/">
    ${logo ? html`<img src=${logo} alt="" />` : html`<span class="mark" aria-hidden="true"></span>`}
    <span class="name">${shown || tenant}</span>
  </a>`;
}
