// "Minha conta": the user's password, second factor and sessions.

import { inWords } from "./messages.js";

const PAGE = 100;
const CLIENTS = { browser: "Navegador", mobile: "Celular", api: "Programa" };

export class Account {
  #dialog;
  #session;

  constructor(dialog, session) {
    this.#dialog = dialog;
    this.#session = session;
    dialog.addEventListener("click", (event) => this.#clicked(event));
    dialog.addEventListener("submit", (event) => this.#submitted(event));
    dialog.addEventListener("close", () => this.#forget());
  }

  async open() {
    this.#dialog.showModal();
    await this.#attempt(() => this.#show());
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  async #show() {
    const me = await this.#session.get("/users/me");
    this.#one(".who").textContent = `${me.name} · ${me.tenant}`;
    this.#factorIs(me.second_factor ? "on" : "off");
    await this.#showSessions();
  }

  async #showSessions() {
    const page = await this.#session.get(`/sessions?limit=${PAGE}`);
    this.#one(".sessions").replaceChildren(...page.items.map((each) => this.#sessionItem(each)));
    this.#one("[data-do=end-others]").hidden = page.items.length < 2;
  }

  #sessionItem(each) {
    const item = document.createElement("li");
    const device = text("span", deviceInWords(each.device) ?? CLIENTS[each.client], "device");
    device.title = each.device ?? "";
    const used = new Date(each.last_used_at).toLocaleString("pt-BR", { dateStyle: "short", timeStyle: "short" });
    item.append(device, text("small", `${CLIENTS[each.client]} · ${each.address ?? "endereço desconhecido"} · ${used}`));
    if (each.current) {
      item.append(text("span", "esta sessão", "badge"));
    } else {
      const button = text("button", "Encerrar");
      button.type = "button";
      button.dataset.do = "end";
      button.dataset.session = each.id;
      item.append(button);
    }
    return item;
  }

  #clicked({ target }) {
    if (target === this.#dialog || target.closest("[data-close]")) return this.close();
    const { do: what, session } = target.dataset;
    if (what === "end") this.#attempt(() => this.#end(`/sessions/${session}`), "Sessão encerrada.");
    if (what === "end-others") this.#attempt(() => this.#end("/sessions"), "Todas as outras sessões foram encerradas.");
    if (what === "codes-kept") this.#factorIs("on");
  }

  async #end(path) {
    await this.#session.delete(path);
    await this.#showSessions();
  }

  async #submitted(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    switch (form.dataset.form) {
      case "password":
        await this.#attempt(() => this.#changePassword(form), "Senha trocada. As outras sessões foram encerradas.");
        break;
      case "start":
        await this.#attempt(() => this.#start(form));
        break;
      case "confirm":
        await this.#attempt(() => this.#confirm(form), "Verificação em duas etapas ativada.");
        break;
      case "disable":
        await this.#attempt(() => this.#disable(form), "Verificação em duas etapas desativada.");
    }
    button.disabled = false;
  }

  async #changePassword(form) {
    if (form.fresh.value !== form.again.value) throw { code: "not_the_same" };
    await this.#session.changePassword(form.current.value, form.fresh.value);
    form.reset();
    await this.#showSessions();
  }

  async #start(form) {
    const started = await this.#session.post("/auth/second-factor", { password: form.current.value });
    form.reset();
    const picture = new DOMParser().parseFromString(started.qr_svg, "image/svg+xml").documentElement;
    this.#one(".qr").replaceChildren(document.importNode(picture, true));
    this.#one(".secret").textContent = started.secret.match(/.{1,4}/g).join(" ");
    this.#factorIs("started");
    this.#one("[data-form=confirm]").code.focus();
  }

  async #confirm(form) {
    const { recovery_codes: codes } = await this.#session.post("/auth/second-factor/confirm", { code: form.code.value });
    this.#forget();
    this.#one(".codes").replaceChildren(...codes.map((code) => text("li", code)));
    this.#factorIs("codes");
  }

  async #disable(form) {
    await this.#session.delete("/auth/second-factor", { password: form.current.value, code: form.code.value });
    form.reset();
    this.#factorIs("off");
  }

  #factorIs(state) {
    for (const section of this.#dialog.querySelectorAll("[data-factor]")) section.hidden = section.dataset.factor !== state;
    if (state !== "codes") this.#one(".codes").replaceChildren();
  }

  /** Clears passwords and codes when the dialog is closed. */
  #forget() {
    for (const form of this.#dialog.querySelectorAll("form")) form.reset();
    this.#one(".qr").replaceChildren();
    this.#one(".secret").textContent = "";
    this.#one(".codes").replaceChildren();
    this.#one(".word").hidden = true;
  }

  async #attempt(action, done = "") {
    const word = this.#one(".word");
    try {
      await action();
      word.textContent = done;
      delete word.dataset.bad;
    } catch (problem) {
      word.textContent = inWords(problem);
      word.dataset.bad = "";
    }
    word.hidden = !word.textContent;
  }

  #one(selector) {
    return this.#dialog.querySelector(selector);
  }
}

const BROWSERS = { Edg: "Edge", OPR: "Opera", SamsungBrowser: "Samsung Internet", Firefox: "Firefox", FxiOS: "Firefox", CriOS: "Chrome", HeadlessChrome: "Chrome", Chrome: "Chrome", Safari: "Safari" };
const SYSTEMS = { Windows: "Windows", Android: "Android", iPhone: "iPhone", iPad: "iPad", CrOS: "ChromeOS", Macintosh: "macOS", Linux: "Linux" };

/** Returns "Chrome · Linux" for a browser's user agent, other names unchanged. The first match counts, as most browsers name Safari too. */
function deviceInWords(device) {
  if (!device?.startsWith("Mozilla/")) return device;
  const browser = Object.keys(BROWSERS).find((name) => device.includes(`${name}/`));
  const system = Object.keys(SYSTEMS).find((name) => device.includes(name));
  return browser ? [BROWSERS[browser], SYSTEMS[system]].filter(Boolean).join(" · ") : device;
}

function text(tag, content, className = "") {
  const node = document.createElement(tag);
  node.textContent = content;
  if (className) node.className = className;
  return node;
}
