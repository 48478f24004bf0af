// Plates: the latest reads as they come, the search for a plate or its beginning, and the picture of the read that is chosen.

import { isDeclared, purpose, purposeFor } from "../../shell/purpose.js";
import { go, setQuery, withQuery } from "../../shell/router.js";
import { may, me } from "../../shell/state.js";
import { PLATES } from "../../texts/pt-BR/plates.js";
import { Dialog } from "../../ui/dialog.js";
import { Waiting } from "../../ui/holding.js";
import { html, useEffect, useMemo, useRef, useState } from "../../ui/html.js";
import { More, usePages } from "../../ui/loading.js";
import { NARROW, useMedia } from "../../ui/media.js";
import { written } from "../../ui/signs.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Detail } from "./detail.js";
import { List } from "./list.js";
import { readOf, useLiveReads } from "./reads.js";
import { askedBy, inWords, noneInWords, Search } from "./search.js";
import { WatchDialog } from "./watch.js";

export const styles = ["style.css"];

const PAGE = 50;

export default function Screen({ query }) {
  const asked = askedBy(query);
  const isSearch = asked.kind !== "none";
  const isNarrow = useMedia(NARROW);
  const place = useRef(null);
  const isHovered = useRef(false);
  const filters = { camera_id: asked.cameras, from: asked.from, to: asked.to };
  const [path, more] = isSearch ? [`/plates/${encodeURIComponent(asked.plate)}`, { mode: asked.mode }] : ["/detections", { plates_only: true }];
  const pages = usePages(asked.wrong ? null : path, { ...more, ...filters }, { limit: PAGE, follows: !isSearch, ask: isSearch ? purposeFor : undefined });
  const live = useLiveReads({
    isOn: !isSearch && !asked.wrong && !asked.to,
    cameras: asked.cameras,
    // Nothing may move under a pointer, a finger, the focus, or what is read further down.
    isFree: () => !isNarrow && !query.read && !isHovered.current && place.current?.scrollTop < 8 && !place.current.contains(document.activeElement),
  });
  const reads = useMemo(() => listed(live.fresh, pages.items), [live.fresh, pages.items]);
  const chosen = useChosen(query.read, reads);
  const at = reads ? reads.findIndex(({ id }) => id === query.read) : -1;
  const [watched, setWatched] = useState(null);

  const choose = (read, isFirst = !query.read) => {
    // On a phone the read lies over the list: Back takes it away.
    if (isNarrow && isFirst) go(withQuery("/placas", { ...query, read: read.id }));
    else setQuery({ read: read.id });
  };
  const step = (by) => {
    const next = reads?.[at + by];
    if (at < 0 || !next) return;
    choose(next);
    place.current?.querySelector(`[data-read="${next.id}"]`)?.scrollIntoView({ block: "nearest" });
  };
  useEffect(() => {
    if (at >= 0 && at >= reads.length - 2 && pages.hasMore && !pages.problem) pages.more(); // so that "next" goes on
  }, [at, reads?.length]);
  const keys = (event) => {
    const isElsewhere = event.target.closest("input, select, textarea, form, .picture .frame") || (event.target.closest("dialog") && !event.target.closest(".plates-over"));
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !query.read || isElsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(by);
  };
  const change = (changes) => setQuery({ ...changes, read: "" });
  const show = async () => {
    if (live.isOverfull) await pages.reload().then(live.forget);
    else live.show();
    place.current?.scrollTo({ top: 0 });
  };
  const detail = chosen && html`<${Detail} read=${chosen} isNarrow=${isNarrow} query=${query} step=${step} at=${at} count=${reads?.length ?? 0} hasMore=${pages.hasMore}
    onOpened=${live.opened} onWatch=${may("watchlists:write") && may("watchlists:read") ? () => setWatched(chosen.plate) : null} />`;

  return html`<section class="screen plates" data-chosen=${Boolean(chosen)} onKeyDown=${keys}>
    <header><h1>${PLATES.title}</h1></header>
    <${Search} query=${query} asked=${asked} isNarrow=${isNarrow} change=${change} again=${pages.reload} />
    <div class="plates-columns">
      <section class="panel plates-found" aria-labelledby="plates-found">
        <header>
          <h2 id="plates-found">${titleOf(asked)}</h2>
          <${Waiting} count=${live.waiting.length} words=${(count) => PLATES.waiting(count, live.isOverfull)} release=${show} />
        </header>
        ${isSearch && !asked.wrong && html`<p class="muted" role="status">${inWords(asked)}</p>`}
        <div class="plates-scroll" ref=${place} onPointerEnter=${(event) => (isHovered.current = event.pointerType === "mouse")} onPointerLeave=${() => (isHovered.current = false)}>
          <${Found} asked=${asked} pages=${pages} reads=${reads}>
            <${List} reads=${reads} chosen=${query.read} onChoose=${choose} hasThumbnails=${!isDeclared() || !me.value.purpose_required || purpose.value !== ""} />
            ${pages.problem && html`<${Failed} problem=${pages.problem} retry=${pages.reload} />`}
            <${More} pages=${{ ...pages, items: reads }} />
          <//>
        </div>
      </section>
      ${!isNarrow && html`<section class="panel plates-detail" aria-label=${PLATES.detail}>
        ${detail || html`<div class="plates-hint muted"><p>${PLATES.choose}</p><p>${PLATES.chooseHint}</p><p>${PLATES.record}</p></div>`}
      </section>`}
    </div>
    ${isNarrow && chosen && html`<div class="plates-over"><${Dialog} title=${written(chosen.plate)} onClose=${() => setQuery({ read: "" })} wide>${detail}<//></div>`}
    ${watched && html`<${WatchDialog} plate=${watched} onClose=${() => setWatched(null)} />`}
  </section>`;
}

function titleOf({ kind, plate, mode, wrong }) {
  if (wrong) return PLATES.list;
  if (kind === "none") return PLATES.latest;
  return mode === "prefix" ? PLATES.beginnings(plate) : PLATES.results(written(plate));
}

/** Reads that came live lie above those that were read; each is there once. */
function listed(fresh, items) {
  if (!items) return null;
  const known = items.filter(({ plate }) => plate).map(readOf);
  const ids = new Set(known.map(({ id }) => id));
  return [...fresh.filter(({ id }) => !ids.has(id)), ...known];
}

/** The chosen read, also after the list has moved on without it. */
function useChosen(id, reads) {
  const kept = useRef(null);
  const found = id ? reads?.find((read) => read.id === id) : null;
  if (found) kept.current = found;
  return id && kept.current?.id === id ? kept.current : null;
}

/** The list, or what stands in its place. */
function Found({ asked, pages, reads, children }) {
  if (asked.wrong) {
    const start = asked.kind === "signs" && asked.plate.length > 1 ? asked.plate : "";
    return html`<${Empty} text=${`${PLATES.nothingAsked} ${asked.wrong}`}>
      ${start && html`<button type="button" onClick=${() => setQuery({ plate: start })}>${PLATES.searchBeginning(start)}</button>`}
      <a class="button" href="/placas">${PLATES.showLatest}</a>
    <//>`;
  }
  if (reads?.length) return children;
  if (pages.problem) return html`<${Failed} problem=${pages.problem} retry=${pages.reload} words=${{ invalid_plate: PLATES.wrong.other, invalid_plate_beginning: PLATES.wrong.short }} />`;
  if (!reads) return html`<${Skeleton} lines=${8} />`;
  return html`<${Nothing} asked=${asked} />`;
}

/** Nothing was found: says what was asked, and leads on. */
function Nothing({ asked }) {
  const isNarrowed = asked.cameras.length || asked.from || asked.to;
  const widen = isNarrowed ? html`<button type="button" onClick=${() => setQuery({ from: "", to: "", cameras: "" })}>${PLATES.everywhere}</button>` : null;
  if (asked.kind === "none") {
    return html`<${Empty} text=${isNarrowed ? PLATES.noneHere : PLATES.noneYet}>${widen || html`<a class="button" href="/cameras">${PLATES.toCameras}</a>`}<//>`;
  }
  const start = asked.plate.slice(0, 4);
  return html`<${Empty} text=${noneInWords(asked)}>
    ${widen}
    ${asked.mode !== "prefix" && html`<button type="button" onClick=${() => setQuery({ plate: start, mode: "" })}>${PLATES.searchBeginning(start)}</button>`}
    <a class="button" href="/placas">${PLATES.showLatest}</a>
  <//>`;
}
