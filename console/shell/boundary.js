// What one screen throws takes that screen away, not the page: navigation, banner and link stay.

import { COMMON } from "../texts/pt-BR/common.js";
import { SHELL } from "../texts/pt-BR/shell.js";
import { Component, html } from "../ui/html.js";

export class Boundary extends Component {
  state = { error: null };

  componentDidCatch(error) {
    this.setState({ error });
    reportError(error); // the browser's console and error events hear of it all the same
  }

  render() {
    const { error } = this.state;
    if (!error) return /** @type {any} */ (this.props).children;
    return html`<section class="screen">
      <h1>${SHELL.screenFailed}</h1>
      <div class="actions">
        <button type="button" onClick=${() => this.setState({ error: null })}>${COMMON.retry}</button>
        <a class="button" href="/">${SHELL.goHome}</a>
      </div>
    </section>`;
  }
}
