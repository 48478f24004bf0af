// The names of people by their id, as far as the user may know them.

import { may, me } from "../shell/state.js";
import { ALERTS } from "../texts/pt-BR/alerts.js";
import { readAll, useLoaded } from "./loading.js";
import { inOrder } from "./order.js";

/** Returns {people, who}: `people` are [id, name] by name, none for who may not read them; `who(id)` is a name in words. */
export function usePeople() {
  const read = useLoaded(async () => (may("users:read") ? readAll("/users", {}, 200) : []));
  const people = (read.value ?? []).filter((person) => !person.disabled).map(({ id, name, email }) => /** @type {[string, string]} */ ([id, name || email]));
  const names = new Map((read.value ?? []).map(({ id, name, email }) => [id, name || email]));
  const who = (id) => (id === me.value.id ? ALERTS.you : names.get(id) ?? ALERTS.otherPerson);
  return { people: people.sort(([, one], [, other]) => inOrder(one, other)), who };
}
