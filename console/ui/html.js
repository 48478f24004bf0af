// The one place that knows the view libraries: every component takes `html`, the hooks and the signals from here.

import htm from "../vendor/htm-3.1.1.mjs";
import { Component as PreactComponent, Fragment, h, render } from "../vendor/preact-11.2.0.mjs";

export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks-11.2.0.mjs";
export { batch, computed, effect, signal, untracked } from "../vendor/signals-core-1.14.5.mjs";
export { useComputed, useSignal, useSignalEffect } from "../vendor/signals-2.11.4.mjs";
export { Fragment, render };

/** Base of the one component that needs a class: the boundary. */
export const Component = /** @type {any} */ (PreactComponent);

/** Tagged template: html`<p class=${name}>${text}</p>` is a Preact element. Text is always escaped. */
export const html = htm.bind(h);
