// Words of live views and their tiles.

export const PLAYER = {
  /** Why a picture does not come, or has ended, by the player's code. @type {Record<string, string>} */
  reasons: {
    no_signal: "câmera sem sinal",
    no_picture: "sem imagem",
    waiting_key_frame: "aguardando quadro-chave",
    timeout: "tempo esgotado",
    stalled: "imagem parada",
    lost: "conexão perdida",
    refused: "acesso recusado pelo servidor de vídeo",
    not_offered: "baixa latência indisponível para esta câmera",
    server: "servidor de vídeo indisponível",
    no_connection: "sem conexão",
    forbidden: "Sem permissão para ver esta câmera",
    audio_only: "A câmera envia somente áudio",
    unplayable: "O navegador não consegue exibir esta câmera",
  },
  connecting: "Conectando…",
  /** Beside the name, where the camera's state says too little. @type {Record<string, string>} */
  briefly: { connecting: "conectando", offline: "sem sinal", unplayable: "sem exibição", forbidden: "sem permissão" },
  disabled: "Câmera desativada",
  unknown: "Aguardando a câmera…",
  lowLatency: "baixa latência",
  /** @param {string} why */
  stable: (why) => (why ? `modo estável: ${why}` : "modo estável"),
  /** @param {string} codecs */
  codec: (codecs) => `Codec não suportado pelo navegador (${codecs})`,
  /** @param {string} name @param {string} state */
  tile: (name, state) => `Câmera ${name}: ${state}`,
  /** @param {number} ms */
  firstFrame: (ms) => `primeira imagem em ${ms} ms`,
  /** @param {string} name */
  remove: (name) => `Tirar ${name} do mural`,
};
