// What an administrator is told of the city's channels: one that is out of order reaches nobody, and cannot say so itself.

import { SHELL } from "../texts/pt-BR/shell.js";
import { listen, session } from "./state.js";
import { toast } from "./toasts.js";

listen("system", async ({ kind, channel_id: id, trouble }) => {
  if (kind !== "channel") return;
  const channel = await session.get(`/channels/${id}`).catch(() => null);
  if (!channel) return; // it was removed
  if (trouble) toast(SHELL.channelTrouble(channel.name, channel.trouble?.detail ?? ""), "failed");
  else toast(SHELL.channelWell(channel.name));
});
