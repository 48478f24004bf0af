// The first steps of each role: links to what the user may open. Where something of the city is still missing, it says so.

import { may, me } from "../../shell/state.js";
import { cameras } from "../../stores/cameras.js";
import { groups } from "../../stores/groups.js";
import { ROLES } from "../../texts/pt-BR/common.js";
import { HELP, STEPS } from "../../texts/pt-BR/help.js";
import { useChannels } from "../../ui/channels.js";
import { html } from "../../ui/html.js";
import { readAll, useLoaded } from "../../ui/loading.js";

const ADMIN = ["cameras", "groups", "watchlists", "channels", "people", "purposes", "factor", "dashboard", "wall", "audit"];
const OF_ROLE = {
  platform_admin: ["cities", ...ADMIN],
  admin: ADMIN,
  operator: ["dashboard", "wall", "alerts", "plates", "sound", "factor"],
  viewer: ["dashboard", "wall", "alerts", "factor"],
  auditor: ["audit", "verify", "factor"],
  partner: ["plates", "alerts", "factor"],
};

/** Step -> where it leads, and the scope without which it is not for this user. */
const LEADS = {
  cameras: ["/cameras", "cameras:write"],
  groups: ["/grupos", "cameras:write"],
  watchlists: ["/listas", "watchlists:write"],
  channels: ["/canais", "channels:write"],
  people: ["/pessoas", "users:write"],
  purposes: ["/cidade", "settings:write"],
  factor: ["/conta", null],
  cities: ["/cidades", "tenants:write"],
  dashboard: ["/painel", "streams:read"],
  wall: ["/mural", "live:view"],
  alerts: ["/alertas", "alerts:read"],
  plates: ["/placas", "plates:search"],
  audit: ["/auditoria", "audit:read"],
  verify: ["/auditoria?view=verify", "audit:read"],
  sound: ["/conta", "alerts:acknowledge"],
};

export function Steps() {
  const { role, second_factor: hasFactor } = me.value;
  const lists = useLoaded(async () => (may("watchlists:write") ? (await readAll("/watchlists", {}, 100)).length : null));
  const channels = useChannels("channels:write");
  const operators = useLoaded(async () => (may("users:write") ? (await readAll("/users", { role: "operator" }, 100)).length : null));
  const counts = {
    cameras: cameras.value?.size ?? null,
    groups: groups.value?.length ?? null,
    watchlists: lists.value,
    channels: channels.value?.length ?? null,
    people: operators.value,
    factor: hasFactor ? null : 0,
  };
  const steps = (OF_ROLE[role] ?? []).filter((step) => LEADS[step][1] === null || may(LEADS[step][1])).filter((step) => step !== "factor" || !hasFactor);
  return html`<section class="panel" aria-label=${HELP.steps}>
    <header><h2>${HELP.steps}</h2><span class="badge">${ROLES[role] ?? role}</span></header>
    <ol class="help-steps">${steps.map((step) => html`<${Step} key=${step} step=${step} count=${counts[step] ?? null} />`)}</ol>
  </section>`;
}

/** `count`: how many there are; 0 is what is still missing, null is not counted. */
function Step({ step, count }) {
  const [text, why] = STEPS[step];
  return html`<li>
    <a href=${LEADS[step][0]}>${text}</a>
    ${count === 0 && html`<span class="badge help-missing">${HELP.missing}</span>`}
    ${count > 0 && html`<span class="badge" data-state="on">✓ ${HELP.there(count)}</span>`}
    <p class="muted">${why}</p>
  </li>`;
}
