// The channels of the city, for what names or chooses them.

import { may, session } from "../shell/state.js";
import { BoxesOf } from "./boxes-of.js";
import { html } from "./html.js";
import { useLoaded } from "./loading.js";

/** Returns all channels; the API has no pages of them. */
export const readChannels = async () => (await session.get("/channels")).items;

/** Returns what `useLoaded` gives; the value is null for who may not read channels. */
export const useChannels = (scope = "channels:read") => useLoaded(async () => (may(scope) ? readChannels() : null));

/** Boxes for channels. `chosen`: ids. */
export function ChannelBoxes({ legend, channels, chosen, onChange }) {
  return html`<${BoxesOf} legend=${legend} options=${channels.map(({ channel_id: id, name }) => [id, name])} chosen=${chosen} onChange=${onChange} />`;
}
