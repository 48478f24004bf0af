// The settings of a city: read, and changed in part, with the tag that every change has to name, so that nobody undoes another's change without seeing it.

import { me, session } from "../shell/state.js";
import { toast } from "../shell/toasts.js";
import { CITY } from "../texts/pt-BR/city.js";
import { useAgain } from "./again.js";
import { useEffect, useState } from "./html.js";

/**
 * Returns {settings, tenant, problem, read, change}; a reading that fails for trouble that passes is tried again. `change(part)` sends a
 * part of the settings; after another's change it reads anew and throws, and what is on the screen is then the other's.
 */
export function useSettings(id) {
  const [state, setState] = useState({ settings: null, etag: null, tenant: null, problem: null });
  const path = `/tenants/${id}/settings`;
  const again = useAgain();
  const read = async () => {
    try {
      const [{ value, etag }, tenant] = await Promise.all([session.read(path), session.get(`/tenants/${id}`)]);
      setState({ settings: value, etag, tenant, problem: null });
      again(null);
    } catch (problem) {
      setState((before) => ({ ...before, problem }));
      again(problem, read);
    }
  };
  useEffect(() => void read(), [id]);
  const change = async (part) => {
    try {
      const { value, etag } = await session.change(path, part, state.etag);
      setState((before) => ({ ...before, settings: value, etag }));
    } catch (problem) {
      if (problem.status === 412) await read();
      throw problem;
    }
    toast(CITY.saved);
    // The header, the dates and the ceilings follow; where this fails they follow later.
    const [user, tenant] = await Promise.allSettled([session.get("/users/me"), session.get(`/tenants/${id}`)]);
    if (user.status === "fulfilled" && me.value) me.value = user.value;
    if (tenant.status === "fulfilled") setState((before) => ({ ...before, tenant: tenant.value }));
  };
  return { ...state, read, change };
}
