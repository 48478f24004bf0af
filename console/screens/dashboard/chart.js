// Plates per hour as bars.

import { DASHBOARD } from "../../texts/pt-BR/dashboard.js";
import { lately } from "../../ui/dates.js";
import { html } from "../../ui/html.js";

const HEIGHT = 120;
const STEP = 10;

/** `items`: [{hour: instant, plates}], oldest first. */
export function PlatesPerHour({ items, total }) {
  const most = Math.max(0, ...items.map(({ plates }) => plates));
  return html`<section class="panel" aria-label=${DASHBOARD.perHour}>
    <header><h2>${DASHBOARD.perHour}</h2><span class="muted">${DASHBOARD.most(most)}</span></header>
    <svg class="chart" viewBox=${`0 0 ${items.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${DASHBOARD.perHourAlt(total)}>
      ${items.map(({ hour, plates }, index) => {
        const height = (plates / (most || 1)) * (HEIGHT - 2);
        return html`<g key=${hour}><title>${DASHBOARD.hour(lately(hour), plates)}</title>
          <rect class="ground" x=${index * STEP} y="0" width=${STEP} height=${HEIGHT} />
          <rect class="bar" x=${index * STEP + 1} y=${HEIGHT - height} width=${STEP - 2} height=${height} /></g>`;
      })}
    </svg>
    <p class="chart-ends muted"><span>${lately(items[0]?.hour)}</span><span>${lately(items.at(-1)?.hour)}</span></p>
  </section>`;
}

/** The chart's room while it is being read. */
export function ChartAwaited() {
  return html`<section class="panel" aria-label=${DASHBOARD.perHour} aria-busy="true">
    <header><h2>${DASHBOARD.perHour}</h2></header><div class="chart"></div><p class="chart-ends">\u00a0</p>
  </section>`;
}
