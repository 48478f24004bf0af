// Starts the console.

import { html, render } from "../ui/html.js";
import { followGestures } from "./announce.js";
import { App, start } from "./app.js";
import { keepFocus } from "./focus.js";
import { followLinks } from "./router.js";
import { followKeys } from "./shortcuts.js";
import "./theme.js";
import "./troubles.js";

followLinks();
followKeys();
followGestures();
keepFocus();
render(html`<${App} />`, document.getElementById("console"));
start();
