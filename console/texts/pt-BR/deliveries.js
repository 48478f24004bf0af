// Words of the log of messages.

export const DELIVERIES = {
  why: "Cada aviso que saiu, ou que ainda tenta sair. Uma falha passageira é tentada de novo por 24 horas.",
  caption: "Envios, do mais novo ao mais antigo",
  channel: "Canal",
  anyChannel: "Todos",
  state: "Situação",
  anyState: "Todas",
  ofOneAlert: "Só os de um alerta.",
  seeAll: "Ver todos",
  none: "Nenhum envio.",
  noneFiltered: "Nenhum envio com estes filtros.",
  clear: "Limpar filtros",
  when: "Quando",
  alert: "Alerta",
  to: "Para",
  notice: "Aviso",
  tries: "Tentativas",
  answer: "Última resposta",
  actions: "Ações",
  nextAt: (when) => `próxima às ${when}`,
  deliveredAt: (when) => `chegou ${when}`,
  digest: "resumo de vários",
  show: "Tentativas",
  showThis: (title) => `Tentativas: ${title}`,
  replay: "Reenviar",
  replayThis: (title) => `Reenviar: ${title}`,
  replayed: "Será enviado de novo agora.",
  noTries: "Ainda não foi tentado.",
  took: (ms) => `${ms.toLocaleString("pt-BR")} ms`,
  at: "Hora",
  outcome: "Resultado",
  time: "Duração",
};

export const STATES = { waiting: "esperando", delivered: "entregue", failed: "falhou", digested: "foi num resumo", held: "em silêncio" };

export const NOTICES = { raised: "aberto", worsened: "agravado", escalated: "escalado", reminder: "lembrete", acknowledged: "ciente", resolved: "encerrado", digest: "resumo", test: "teste" };

export const OUTCOMES = { delivered: "entregue", later: "tentar depois", refused: "recusado" };
