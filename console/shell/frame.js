// The frame around the screens: navigation of what the user may open, and the header with plate search, link, sound and account.

import { SHELL } from "../texts/pt-BR/shell.js";
import { html, useEffect, useSignal } from "../ui/html.js";
import { openCounts } from "../stores/alerts.js";
import { Banner, SoundButton } from "./announce.js";
import { CityName } from "./city.js";
import { PurposeChoice } from "./purpose.js";
import { address, go, withQuery } from "./router.js";
import { isOpen, SCREENS } from "./screens.js";
import { link, may, me, searches, session } from "./state.js";

export function Frame({ children }) {
  const isMenuOpen = useSignal(false);
  const { path } = address.value;
  useEffect(() => (isMenuOpen.value = false), [path]);
  return html`<div class="shell" data-menu=${isMenuOpen.value}>
    <a class="skip" href="#content" onClick=${skip}>${SHELL.skip}</a>
    <header class="top">
      <button type="button" class="menu" aria-expanded=${isMenuOpen.value} aria-controls="navigation" onClick=${() => (isMenuOpen.value = !isMenuOpen.value)}>
        <span aria-hidden="true">☰</span> ${SHELL.menu}
      </button>
      <${CityName} />
      <${Banner} />
      ${may("plates:search") && html`<${PlateSearch} />`}
      <span class="badge link" data-state=${link.value} role="status" title=${SHELL.linkHint[link.value]}>${SHELL.link[link.value]}</span>
      ${may("alerts:acknowledge") && html`<${SoundButton} />`}
      <${Person} />
    </header>
    <nav id="navigation" class="side" aria-label=${SHELL.navigation}><${Navigation} path=${path} /></nav>
    <main id="content" tabindex="-1">${children}</main>
  </div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}

function Navigation({ path }) {
  return Object.entries(SHELL.groups).map(([group, title]) => {
    const screens = SCREENS.filter((screen) => screen.nav === group && isOpen(screen));
    if (!screens.length) return null;
    return html`<section key=${group} aria-label=${title}>
      <h2>${title}</h2>
      <ul>${screens.map((screen) => html`<li key=${screen.path}>
        <a href=${screen.path} aria-current=${path === screen.path || path.startsWith(`${screen.path}/`) ? "page" : undefined}>
          ${SHELL.screens[screen.folder]}${screen.folder === "alerts" && openCounts.value.total > 0 && html` <span class="count">${openCounts.value.total}</span>`}
        </a>
      </li>`)}</ul>
    </section>`;
  });
}

function PlateSearch() {
  const search = (event) => {
    event.preventDefault();
    const plate = event.currentTarget.plate.value.trim();
    if (!plate) return;
    go(withQuery("/placas", { plate }));
    searches.value += 1;
  };
  return html`<form class="plate-search" role="search" onSubmit=${search}>
    <${PurposeChoice} />
    <label class="visually-hidden" for="plate-search">${SHELL.plateSearch}</label>
    <input id="plate-search" name="plate" placeholder=${SHELL.platePlaceholder} maxlength="10" autocomplete="off" autocapitalize="characters" spellcheck=${false} />
    <button type="submit" aria-label=${SHELL.plateSearch}>${SHELL.plateButton}</button>
  </form>`;
}

function Person() {
  return html`<div class="person">
    <a class="button" href="/conta" title=${me.value.email ?? ""}>${me.value.name || SHELL.account}</a>
    <a class="button round" href="/ajuda" aria-label=${SHELL.help} title=${SHELL.help}>?</a>
    <button type="button" onClick=${() => session.logout().catch(() => {})}>${SHELL.logout}</button>
  </div>`;
}
