// Words of the help: first steps by role, keys, what the signs mean.

export const HELP = {
  steps: "Primeiros passos",
  missing: "Ainda falta",
  there: (count) => (count === 1 ? "há 1" : `há ${count.toLocaleString("pt-BR")}`),
  keys: "Atalhos de teclado",
  key: "Tecla",
  does: "O que faz",
  keysOff: "Os atalhos estão desligados neste navegador.",
  turnOn: "Ligar em Minha conta",
  signs: "O que os sinais dizem",
  cameraStates: "Estado de uma câmera",
  severities: "Gravidade de um alerta",
  link: "Conexão ao vivo, no alto da tela",
  protocols: "Como o vídeo chega",
  looks: "Aparência",
  looksWhy: "Escura para a sala à noite, clara para a rua de dia. Fica guardada neste navegador.",
  more: "Ainda com dúvida? Fale com o administrador da sua cidade.",
};

/** What each key does. */
export const KEYS_DO = {
  "/": "Vai para a busca de placa",
  "?": "Abre esta ajuda",
  k: "Dá ciente ao alerta crítico que a faixa mostra",
  p: "Abre o painel",
  m: "Abre o mural",
  a: "Abre os alertas",
  b: "Abre a busca de placas",
  c: "Abre as câmeras",
  l: "Abre as listas de placas",
  Espaço: "Nas gravações: reproduz ou pausa",
  "← →": "Nas gravações: volta ou avança 5 segundos; com Shift, 1 minuto",
  "J K L": "Nas gravações: volta 10 segundos, pausa, reproduz (de novo: mais rápido)",
  ", .": "Nas gravações: um quadro para trás ou para a frente",
  "[ ]": "Nas gravações: marca o início e o fim de um trecho",
  "+ −": "Na linha do tempo: aproxima e afasta; PageUp, PageDown, Home e End movem",
  Esc: "Fecha o que está aberto por cima da tela",
};

/** Those of the screen of recordings. */
export const PLAYER_KEYS = new Set(["Espaço", "← →", "J K L", ", .", "[ ]", "+ −"]);

export const STATES_MEAN = {
  online: "Há imagem, agora.",
  degraded: "A câmera envia, mas não é gravada ou não pode ser reproduzida. A causa está ao lado do estado.",
  offline: "Não há imagem. A causa e desde quando estão ao lado do estado.",
  disabled: "Foi desativada por um administrador: não é gravada nem lida.",
  unknown: "Acabou de ser cadastrada ou o sistema acabou de iniciar.",
};

export const SEVERITIES_MEAN = {
  critical: "Faixa vermelha até que alguém dê ciente; para quem pode dar ciente, também som.",
  warning: "Fica na lista de abertos; para quem pode dar ciente, um aviso sonoro.",
  info: "Fica na lista de abertos.",
};

export const LINKS_MEAN = {
  on: "Alertas, leituras e estados chegam na hora.",
  off: "A conexão caiu e está sendo refeita. O que se perder aparece assim que ela voltar.",
  refused: "Seu papel não recebe dados ao vivo.",
};

export const PROTOCOLS = {
  WebRTC: "Baixa latência: menos de um segundo de atraso.",
  HLS: "Modo estável: alguns segundos de atraso. É usado quando a rede não deixa passar o outro; o motivo está no sinal.",
};

/** Steps: what to do, and why. */
export const STEPS = {
  cameras: ["Cadastre a primeira câmera", "O endereço RTSP vem do manual da câmera ou do gravador."],
  groups: ["Crie grupos de câmeras", "Por bairro ou por órgão: pessoas e chaves podem ficar limitadas a eles."],
  watchlists: ["Crie uma lista de placas", "Cada placa vista que está numa lista vira um alerta."],
  channels: ["Conecte um canal", "Telegram, e-mail, webhook e outros: sem um, ninguém é avisado fora desta tela."],
  people: ["Cadastre os operadores", "Cada pessoa com o seu nome: a auditoria diz quem fez o quê."],
  purposes: ["Confira as regras da cidade", "Prazos de guarda, finalidades, limites, logotipo e fuso horário."],
  factor: ["Ative a verificação em duas etapas", "Sua senha sozinha deixa de bastar para quem a descobrir."],
  cities: ["Cadastre as cidades", "Cada uma tem as suas câmeras, pessoas e regras, e não vê as outras."],
  dashboard: ["Comece pelo painel", "O que está fora do ar, o que está aberto, o que foi lido."],
  wall: ["Monte o seu mural", "Escolha as câmeras, arraste-as para o lugar e salve o arranjo."],
  alerts: ["Acompanhe os alertas", "Abra, veja a imagem, dê ciente."],
  plates: ["Procure uma placa", "Inteira ou só o começo, por período e por câmera."],
  audit: ["Leia a auditoria", "Quem fez o quê, quando, de onde e com que finalidade."],
  verify: ["Verifique a cadeia de registros", "Mostra se algum registro foi alterado, removido ou inserido depois."],
  sound: ["Confira o som", "O navegador só toca som depois do primeiro clique na página."],
};
