// Recordings: one to four cameras at the same instant, on a timeline that says what there is and why there is not.

import { go, setQuery, withQuery } from "../../shell/router.js";
import { purposeFor } from "../../shell/purpose.js";
import { may, session } from "../../shell/state.js";
import { toast } from "../../shell/toasts.js";
import { cameras, camerasProblem, loadCameras } from "../../stores/cameras.js";
import { COMMON } from "../../texts/pt-BR/common.js";
import { inWords } from "../../texts/pt-BR/errors.js";
import { RECORDINGS } from "../../texts/pt-BR/recordings.js";
import { CamerasDialog } from "../../ui/choosing.js";
import { instantOf, localOf, moment, startOfDay } from "../../ui/dates.js";
import { Field } from "../../ui/form.js";
import { html, useEffect, useMemo, useRef, useState } from "../../ui/html.js";
import { Deck } from "../../ui/playback/deck.js";
import { PATH } from "../../ui/playback/minute.js";
import { asFileName, save } from "../../ui/saving.js";
import { Empty, Failed, Skeleton } from "../../ui/states.js";
import { Timeline } from "../../ui/timeline/index.js";
import { around, HOUR, MINUTE, showing, SPANS_UP_TO, DAY } from "../../ui/timeline/scale.js";
import { whatAt } from "../../ui/timeline/spans.js";
import { gapInWords } from "../../ui/timeline/words.js";
import { comingAt, hourOf, isAway, RestoreDialog, Restores, useRestores } from "./archive.js";
import { Clips } from "./clips.js";
import { Controls, useKeys } from "./controls.js";
import { lastBefore, useCameras, useDay, useView } from "./known.js";
import { Marked } from "./marked.js";
import { useMarks } from "./marks.js";
import { RecordedTile } from "./tile.js";

export const styles = ["style.css", "../../styles/timeline.css"];

const MOST = 4;
const LATELY_MS = 60_000;
/** Of what was recorded last, so much is shown. */
const LAST_MS = 10_000;
/** Of what is being written, so much is there for sure. */
const EDGE_MS = 3_000;
const ADDRESS_AFTER_MS = 500;
const NOTICE_MS = 8_000;

export default function Recordings({ query }) {
  const [isChoosing, setChoosing] = useState(false);
  const { known, isWhole } = useCameras();
  if (camerasProblem.value && !cameras.value) return html`<section class="screen"><h1>${RECORDINGS.title}</h1><${Failed} problem=${camerasProblem.value} retry=${loadCameras} /></section>`;
  const asked = [...new Set((query.camera ?? "").split(",").filter(Boolean))];
  if (!known || (!isWhole && asked.some((id) => !known.has(id)))) return html`<section class="screen"><h1>${RECORDINGS.title}</h1><${Skeleton} /></section>`;
  const ids = asked.filter((id) => known.has(id)).slice(0, MOST);
  const choose = () => setChoosing(true);
  const chosen = (found) => {
    setChoosing(false);
    go(withQuery(PATH, { ...query, camera: found.join() }), { replace: ids.length > 0 });
  };
  return html`<section class="screen recordings">
    ${ids.length
      ? html`<${Player} ids=${ids} known=${known} wanted=${query.at} onChoose=${choose} />`
      : html`<header><h1>${RECORDINGS.title}</h1></header>
        ${known.size
          ? html`<${Empty} text=${RECORDINGS.none}><button type="button" class="primary" onClick=${choose}>${RECORDINGS.choose}</button><//>`
          : html`<${Empty} text=${RECORDINGS.noneForYou} />`}`}
    ${isChoosing && html`<${CamerasDialog} title=${RECORDINGS.chooseTitle} chosen=${ids} most=${MOST} canBeAll=${false} removed=${[...known.values()].filter((camera) => camera.isRemoved)} submit=${RECORDINGS.show} onClose=${() => setChoosing(false)} onDone=${chosen} />`}
  </section>`;
}

/** The instant of an address; lately, where it names none. */
const instantIn = (text) => (Number.isNaN(Date.parse(text)) ? Date.now() - LATELY_MS : Date.parse(text));

