// Plate reads in one shape, wherever they come from: the search, the list of detections, the live link.

import { listen } from "../../shell/state.js";
import { useEffect, useRef, useState } from "../../ui/html.js";

const FLUSH_MS = 2_000;
/** More than so many in one go can't be followed by eye: they wait until they are asked for. */
const CALM = 8;
const MOST_WAITING = 500;
const MOST_FOLLOWED = 200;

/** Returns a read as the screen shows it. */
export const readOf = (item) => ({
  id: item.detection_id,
  camera: item.camera_id,
  at: item.captured_at,
  plate: item.plate,
  confidence: item.plate_confidence ?? item.confidence,
  alternates: item.alternates ?? item.plate_alternates ?? [],
  vehicle: item.object_class ?? null,
  box: item.box,
  plateBox: item.plate_box,
  // A live read does not say whether its picture was kept: it is asked for, and the answer says so.
  hasPicture: item.evidence_key !== null,
});

export const picturePath = (read, what) => `/detections/${read.id}/${what}?captured_at=${encodeURIComponent(read.at)}`;

/** The frames around what was seen; one where the object is the plate itself. */
export function boxesOf(read, label) {
  const plate = read.plateBox ?? (read.vehicle === "plate" ? read.box : null);
  const isSame = plate && String(plate) === String(read.box);
  return [
    ...(read.box && !isSame ? [{ box: read.box, kind: "object" }] : []),
    ...(plate ? [{ box: plate, kind: "plate", label }] : []),
  ];
}

/** Likely other readings, best first. */
export const likely = (read, least = 0.01) => read.alternates.filter(([, share]) => share >= least);

/**
 * Reads that came over the live link since the list was read. They join the list by themselves only where that moves nothing that
 * somebody looks at (`isFree()` says so); else they wait. Each is `isUnasked` until the user asks for it: no search has listed it, so its
 * picture would be on record as viewed by a user who has only left the page open.
 * Returns {fresh, waiting, isOverfull, show, opened, forget}.
 */
export function useLiveReads({ isOn, cameras, isFree }) {
  const [state, setState] = useState({ fresh: [], waiting: [], isOverfull: false });
  const free = useRef(isFree);
  free.current = isFree;
  const wanted = cameras.join();
  useEffect(() => {
    setState({ fresh: [], waiting: [], isOverfull: false });
    if (!isOn) return undefined;
    let arrived = [];
    const end = listen("detection", (frame) => {
      if (wanted && !wanted.includes(frame.camera_id)) return;
      arrived.push(...frame.objects.filter((object) => object.plate).map((object) => ({ ...readOf(object), isUnasked: true })));
    });
    const timer = setInterval(() => {
      if (!arrived.length) return;
      const batch = arrived;
      arrived = [];
      setState((now) => received(now, batch, batch.length <= CALM && free.current()));
    }, FLUSH_MS);
    return () => {
      end();
      clearInterval(timer);
    };
  }, [isOn, wanted]);
  return {
    ...state,
    show: () => setState((now) => ({ fresh: newestFirst([...now.waiting.map(asked), ...now.fresh]), waiting: [], isOverfull: false })),
    opened: (id) => setState((now) => ({ ...now, fresh: now.fresh.map((read) => (read.id === id ? asked(read) : read)) })),
    forget: () => setState({ fresh: [], waiting: [], isOverfull: false }),
  };
}

const asked = (read) => ({ ...read, isUnasked: false });

function received(now, batch, joins) {
  const waiting = newestFirst([...batch, ...now.waiting]);
  if (joins && !now.isOverfull && waiting.length <= CALM && now.fresh.length < MOST_FOLLOWED) {
    return { ...now, fresh: newestFirst([...waiting, ...now.fresh]), waiting: [] };
  }
  return { ...now, waiting: waiting.slice(0, MOST_WAITING), isOverfull: now.isOverfull || waiting.length > MOST_WAITING };
}

const newestFirst = (reads) => [...new Map(reads.map((read) => [read.id, read])).values()].sort((a, b) => b.at.localeCompare(a.at));
