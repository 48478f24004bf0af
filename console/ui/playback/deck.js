// Up to four recordings in step: one clock, which one of them leads. The others follow it; one that has no recording waits for it.

const LOOK_MS = 100;
/** How far one may be from the clock, in ms of its speed: then it is moved there. */
const FAR_MS = 1_200;
/** One that is ahead by more waits. */
const AHEAD_MS = 350;
/** Paused, a picture stands at the instant of the others. */
const EXACT_MS = 60;
const CORRECTION = 0.25;
/** Less is not loaded at the end of what is written so far: the picture would stop each second. */
const LITTLE_MS = 4_000;
/** Between two questions for what should be there and is not yet; each time that nothing comes it is twice as long, up to the longest. */
const AGAIN_MS = 3_000;
const LONGEST_MS = 60_000;
const FRAME_MS = 40;
/** How far a picture may be from the clock while it is not known what was recorded. */
const UNKNOWN_MS = 5_000;

/**
 * Events: `changed`, after anything that can be read has; `skipped` with {from, to} when a gap was left out.
 * `what(id, at)`: what there is of a camera at an instant (`whatAt`), null while that is not known.
 */
export class Deck extends EventTarget {
  /** @type {Map<string, import("./recorded.js").Recorded>} */
  #players = new Map();
  /** @type {string | null} */
  #leader = null;
  #timer = null;
  #instant;
  /** {until, ms, wasEmpty}: until when each waits before it is loaded again, by `performance.now()`; `ms`: its last wait since it was found empty. */
  #waits = new Map();
  rate = 1;
  isPlaying = false;
  /** Whether all that was recorded has been shown, and more is awaited. */
  isAtEnd = false;
  /** @type {(id: string, at: number) => import("../timeline/spans.js").What | null} */
  what = () => null;

  /** @param {number} instant */
  constructor(instant) {
    super();
    this.#instant = instant;
  }

  get instant() {
    return this.#instant;
  }

  /** The camera that leads. */
  get leader() {
    return this.#leader;
  }

