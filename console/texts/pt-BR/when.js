// Words of days and hours, and of who is told of an alert.

export const WEEK = {
  days: "Dias da semana",
  short: ["seg", "ter", "qua", "qui", "sex", "sáb", "dom"],
  from: "Das",
  to: "Às",
  hint: "Quando o fim vem antes do começo, vai até o dia seguinte; iguais: o dia todo. Hora da cidade.",
};

export const TOLD = {
  title: "Quem é avisado",
  every: "pela política de escalonamento; sem uma, todos os canais que aceitam esta gravidade",
  some: "só estes canais",
  none: "A cidade ainda não tem canais: os alertas aparecem só nesta tela.",
  unread: "Os canais não puderam ser lidos. O que estava escolhido fica como está.",
  off: "desligado",
  gone: "canal removido",
  nobody: "Escolha ao menos um canal.",
};

const DAYS = ["segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"];

/** "segunda a sexta", "sábado e domingo", "todos os dias". @param {number[]} days */
export function daysInWords(days) {
  const sorted = [...new Set(days)].sort((a, b) => a - b);
  if (sorted.length === 7) return "todos os dias";
  const isRun = sorted.length > 2 && sorted.at(-1) - sorted[0] === sorted.length - 1;
  if (isRun) return `${DAYS[sorted[0]]} a ${DAYS[sorted.at(-1)]}`;
  return sorted.map((day) => DAYS[day]).join(", ").replace(/, ([^,]*)$/, " e $1");
}

/** "segunda a sexta, das 22:00 às 06:00 do dia seguinte". */
export function hoursInWords({ days, from, to }) {
  if (from === to) return `${daysInWords(days)}, o dia todo`;
  return `${daysInWords(days)}, das ${from} às ${to}${to < from ? " do dia seguinte" : ""}`;
}
