// The declared purpose ("Finalidade") of searches and views of pictures, where the city has a list of purposes or requires one.
// It belongs to the user who chose it, and is stored for the tab: a reload keeps it, a sign-out removes it.

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

  /** `field` is the label into which the control is put, `word` the element for its error. */
  constructor(field, word, session) {
    this.#field = field;
    this.#word = word;
    this.#session = session;
    field.addEventListener("input", () => this.#chosen());
  }

  /** Reads the city's purposes from the API. Without an answer the last ones stay, and the API refuses a missing purpose. */
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

  /** Whether the city requires a purpose and none is chosen. */
  get isMissing() {
    return this.#required && this.#control !== null && !this.#session.purpose;
  }

  /** Returns whether the refused request would succeed with another purpose, and reads the list again, which may have changed. */
  async mends(problem) {
    if (!CODES.has(problem.code)) return false;
    await this.learn();
    return this.#control !== null;
  }

  /** Shows the error and focuses the control. */
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

  /** Sets the error's text. A hidden error is emptied too, as screen readers read it with the control. */
  #say(words) {
    this.#word.textContent = words;
    this.#word.hidden = !words;
  }
}

/** Returns a select of the city's codes; an input where a purpose is required without a list; else null. */
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
