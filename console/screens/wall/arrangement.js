// What stands where on the wall: kept for this user and browser, and saved under a name for the user anywhere.

import { recall, remember } from "../../shell/memory.js";
import { me, session } from "../../shell/state.js";
import { camerasByName } from "../../stores/cameras.js";
import { useEffect, useState } from "../../ui/html.js";
import { useLoaded } from "../../ui/loading.js";

export const SIZES = [1, 4, 9, 16, 25];
/** Cameras of one wall. */
export const MOST = 25;

/** Each window has its own wall: the second monitor does not follow the first. */
const kept = (screen) => `gtvision.wall.${me.value.id}.${screen}`;

/**
 * @typedef {{tiles: number, cameras: (string | null)[], patrol_s: number | null}} Arrangement
 * `cameras`: ids by place; those beyond the last tile are shown by the patrol.
 */

/** Returns the arrangement of this window and a function that changes a part of it. */
export function useArrangement(screen) {
  const [arrangement, set] = useState(() => recall("localStorage", kept(screen)) ?? first());
  const change = (part) => set((now) => {
    const next = { ...now, ...part };
    remember("localStorage", kept(screen), next);
    return next;
  });
  return [arrangement, change];
}

/** The first wall that somebody sees: four cameras, or one, as there are. */
function first() {
  const enabled = camerasByName.value.filter((camera) => camera.enabled).map((camera) => camera.id);
  return { tiles: enabled.length > 1 ? 4 : 1, cameras: enabled.slice(0, 4), patrol_s: null };
}

/** Returns the ids at the places of the page of the patrol, and how many pages there are. Cameras that are gone leave an empty place. */
export function placesOf({ tiles, cameras: ids, patrol_s: patrol }, page, known) {
  const there = (id) => (id && known.has(id) ? id : null);
  if (!patrol) return { places: fill(ids.slice(0, tiles).map(there), tiles), pages: 1 };
  const chosen = ids.filter(there);
  // A patrol of no more cameras than there are tiles would show the same for ever: then it is one of all cameras.
  const round = chosen.length > tiles ? chosen : camerasByName.value.filter((camera) => camera.enabled).map((camera) => camera.id);
  const pages = Math.max(1, Math.ceil(round.length / tiles));
  const at = page % pages;
  return { places: fill(round.slice(at * tiles, (at + 1) * tiles), tiles), pages };
}

/** Returns the cameras with this one, or none, at a place. Those beyond the tiles stay: a larger wall or a patrol shows them again. */
export function withPut({ tiles, cameras: ids }, place, id) {
  const next = fill(ids, tiles).map((each) => (each === id ? null : each));
  next[place] = id;
  return next;
}

export function withSwapped({ tiles, cameras: ids }, from, to) {
  const next = fill(ids, tiles);
  [next[from], next[to]] = [next[to], next[from]];
  return next;
}

/** Returns the cameras with those that were chosen: what stays keeps its place, what comes takes the first free one. */
export function withChosen({ tiles, cameras: ids }, chosen) {
  const next = fill(ids, tiles).map((id) => (chosen.includes(id) ? id : null));
  for (const id of chosen.filter((each) => !ids.includes(each))) {
    const free = next.indexOf(null);
    next[free < 0 ? next.length : free] = id;
  }
  return next;
}

/** Whether a saved layout is what stands on the wall; empty places at the end do not count. */
export function isLayout(layout, { tiles, cameras, patrol_s }) {
  const places = (ids) => ids.slice(0, MOST).join().replace(/,+$/, "");
  return layout.tiles === tiles && layout.patrol_s === patrol_s && places(layout.cameras) === places(cameras);
}

const fill = (ids, tiles) => [...ids, ...Array(Math.max(0, tiles - ids.length)).fill(null)];

/** Counts the pages of a patrol up; a hidden window does not walk. */
export function usePatrol(seconds) {
  const [page, setPage] = useState(0);
  useEffect(() => {
    setPage(0);
    if (!seconds) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && setPage((now) => now + 1), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return page;
}

/** Returns the user's saved layouts, by name, and how to keep and remove one. */
export function useLayouts() {
  const read = useLoaded(async () => (await session.get("/layouts")).items); // they all fit on one page; the wall works without them
  const layouts = read.value ?? [];
  const save = async (name, { tiles, cameras, patrol_s }, key) => {
    const same = layouts.find((layout) => layout.name.toLowerCase() === name.toLowerCase());
    const body = { name, tiles, cameras: cameras.slice(0, MOST), patrol_s };
    const saved = same ? await session.put(`/layouts/${same.id}`, body) : await session.post("/layouts", body, { key });
    await read.reload();
    return saved;
  };
  const remove = async (id) => {
    await session.delete(`/layouts/${id}`);
    await read.reload();
  };
  return { layouts, save, remove };
}