function Player({ ids, known, wanted, onChoose }) {
  const [start] = useState(() => instantIn(wanted));
  const [view, setView] = useState(() => around(start, wanted ? 10 * MINUTE : HOUR));
  const deck = useMemo(() => new Deck(start), []);
  const players = useRef(new Map());
  const at = useDeck(deck);
  const [heard, setHeard] = useState(null);
  const [range, setRange] = useState({ from: null, to: null });
  const [fresh, setFresh] = useState(0);
  const day = useDay(ids, at, fresh);
  const seen = useView(ids, view, fresh);
  const restores = useRestores(() => setFresh((count) => count + 1));
  const [wish, setWish] = useState(null);
  const { marks, isCut, isNear } = useMarks(ids, view, at);
  deck.what = (id, instant) => beyond(whatAt(day?.get(id), instant), day?.get(id));
  const notice = useSkips(deck);
  const seek = (to) => {
    deck.seek(Math.min(to, latestOf(day)));
    setView((now) => showing(now, deck.instant));
  };
  const seekLast = async (id) => {
    const last = await lastBefore(id, deck.instant).catch((problem) => toast(inWords(problem), "failed"));
    if (last) seek(last - LAST_MS);
    else if (last === null) toast(RECORDINGS.neverBefore);
  };
  useAddress(deck, wanted, seek);
  useEffect(() => {
    deck.play();
    return deck.start();
  }, []);
  // What is shown follows the clock, while it is in what is shown.
  const before = useRef(at);
  useEffect(() => {
    if (view.from <= before.current && before.current < view.to && at >= view.to) setView(showing(view, at));
    before.current = at;
  }, [at]);
  const mark = (end) => setRange((now) => marked(now, end, deck.instant));
  useKeys({ deck, onSeek: seek, onMark: mark });
  const picked = (to) => {
    if (view.to - view.from > SPANS_UP_TO) setView(around(to, DAY)); // a day of a year: what it holds is to be seen before
    deck.seek(Math.min(to, latestOf(day)));
  };
  const list = ids.map((id) => known.get(id));
  const nameOf = (id) => known.get(id)?.name ?? COMMON.removedCamera;
  const lanes = useMemo(
    () => ids.map((id) => ({ id, name: nameOf(id), recorded: seen.get(id) ?? null, marks: marks.filter((each) => each.camera === id) })),
    [seen, marks, ids.join()],
  );
  const whole = range.from !== null && range.to !== null ? range : null;
  const away = whole ? list.filter(({ id }) => isAway(seen.get(id), whole)) : [];
  return html`
    <header><h1>${RECORDINGS.title}</h1>
      <button type="button" onClick=${onChoose}>${RECORDINGS.choose}</button>
      <${Moment} at=${at} onGo=${seek} />
    </header>
    <div class="recordings-tiles" data-tiles=${list.length}>
      ${list.map((camera) => html`<${RecordedTile} key=${camera.id} camera=${camera} deck=${deck} what=${whatAt(day?.get(camera.id), at)} isHeard=${heard === camera.id}
        coming=${comingAt(restores, camera.id, at)} onBring=${() => setWish({ cameras: [camera], range: hourOf(day?.get(camera.id), at) })}
        onHear=${() => setHeard((now) => (now === camera.id ? null : camera.id))} onSnapshot=${() => snapshot(camera, deck.instant)} onSeek=${seek} onLast=${() => seekLast(camera.id)}
        onPlayer=${(id, player) => (player ? players.current.set(id, player) : players.current.delete(id))} />`)}
    </div>
    <p class="recordings-said" role="status">${deck.isAtEnd && deck.isPlaying ? RECORDINGS.atEnd : notice}</p>
    <${Controls} deck=${deck} at=${at} onSeek=${seek}><${Marked} cameras=${list} range=${range} onBring=${away.length > 0 && (() => setWish({ cameras: away, range: whole }))} onMark=${mark} onClear=${() => setRange({ from: null, to: null })} /><//>
    <${Timeline} lanes=${lanes} view=${view} at=${at} range=${whole} onView=${setView} onSeek=${picked} preview=${(id, instant) => cellOf(players.current.get(id), instant)}>
      <${NextMarks} marks=${marks} at=${at} onSeek=${seek} />
      ${(isCut || !isNear) && html`<span class="muted">${isNear ? RECORDINGS.moreMarks : RECORDINGS.noMarks}</span>`}
    <//>
    <${Restores} restores=${restores} nameOf=${nameOf} />
    ${may("exports:make") && html`<${Clips} nameOf=${nameOf} />`}
    ${wish && html`<${RestoreDialog} ...${wish} onAsked=${restores.reload} onClose=${() => setWish(null)} />`}`;
}

/** The last instant that can be gone to, where the day that is known is still being written. */
function latestOf(day) {
  const ends = [...(day?.values() ?? [])].map((known) => (known.to < startOfDay(known.from, 1) ? known.to - EDGE_MS : Infinity));
  return ends.length ? Math.max(...ends) : Infinity;
}

/** At the end of a day that is over, the next recording is looked for in the next one. */
function beyond(what, known) {
  const isWhole = known && known.to === startOfDay(known.from, 1);
  return what && !what.isRecorded && what.next === null && isWhole ? { ...what, next: known.to } : what;
}

