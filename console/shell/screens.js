// The table of the screens: address, folder, and the scopes of which a user needs one. A screen is loaded when it is opened.

import { may } from "./state.js";
import { match } from "./router.js";

/**
 * In the order of the navigation. `nav`: its place there, null for a screen that others lead to. `home`: roles that begin with it.
 * @type {{path: string, folder: string, needs: string[], nav: string | null, home?: string[]}[]}
 */
export const SCREENS = [
  { path: "/painel", folder: "dashboard", needs: ["streams:read"], nav: "operation", home: ["operator", "admin", "platform_admin", "viewer"] },
  { path: "/mural", folder: "wall", needs: ["live:view"], nav: "operation" },
  { path: "/gravacoes", folder: "recordings", needs: ["recordings:read"], nav: "operation" },
  { path: "/alertas", folder: "alerts", needs: ["alerts:read"], nav: "operation", home: ["partner"] },
  { path: "/alertas/:id", folder: "alerts", needs: ["alerts:read"], nav: null },
  { path: "/placas", folder: "plates", needs: ["plates:search"], nav: "operation" },
  { path: "/cameras", folder: "cameras", needs: ["cameras:read"], nav: "operation" },
  { path: "/cameras/:id", folder: "camera", needs: ["cameras:read"], nav: null },
  { path: "/listas", folder: "watchlists", needs: ["watchlists:read"], nav: "operation" },
  { path: "/listas/:id", folder: "watchlist", needs: ["watchlists:read"], nav: null },
  { path: "/regras", folder: "rules", needs: ["rules:read"], nav: "operation" },
  { path: "/regras/nova", folder: "rule", needs: ["rules:write"], nav: null },
  { path: "/regras/:id", folder: "rule", needs: ["rules:read"], nav: null },
  { path: "/canais", folder: "channels", needs: ["channels:read"], nav: "notices" },
  { path: "/escalonamento", folder: "escalation", needs: ["channels:read"], nav: "notices" },
  { path: "/envios", folder: "deliveries", needs: ["channels:read"], nav: "notices" },
  { path: "/manutencao", folder: "maintenance", needs: ["rules:read"], nav: "notices" },
  { path: "/grupos", folder: "groups", needs: ["cameras:write"], nav: "administration" },
  { path: "/pessoas", folder: "people", needs: ["users:read"], nav: "administration" },
  { path: "/pessoas/:id", folder: "person", needs: ["users:read"], nav: null },
  { path: "/chaves", folder: "keys", needs: ["api-keys:read"], nav: "administration" },
  { path: "/cidade", folder: "city", needs: ["settings:read"], nav: "administration" },
  { path: "/armazenamento", folder: "storage", needs: ["recordings:read"], nav: "administration" },
  { path: "/auditoria", folder: "audit", needs: ["audit:read"], nav: "administration", home: ["auditor"] },
  { path: "/cidades", folder: "cities", needs: ["tenants:read"], nav: "platform" },
  { path: "/conta", folder: "account", needs: [], nav: null },
  { path: "/ajuda", folder: "help", needs: [], nav: null },
];

/** Whether the user may open a screen. One without scopes is everybody's. */
export const isOpen = (screen) => screen.needs.length === 0 || may(...screen.needs);

/** Returns the screen of a path with its parameters, or null: there is none, or it is not this user's. */
export function screenOf(path) {
  for (const screen of SCREENS) {
    const params = match(screen.path, path);
    if (params) return isOpen(screen) ? { screen, params } : null;
  }
  return null;
}

/** Returns the address that a role begins with. */
export function homeOf(role) {
  const home = SCREENS.find((screen) => screen.home?.includes(role) && isOpen(screen));
  return (home ?? SCREENS.find(isOpen)).path;
}

/** Loads a screen: its module (`default` is the component) and the stylesheets that it names. */
export async function load({ folder }) {
  const module = await import(`../screens/${folder}/index.js`);
  await Promise.all((module.styles ?? []).map((name) => style(new URL(`../screens/${folder}/${name}`, import.meta.url).href)));
  return module.default;
}

const styles = new Map();

function style(href) {
  if (!styles.has(href)) {
    styles.set(href, new Promise((resolve) => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
      // Without its stylesheet a screen is plain, but it works.
      link.addEventListener("load", resolve);
      link.addEventListener("error", resolve);
      document.head.append(link);
    }));
  }
  return styles.get(href);
}
