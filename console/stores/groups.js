// Groups of cameras, by name. Users and keys that are limited to groups see nothing else.

import { may, me, resyncs, session } from "../shell/state.js";
import { COMMON } from "../texts/pt-BR/common.js";
import { untilRead } from "../ui/again.js";
import { computed, effect, signal, untracked } from "../ui/html.js";
import { readAll } from "../ui/loading.js";
import { inOrder } from "../ui/order.js";

/** The groups {id, name, cameras}, by name; null until they were read. */
export const groups = signal(/** @type {import("../types/cameras").GroupOut[] | null} */ (null));

const byId = computed(() => new Map((groups.value ?? []).map((group) => [group.id, group])));

export async function loadGroups() {
  const all = await readAll("/groups", {}, 200);
  if (me.value) groups.value = all.sort((a, b) => inOrder(a.name, b.name));
}

export async function makeGroup(name, key) {
  const made = await session.post("/groups", { name }, { key });
  await loadGroups();
  return made;
}

export const groupName = (id) => byId.value.get(id)?.name ?? COMMON.unnamedGroup;

effect(() => {
  const isSignedIn = me.value !== null && may("cameras:read");
  void resyncs.value;
  return untracked(() => {
    if (isSignedIn) return untilRead(loadGroups);
    groups.value = null;
    return undefined;
  });
});