/** Returns the instant of the deck, drawn anew when it changes. */
function useDeck(deck) {
  const [at, setAt] = useState(deck.instant);
  const [, drawAgain] = useState("");
  useEffect(() => {
    const changed = () => {
      setAt(deck.instant);
      drawAgain([deck.isPlaying, deck.isAtEnd, deck.rate].join());
    };
    deck.addEventListener("changed", changed);
    return () => deck.removeEventListener("changed", changed);
  }, []);
  return at;
}

/** What was skipped lately, in words. */
function useSkips(deck) {
  const [notice, setNotice] = useState("");
  useEffect(() => {
    let timer = null;
    const skipped = ({ detail: { from, to, gap } }) => {
      clearTimeout(timer);
      setNotice(RECORDINGS.skipped(gapInWords({ cause: "unknown", from, ...gap, to })));
      timer = setTimeout(() => setNotice(""), NOTICE_MS);
    };
    deck.addEventListener("skipped", skipped);
    return () => {
      clearTimeout(timer);
      deck.removeEventListener("skipped", skipped);
    };
  }, []);
  return notice;
}

/** The address names the instant at which a reload or a link begins; another address is another instant. */
function useAddress(deck, wanted, seek) {
  const own = useRef(wanted);
  useEffect(() => {
    if (wanted === own.current) return;
    own.current = wanted;
    seek(instantIn(wanted));
  }, [wanted]);
  useEffect(() => {
    let timer = null;
    let last = deck.isPlaying ? null : deck.instant;
    const changed = () => {
      const still = deck.isPlaying ? null : deck.instant;
      if (still === last) return;
      last = still;
      clearTimeout(timer);
      if (still !== null) timer = setTimeout(() => setQuery({ at: (own.current = new Date(still).toISOString()) }), ADDRESS_AFTER_MS);
    };
    deck.addEventListener("changed", changed);
    return () => {
      clearTimeout(timer);
      deck.removeEventListener("changed", changed);
    };
  }, []);
}

/** Returns the range with one of its ends at an instant; the other end goes where it would stand before or after it. */
function marked(range, end, instant) {
  const next = { ...range, [end]: instant };
  if (next.from !== null && next.to !== null && next.from >= next.to) next[end === "from" ? "to" : "from"] = null;
  return next;
}

/** The place of an instant in the hour's sheet of small pictures. */
function cellOf(player, instant) {
  if (!player?.base) return null;
  const [date, time] = new Date(instant).toISOString().split("T");
  const minute = Number(time.slice(3, 5));
  return { src: `${player.base}sprite_${date}_${time.slice(0, 2)}.jpg`, columns: 10, column: minute % 10, row: Math.floor(minute / 10) };
}

async function snapshot(camera, at) {
  try {
    const answer = await purposeFor(() => session.ask(`/snapshots/${camera.id}?exact=true&at=${encodeURIComponent(new Date(at).toISOString())}`));
    const captured = answer.headers.get("X-Captured-At") ?? at;
    const name = asFileName(`${camera.name} ${moment(captured).replaceAll("/", "-").replaceAll(":", "-")}`);
    save(await answer.blob(), `${name}.jpg`);
    toast(RECORDINGS.saved(`${name}.jpg`));
  } catch (problem) {
    toast(inWords(problem, { no_recording: RECORDINGS.reasons.no_recording }), "failed");
  }
}

/** The field follows the clock until it has the focus. */
function Moment({ at, onGo }) {
  const [draft, setDraft] = useState(null);
  const go = (event) => {
    event.preventDefault();
    const instant = instantOf(event.currentTarget.when.value);
    setDraft(null);
    if (instant) onGo(Date.parse(instant));
  };
  return html`<form class="form inline" onSubmit=${go}>
    <${Field} label=${RECORDINGS.when}>${(wires) => html`<input type="datetime-local" name="when" required ...${wires} value=${draft ?? localOf(at)}
      onFocus=${() => setDraft(localOf(at))} onInput=${(event) => setDraft(event.target.value)} />`}<//>
    <button type="submit">${RECORDINGS.go}</button>
  </form>`;
}

function NextMarks({ marks, at, onSeek }) {
  const earlier = marks.findLast((mark) => mark.at < at - 1_000);
  const later = marks.find((mark) => mark.at > at + 1_000);
  return html`
    <button type="button" disabled=${!earlier} onClick=${() => onSeek(earlier.at)} title=${earlier?.text}>${RECORDINGS.previousMark}</button>
    <button type="button" disabled=${!later} onClick=${() => onSeek(later.at)} title=${later?.text}>${RECORDINGS.nextMark}</button>`;
}
