// Storage: what the recordings take, how long they are kept, which cameras are not recorded, and what is held beyond its time.

import { setQuery, withQuery } from "../../shell/router.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { SHELL } from "../../texts/pt-BR/shell.js";
import { HOLDS, STORAGE } from "../../texts/pt-BR/storage.js";
import { readUsage } from "../../ui/attention.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";
import { sizeOf } from "../../ui/sizes.js";
import { Failed, Skeleton } from "../../ui/states.js";
import { Cameras } from "./cameras.js";
import { HoldDialog } from "./hold-form.js";
import { Holds } from "./holds.js";
import { Figures, Stopped } from "./space.js";

export const styles = ["style.css"];

const AGAIN_MS = 60_000;
/** What leads to the form from elsewhere, as from the range that was marked in the player. */
const ASKED = { hold: "", camera: "", from: "", to: "" };

export default function Storage({ query }) {
  const read = useLoaded(() => Promise.all([session.get("/recordings/forecast"), readUsage()]));
  const [placed, setPlaced] = useState(0); // how many were placed here: the list is read anew
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && read.reload(), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const [forecast, usage] = read.value ?? [];
  const view = query.view === "holds" && may("holds:read") ? "holds" : "space";
  const isPlacing = query.hold !== undefined && may("holds:write");
  const saved = () => {
    toast(HOLDS.placed);
    setQuery({ ...ASKED, view: "holds", state: "" });
    setPlaced(placed + 1);
    read.reload();
  };
  return html`<section class="screen storage">
    <header><h1>${SHELL.screens.storage}</h1>
      ${may("holds:write") && html`<button type="button" class="primary" onClick=${() => setQuery({ hold: "1" })}>${HOLDS.place}</button>`}
    </header>
    ${forecast?.full_of_held && html`<${FullOfHeld} bytes=${forecast.held_bytes} isThere=${view === "holds"} />`}
    ${may("holds:read") && html`<nav class="storage-views" aria-label=${STORAGE.viewsLabel}>
      ${Object.entries(STORAGE.views).map(([code, title]) => html`<a key=${code} class="button" aria-current=${code === view ? "page" : undefined}
        href=${withQuery("/armazenamento", { view: code === "space" ? "" : code })}>${title}</a>`)}
    </nav>`}
    ${view === "holds" && html`<${Holds} key=${placed} query=${query} recorded=${forecast?.cameras ?? []} onLifted=${read.reload} />`}
    ${view === "space" && (forecast
      ? html`<${Figures} forecast=${forecast} usage=${usage} /><${Stopped} usage=${usage} /><${Cameras} cameras=${forecast.cameras} sort=${query.sort} />`
      : read.problem ? html`<${Failed} problem=${read.problem} retry=${read.reload} />` : html`<${Skeleton} lines=${8} />`)}
    ${isPlacing && html`<${HoldDialog} query=${query} recorded=${forecast?.cameras ?? []} onSaved=${saved} onClose=${() => setQuery(ASKED)} />`}
  </section>`;
}

/** Nothing that may be deleted is left: only a person can help, and is told how. */
function FullOfHeld({ bytes, isThere }) {
  return html`<div class="storage-full" role="alert">
    <div><h2>${STORAGE.fullTitle}</h2><p>${STORAGE.fullText(sizeOf(bytes))}</p></div>
    ${may("holds:read") && !isThere && html`<a class="button" href="/armazenamento?view=holds">${STORAGE.seeHolds}</a>`}
  </div>`;
}
