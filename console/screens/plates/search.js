// The search of plates: what is asked for by the address, and the fields that change it.

import { go, withQuery } from "../../shell/router.js";
import { PLATES } from "../../texts/pt-BR/plates.js";
import { CamerasField, PeriodFields } from "../../ui/choosing.js";
import { SelectField, TextField } from "../../ui/form.js";
import { html, useLayoutEffect, useState } from "../../ui/html.js";
import { readPlate, twin } from "../../ui/plates.js";
import { written } from "../../ui/signs.js";

/**
 * Returns what the address asks for: {kind, plate, mode, cameras, from, to, wrong}. `kind` as `readPlate` gives it; `wrong` is why nothing
 * can be asked, in words, or "".
 */
export function askedBy(query) {
  const { kind, plate } = readPlate(query.plate ?? "");
  const cameras = query.cameras ? query.cameras.split(",") : [];
  const [from, to] = [query.from ?? "", query.to ?? ""];
  const isBackwards = from && to && new Date(from) >= new Date(to);
  const mode = kind === "beginning" || query.mode === "prefix" ? "prefix" : query.mode === "exact" ? "exact" : "era";
  return { kind, plate, mode, cameras, from, to, wrong: PLATES.wrong[kind] ?? (isBackwards ? PLATES.wrong.period : "") };
}

/** Says in words how the plate is looked for. */
export function inWords({ kind, plate, mode }) {
  const other = twin(plate);
  if (mode === "prefix") return kind === "beginning" && plate.length === 7 ? PLATES.asked.strange(plate) : PLATES.asked.beginning(plate);
  if (mode === "exact") return PLATES.asked.exact(written(plate));
  return other ? PLATES.asked.twins(written(plate), written(other)) : PLATES.asked.one(written(plate));
}

/** Says in words that nothing was found. */
export function noneInWords({ plate, mode, cameras, from, to }) {
  const other = mode === "era" && twin(plate);
  const end = cameras.length || from || to ? PLATES.none.narrowed : ".";
  if (mode === "prefix") return PLATES.none.prefix(plate) + end;
  return (other ? PLATES.none.twins(written(plate), written(other)) : PLATES.none.one(written(plate))) + end;
}

/** `change(query)` is called with what differs; `again()` where the same is asked for once more. */
export function Search({ query, asked, isNarrow, change, again }) {
  const [typed, setTyped] = useState(query.plate ?? "");
  useLayoutEffect(() => setTyped(query.plate ?? ""), [query.plate]);
  const submit = (event) => {
    event.preventDefault();
    const plate = typed.trim();
    if (plate === (query.plate ?? "")) again();
    // An entry of its own in the history: Back leads to the search before.
    else go(withQuery("/placas", { ...query, plate, mode: "", read: "" }));
  };
  const isWhole = asked.kind === "plate";
  const modes = Object.entries(PLATES.modes).filter(([mode]) => isWhole || mode === asked.mode);
  const wrongPlate = PLATES.wrong[asked.kind];
  const rest = html`
    <${CamerasField} chosen=${asked.cameras} onChange=${(ids) => change({ cameras: ids.join(",") })} />
    <${PeriodFields} from=${asked.from} to=${asked.to} onChange=${change} />`;
  const isNarrowed = Boolean(query.cameras || query.from || query.to);
  return html`<form class="plates-search" role="search" aria-label=${PLATES.filters} onSubmit=${submit}>
    <div class="filters">
      <${TextField} label=${PLATES.plate} name="plate" value=${typed} onInput=${(event) => setTyped(event.target.value)} error=${wrongPlate}
        placeholder=${PLATES.example} maxlength="16" autocomplete="off" autocapitalize="characters" spellcheck=${false} />
      ${(isWhole || asked.kind === "beginning") && html`<${SelectField} label=${PLATES.mode} options=${modes} value=${asked.mode} disabled=${!isWhole}
        onChange=${(event) => change({ mode: event.target.value === "era" ? "" : event.target.value })} />`}
      <button type="submit" class="primary">${PLATES.search}</button>
      ${query.plate && html`<a class="button" href=${withQuery("/placas", { from: query.from, to: query.to, cameras: query.cameras })}>${PLATES.clear}</a>`}
      ${!isNarrow && rest}
    </div>
    ${isNarrow && html`<details open=${isNarrowed}><summary>${PLATES.rest}</summary><div class="filters">${rest}</div></details>`}
  </form>`;
}
