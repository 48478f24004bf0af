// The city's name and logo in the header.

import { html, useEffect, useState } from "../ui/html.js";
import { me, session } from "./state.js";

export function CityName() {
  const { tenant, tenant_id: id, display_name: shown, has_logo: hasLogo } = me.value;
  const [logo, setLogo] = useState(null);
  useEffect(() => {
    if (!hasLogo) return undefined;
    let url = null;
    session.blob(`/tenants/${id}/logo`).then((blob) => setLogo((url = URL.createObjectURL(blob))), () => {}); // the name is enough
    return () => {
      if (url) URL.revokeObjectURL(url);
      setLogo(null);
    };
  }, [id, hasLogo]);
  return html`<a class="city" href="/">
    ${logo ? html`<img src=${logo} alt="" />` : html`<span class="mark" aria-hidden="true"></span>`}
    <span class="name">${shown || tenant}</span>
  </a>`;
}
