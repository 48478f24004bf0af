// The console as a whole: signed out, changing a password, or a screen in its frame.

import { COMMON } from "../texts/pt-BR/common.js";
import { SHELL } from "../texts/pt-BR/shell.js";
import { Confirmation, dropQuestion } from "../ui/dialog.js";
import { html, signal, useLayoutEffect, useRef, useState } from "../ui/html.js";
import { Skeleton } from "../ui/states.js";
import { titleCount } from "./announce.js";
import { Boundary } from "./boundary.js";
import { Frame } from "./frame.js";
import { Login, PasswordChange } from "./login.js";
import { PurposeQuestion } from "./purpose.js";
import { address, go } from "./router.js";
import { homeOf, load, screenOf } from "./screens.js";
import { enter, leave, me, session } from "./state.js";
import { clearToasts, Toasts } from "./toasts.js";

const AGAIN_MS = 3_000;
/** Reasons after which the person at the screen is, or may be, another one. */
const LEFT = new Set(["logged_out", "other_user"]);

/** "starting", "away" (the server does not answer), "out", "password" or "in". */
const phase = signal("starting");
const ended = signal(null);
/** Who was signed in before, so that the next one does not go on where they were. */
let before = null;

async function entered() {
  ended.value = null;
  if (session.mustChangePassword) {
    phase.value = "password";
    return;
  }
  await enter();
  if (before !== null && before !== me.value.id) go("/", { replace: true });
  phase.value = "in";
}

session.addEventListener("ended", (/** @type {CustomEvent} */ { detail }) => {
  before = me.value?.id ?? before;
  leave();
  dropQuestion();
  clearToasts();
  if (LEFT.has(detail.reason)) go("/", { replace: true }); // an address may say what was looked for
  ended.value = detail.reason;
  phase.value = "out";
});

/** Resumes the session of a page that was reloaded; asks again for as long as the server does not answer. */
export async function start() {
  try {
    if (await session.resume()) await entered();
    else {
      ended.value = session.endedBefore;
      phase.value = "out";
    }
  } catch {
    if (phase.value === "out") return; // it ended meanwhile
    phase.value = "away";
    setTimeout(start, AGAIN_MS);
  }
}

export function App() {
  return html`<${Title} />
    ${phase.value === "starting" && html`<main class="login"><${Skeleton} lines=${4} /></main>`}
    ${phase.value === "away" && html`<main class="login"><p role="alert">${SHELL.serverAway}</p></main>`}
    ${phase.value === "out" && html`<${Login} ended=${ended.value} onEnter=${entered} />`}
    ${phase.value === "password" && html`<${PasswordChange} onEnter=${entered} />`}
    ${phase.value === "in" && html`<${Frame}><${Current} /><//><${Confirmation} /><${PurposeQuestion} />`}
    <${Toasts} />`;
}

const title = signal("");

function Title() {
  document.title = `${titleCount.value}${title.value ? `${title.value} · ` : ""}${COMMON.product}`;
  return null;
}

/** The screen of the present address. The focus goes to the content when the address changes, not when data does. */
function Current() {
  const { path, query } = address.value;
  const found = screenOf(path);
  const folder = found?.screen.folder ?? null;
  const [shown, setShown] = useState({ folder: null, Screen: null, problem: null });
  const isFirst = useRef(true);
  const wanted = useRef(null);
  wanted.current = folder;
  // An answer that comes after the user has gone on is dropped.
  const read = () => load(found.screen).then(
    (Screen) => wanted.current === folder && setShown({ folder, Screen, problem: null }),
    (problem) => wanted.current === folder && setShown({ folder, Screen: null, problem }),
  );
  useLayoutEffect(() => {
    if (path === "/") go(homeOf(me.value.role), { replace: true });
  }, [path]);
  // Before the next frame, as the next key may be there already. What a screen puts the focus on comes later: it is not loaded yet.
  useLayoutEffect(() => {
    title.value = SHELL.screens[folder] ?? "";
    if (!isFirst.current) document.getElementById("content").focus({ preventScroll: true });
    isFirst.current = false;
    if (found && shown.folder !== folder) read();
  }, [folder]);
  if (path === "/") return null;
  if (!found) return html`<section class="screen"><h1>${SHELL.notYours}</h1><p><a class="button" href="/">${SHELL.goHome}</a></p></section>`;
  if (shown.folder !== folder) return html`<section class="screen"><h1>${SHELL.screens[folder]}</h1><${Skeleton} /></section>`;
  if (shown.problem) {
    return html`<section class="screen"><h1>${SHELL.screens[folder]}</h1>
      <p class="error" role="alert">${SHELL.screenFailed}</p><button type="button" onClick=${() => location.reload()}>${COMMON.retry}</button></section>`;
  }
  const { Screen } = shown;
  return html`<${Boundary} key=${folder}><${Screen} params=${found.params} query=${query} /><//>`;
}