  /** Begins to look after the players; returns what ends it. */
  start() {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    return () => clearInterval(this.#timer);
  }

  add(id, player) {
    this.#players.set(id, player);
    if (this.what(id, this.#instant)?.isRecorded !== false) player.show(this.#instant);
    this.#tell();
  }

  remove(id) {
    this.#players.delete(id);
    if (this.#leader === id) this.#leader = null;
  }

  play() {
    this.isPlaying = true;
    this.#waits.clear();
    this.#look();
    this.#tell();
  }

  pause() {
    this.isPlaying = false;
    this.#look();
    this.#tell();
  }

  setRate(rate) {
    this.rate = rate;
    this.#look();
    this.#tell();
  }

  /** One picture on (1) or back (-1). */
  step(direction) {
    this.pause();
    const player = this.#players.get(this.#leader);
    this.seek(this.#instant + direction * (player?.frameMs ?? FRAME_MS));
  }

  /** Goes to an instant with all of them. */
  seek(instant) {
    this.#instant = Math.min(Math.round(instant), Date.now());
    this.isAtEnd = false;
    this.#waits.clear();
    for (const [id, player] of this.#players) {
      if (this.what(id, this.#instant)?.isRecorded === false) player.pause();
      else player.show(this.#instant);
    }
    this.#tell();
  }

  #look() {
    if (this.#players.size === 0) return;
    const known = [...this.#players].map(([id, player]) => ({ id, player, what: this.what(id, this.#instant) }));
    const here = known.filter(({ what }) => what?.isRecorded !== false);
    if (here.length === 0) this.#skip(known);
    else this.#lead(here);
    for (const each of known) this.#follow(each, here.includes(each));
  }

  /** Takes the time from the one that leads: as long as it can, the same. */
  #lead(here) {
    const leads = here.find(({ id }) => id === this.#leader) ?? here.find(({ player }) => player.isFlowing) ?? here[0];
    this.#leader = leads.id;
    const isDone = ({ player, what }) => player.isAtEdge || (what === null && ["over", "empty"].includes(player.status));
    this.#end(here.every(isDone));
    const shown = leads.player.instant;
    if (shown === null || Math.abs(shown - this.#instant) < 1) return;
    if (leads.what === null && Math.abs(shown - this.#instant) > UNKNOWN_MS * Math.max(1, this.rate)) return;
    const until = leads.what?.until ?? Infinity;
    // What it shows beyond the end of its recording is what comes after the gap, which others may have.
    this.#move(shown >= until ? until : shown);
  }

  #end(isAtEnd) {
    if (isAtEnd === this.isAtEnd) return;
    this.isAtEnd = isAtEnd;
    this.#tell();
  }

  /** None of them has a recording here: while they play, on to the first that has one. What only off-site copies hold is not passed over. */
  #skip(known) {
    const begins = known.map(({ what }) => what.next).filter((next) => next !== null);
    const isAway = known.some(({ what }) => what.archived !== null);
    this.#end(begins.length === 0 && !isAway);
    if (this.isAtEnd || !this.isPlaying) return;
    if (isAway) return this.pause(); // there is something, for which somebody may ask
    const from = this.#instant;
    const to = Math.min(...begins);
    this.#move(to);
    for (const [id, player] of this.#players) {
      const shown = player.instant;
      const isThere = shown !== null && shown >= to && shown - to < FAR_MS * Math.max(1, this.rate); // the video has gone over the gap by itself
      if (!isThere && this.what(id, to)?.isRecorded) player.show(to);
    }
    this.dispatchEvent(new CustomEvent("skipped", { detail: { from, to, gap: known[0].what.gap } }));
  }

  #follow({ id, player, what }, isHere) {
    if (!isHere) return player.pause();
    if (["idle", "empty", "over"].includes(player.status)) return what && this.#load(id, player, what);
    const shown = player.instant;
    if (shown === null) return this.isPlaying ? player.play(this.rate) : player.pause();
    if (this.#waits.get(id)?.until <= performance.now()) this.#waits.delete(id); // its picture has lasted
    const ahead = shown - this.#instant;
    const speed = Math.max(1, this.rate);
    const isLeading = id === this.#leader;
    if (!this.isPlaying) {
      player.pause();
      if (!isLeading && Math.abs(ahead) > EXACT_MS) player.show(this.#instant);
    } else if (isLeading) player.play(this.rate);
    else if (Math.abs(ahead) > FAR_MS * speed) player.show(this.#instant);
    else if (ahead > AHEAD_MS * speed) player.pause();
    else player.play(this.rate * (1 - Math.min(Math.max(ahead / (2_000 * speed), -CORRECTION), CORRECTION)));
  }

  /** Another hour, once there is something in it to play. */
  #load(id, player, { until }) {
    const from = player.status === "over" ? Math.max(player.end, this.#instant) : this.#instant;
    if (until - from < LITTLE_MS && player.status === "over") {
      if (id === this.#leader) this.#move(until);
    } else if (this.#isDue(id, player.status === "empty")) player.show(from);
  }

  /** Whether its time has come. One that is found empty waits from then on: that may have taken long to find out. */
  #isDue(id, isEmpty) {
    const now = performance.now();
    const { until, ms, wasEmpty } = this.#waits.get(id) ?? { until: 0, ms: 0, wasEmpty: false };
    if (isEmpty && !wasEmpty) {
      const next = Math.min(Math.max(2 * ms, AGAIN_MS), LONGEST_MS);
      this.#waits.set(id, { until: now + next, ms: next, wasEmpty: true });
      return false;
    }
    if (now < until) return false;
    this.#waits.set(id, { until: now + AGAIN_MS, ms, wasEmpty: false });
    return true;
  }

  #move(instant) {
    this.#instant = instant;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("changed"));
  }
}
