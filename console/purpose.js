// The declared purpose ("Finalidade"): what a search or a look at a picture is for, where the city has a list or wants to know.
// It is the person's who chose it, and is remembered as long as the tab is: a reload keeps it, a sign-out does not.

import { forget, recall, remember } from "./memory.js";
import { inWords } from "./messages.js";

const KEPT = "gtvision.purpose";
const CODE = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const CODES = new Set(["purpose_required", "purpose_unknown"]);

export class Purpose {
  #field;
  #word;
  #session;
  #control = null;
  #user = null;
  #required = false;
  #asked = 0;

  /** `field` is the label that takes the control, `word` says what is wrong with it. */
  constructor(field, word, session) {
    this.#field = field;
    this.#word = word;
    this.#session = session;
    field.addEventListener("input", () => this.#chosen());
  }

  /** Ask what the city wants; without an answer the last one counts, and the API says so when it wants more. */
  async learn() {
    const asked = (this.#asked += 1);
    const me = await this.#session.get("/users/me").catch(() => null);
    if (me && asked === this.#asked) this.#show(me);
  }

  forget() {
    this.#asked += 1;
    this.#control?.remove();
    this.#control = null;
    this.#session.purpose = "";
    forget("sessionStorage", KEPT);
    this.#field.hidden = true;
    this.#say("");
  }

  /** Whether the city wants one and there is none. */
  get isMissing() {
    return this.#required && this.#control !== null && !this.#session.purpose;
  }

  /** Whether a refused request can be mended by choosing here. The city may have changed its list meanwhile. */
  async mends(problem) {
    if (!CODES.has(problem.code)) return false;
    await this.learn();
    return this.#control !== null;
  }

  /** Say what is wrong, and lead there. */
  ask(problem) {
    this.#say(inWords(problem));
    this.#control.setAttribute("aria-invalid", "true");
    this.#control.focus();
  }

  #show({ id, purposes = [], purpose_required: required = false }) {
    this.#user = id;
    this.#required = required;
    this.#control?.remove();
    this.#control = control(purposes, required);
    this.#field.hidden = this.#control === null;
    this.#field.querySelector(".required").hidden = !required;
    this.#say("");
    this.#session.purpose = "";
    if (this.#control === null) return;
    this.#control.setAttribute("aria-describedby", this.#word.id);
    this.#control.setAttribute("aria-required", String(required));
    this.#field.append(this.#control);
    const kept = recall("sessionStorage", KEPT);
    if (kept?.user !== id || (purposes.length && !purposes.includes(kept.code))) return;
    this.#control.value = this.#session.purpose = kept.code;
  }

  #chosen() {
    const code = this.#control.value.trim().toLowerCase();
    this.#session.purpose = CODE.test(code) ? code : "";
    remember("sessionStorage", KEPT, { user: this.#user, code: this.#session.purpose });
    this.#say("");
    this.#control.removeAttribute("aria-invalid");
  }

  /** What is hidden still describes the control to a screen reader: no old words stay there. */
  #say(words) {
    this.#word.textContent = words;
    this.#word.hidden = !words;
  }
}

/** A choice of the city's codes; a field where it wants one and lists none; nothing where it wants nothing. */
function control(codes, required) {
  if (codes.length) {
    const select = document.createElement("select");
    select.append(new Option(required ? "Escolha…" : "Sem finalidade", ""), ...codes.map((code) => new Option(code, code)));
    return select;
  }
  if (!required) return null;
  const input = document.createElement("input");
  Object.assign(input, { placeholder: "ex.: investigacao", maxLength: 40, autocomplete: "off", spellcheck: false });
  return input;
}
