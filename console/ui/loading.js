// Reading from the API in components: one object, or a list page by page. Answers that were overtaken by a newer question are dropped.

import { resyncs, searches, session } from "../shell/state.js";
import { useAgain } from "./again.js";
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { withQuery } from "../shell/router.js";

/**
 * Calls `read()` at once, when one of `inputs` changes, and after live messages may have been lost.
 * Returns {value, problem, loading, reload, set}; the last value stays while the next one is read. Trouble that passes is tried again.
 */
export function useLoaded(read, inputs = []) {
  const [state, setState] = useState({ value: null, problem: null, loading: true });
  const latest = useRef(0);
  const again = useAgain();
  const reload = useCallback(async () => {
    const asked = (latest.current += 1);
    setState((before) => ({ ...before, loading: true }));
    const next = await read().then((value) => ({ value, problem: null }), (problem) => ({ problem }));
    if (asked !== latest.current) return;
    setState((before) => ({ ...before, ...next, loading: false }));
    again(next.problem, reload);
  }, inputs);
  useLayoutEffect(() => {
    reload();
    return () => (latest.current += 1);
  }, [...inputs, resyncs.value]);
  const set = useCallback((value) => setState((before) => ({ ...before, value })), []);
  return { ...state, reload, set };
}

/**
 * Reads what `useLoaded` or `usePages` gave every `ms` anew, while the page is seen; null: not. A reading that is under way is not asked
 * again: its answer would be dropped, and where answers are slower than that none would ever be shown.
 */
export function useReadAgain(read, ms) {
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    if (ms === null) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && !latest.current.loading && latest.current.reload(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

const NOTHING_YET = { items: null, next: null, read: 0, isCut: false, problem: null, loading: true };
/** A long list is not read anew to its end: after a cut link everybody reads at once. */
const MOST_ANEW = 1_000;
const SIZE_ANEW = 200;

/**
 * A list of the API, page by page: `path` with `query` (lists of values are repeated), null for nothing to ask.
 * Returns {items, problem, loading, hasMore, more, reload, change}: `items` is null until the first page is here; `change(edit)` edits
 * the items that are here, as after a live message; made twice it changes no more than once. `follows`: whether the list is read again,
 * as far as it was within reason, when live messages may have been lost, or by itself after trouble that passes; a search that goes on
 * record each time does not. `ask(read)` runs each reading, as one that asks for a purpose first. `most`: how many items a list keeps beyond
 * those that were read, as it grows by live messages; the oldest go, and `more` reads them again.
 */
export function usePages(path, query = {}, { limit = 100, most = Infinity, follows = true, ask = (read) => read() } = {}) {
  const [state, setState] = useState(NOTHING_YET);
  const present = useRef(state);
  present.current = state;
  const latest = useRef(0);
  const key = path === null ? null : withQuery(path, query);
  const again = useAgain();
  /** The changes made while a reading goes on; null while none does. */
  const edits = useRef(null);
  /** A list keeps what it has read, and of what came live as much as there is room for. */
  const cut = (now) => {
    const room = now.read + most;
    return now.items.length > room ? { ...now, items: now.items.slice(0, room), isCut: true } : now;
  };
  /** Reads on from `cursor` until at least `enough` items were read. Changes made meanwhile are newer than the answers. */
  const read = async (cursor, enough = 1, size = limit) => {
    const asked = (latest.current += 1);
    edits.current = [];
    setState((now) => ({ ...now, loading: true, problem: null }));
    try {
      const found = [];
      let next = cursor;
      do {
        const from = next;
        const page = await ask(() => session.get(pageAddress(path, query, size, from)));
        found.push(...page.items);
        next = page.next ?? null;
      } while (next !== null && found.length < enough && asked === latest.current);
      if (asked !== latest.current) return;
      const made = edits.current;
      edits.current = null;
      const edited = (items) => made.reduce((list, edit) => edit(list), items);
      setState((now) => {
        const here = cursor === null ? found : [...now.items, ...found];
        return cut({ items: edited(here), next, read: here.length, isCut: false, problem: null, loading: false });
      });
      again(null);
    } catch (problem) {
      if (asked !== latest.current) return;
      edits.current = null;
      setState((now) => ({ ...now, problem, loading: false }));
      if (follows) again(problem, () => asked === latest.current && read(cursor, enough, size));
    }
  };
  /** Reads from the beginning, as far as the list is or `enough`. */
  const anew = (enough = present.current.items?.length ?? 1) => {
    const wanted = Math.min(enough, MOST_ANEW);
    return read(null, wanted, Math.max(limit, Math.min(wanted, SIZE_ANEW)));
  };
  const asked = useRef(null);
  const isFollowed = follows ? resyncs.value : searches.value;
  // Before the next frame: what stands there would pass for the answer to the new question.
  useLayoutEffect(() => {
    const isSame = asked.current === key;
    asked.current = key;
    if (key === null) setState({ ...NOTHING_YET, loading: false });
    else if (isSame) anew();
    else {
      setState(NOTHING_YET);
      read(null);
    }
    return () => (latest.current += 1);
  }, [key, limit, isFollowed]);
  return {
    ...state,
    hasMore: state.next !== null || state.isCut,
    more: () => {
      if (state.loading) return;
      if (state.isCut) anew(state.items.length + limit);
      else if (state.next !== null) read(state.next);
    },
    reload: () => anew(),
    change: (edit) => {
      edits.current?.push(edit);
      setState((now) => {
        if (!now.items) return now;
        return cut({ ...now, items: edit(now.items) });
      });
    },
  };
}

function pageAddress(path, query, limit, cursor) {
  const parts = new URLSearchParams({ limit });
  if (cursor) parts.set("cursor", cursor);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== "" && each !== null && each !== undefined) parts.append(name, each);
  }
  return `${path}?${parts}`;
}

/** Returns every item of a list: all its pages, one after the other. */
export async function readAll(path, query = {}, limit = 500) {
  const items = [];
  let cursor = null;
  do {
    const page = await session.get(pageAddress(path, query, limit, cursor));
    items.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return items;
}

/** How much of a list is here, and the button for more. Says so in words, as no list is cut silently. */
export function More({ pages }) {
  if (!pages.items?.length) return null;
  return html`<div class="more">
    <span class="muted" role="status">${pages.hasMore ? COMMON.loadedSoFar(pages.items.length) : COMMON.loaded(pages.items.length)}</span>
    ${pages.hasMore && html`<button type="button" aria-disabled=${pages.loading} onClick=${pages.more}>${COMMON.more}</button>`}
  </div>`;
}
