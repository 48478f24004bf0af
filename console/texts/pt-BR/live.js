// Words of the lists of open alerts and of reads, beside other content.

export const LIVE = {
  newest: "Alertas abertos mais novos",
  noAlerts: "Nenhum alerta aberto.",
  allAlerts: "Ver todos",
  reads: "Últimas placas lidas",
  noReads: "Nenhuma placa lida ainda.",
  waitingReads: (count) => (count === 1 ? "1 nova leitura: mostrar" : `${count} novas leituras: mostrar`),
  waitingAlerts: (count) => (count === 1 ? "1 novo alerta: mostrar" : `${count} novos alertas: mostrar`),
};
