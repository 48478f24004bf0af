// Why a view does not play: a code, for which `texts/pt-BR/player.js` has the words.

/** A view that failed. `status` is the HTTP answer's, where one was the cause; `isFinal` ends the tries. */
export class Failure extends Error {
  /** @param {string} code @param {{status?: number, isFinal?: boolean, text?: string}} [more] */
  constructor(code, { status, isFinal = false, text } = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.isFinal = isFinal;
    /** Words of its own, in place of those of the code. */
    this.text = text;
  }

  /**
   * The failure for an answer of the media server. It says 401 for every refusal, most often of a ticket that was used up.
   * @param {number} status
   */
  static answered(status) {
    if (status === 404) return new Failure("no_signal", { status });
    if (status === 401 || status === 403) return new Failure("refused", { status });
    return new Failure(status >= 500 ? "server" : "not_offered", { status });
  }

  /** The failure that an error of a browser, a library or the API stands for. @param {any} error @returns {Failure} */
  static of(error) {
    if (error instanceof Failure) return error;
    return new Failure(error?.name === "TimeoutError" ? "timeout" : "no_connection");
  }
}
