// Words of rules: the list, and what a rule looks for in one sentence.

import { CLASSES } from "./common.js";
import { hoursInWords } from "./when.js";

const number = (count) => count.toLocaleString("pt-BR");
const oneOf = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ou ${words.at(-1)}`);

export const COLOURS = {
  white: "branco", black: "preto", silver: "prata", grey: "cinza", red: "vermelho", blue: "azul", green: "verde", yellow: "amarelo", orange: "laranja", brown: "marrom",
};

export const RULES = {
  title: "Regras",
  why: "Uma regra gera um alerta quando as câmeras detectam o que ela descreve. Simule antes de ligar: a simulação mostra o que ela teria gerado.",
  make: "Nova regra",
  none: "Nenhuma regra ainda. Crie uma, por exemplo para quem cruza uma linha à noite, e simule-a antes de ligar.",
  noneToRead: "A cidade ainda não tem regras. O administrador as cria.",
  caption: "Regras da cidade",
  name: "Nome",
  level: "Gravidade",
  looksFor: "O que procura",
  state: "Situação",
  version: "Versão",
  on: "ligada",
  off: "desligada",
  switchThis: (name) => `Regra ligada: ${name}`,
  isOn: (name) => `Regra “${name}” ligada.`,
  isOff: (name) => `Regra “${name}” desligada.`,
};

/** "30 s", "5 min", "2 h". @param {number} seconds */
export function lasting(seconds) {
  if (seconds >= 3_600 && seconds % 3_600 === 0) return `${number(seconds / 3_600)} h`;
  if (seconds >= 60 && seconds % 60 === 0) return `${number(seconds / 60)} min`;
  return `${number(seconds)} s`;
}

const HOLIDAYS = { only: "só em feriados", never: "menos em feriados" };

function what({ classes, colours, plate }) {
  const object = classes.length ? oneOf(classes.map((name) => CLASSES[name] ?? name)) : "qualquer objeto";
  const colour = colours.length ? ` de cor ${oneOf(colours.map((name) => COLOURS[name] ?? name))}` : "";
  const read = plate === "any" ? " com placa lida" : plate === "none" ? " sem placa lida" : plate ? ` com placa que começa com ${plate}` : "";
  return object + colour + read;
}

function does({ zone, line, dwell_s: dwell }) {
  const stays = dwell ? `fica ${lasting(dwell)} ou mais` : "";
  if (line) return `cruza a linha${line.direction === "any" ? "" : " no sentido da seta"}`;
  if (zone) return stays ? `${stays} na zona desenhada` : "entra na zona desenhada";
  return stays ? `${stays} à vista` : "aparece";
}

function where({ camera_ids: cameras, group_ids: groups }, { cameraName, groupName }) {
  const places = [
    ...(cameras.length > 3 ? [`${number(cameras.length)} câmeras`] : cameras.map(cameraName)),
    ...groups.map((id) => `câmeras do grupo ${groupName(id)}`),
  ].filter(Boolean);
  return places.length ? `em ${oneOf(places)}` : "em qualquer câmera";
}

/** Returns what a rule looks for in one sentence. `names`: {cameraName(id), groupName(id)}. */
export function ruleInWords(condition, names) {
  const { count, min_confidence: confidence, schedule } = condition;
  const more = [
    count && `ao menos ${number(count.at_least)} em ${lasting(count.within_s)}`,
    confidence > 0 && `confiança de ${Math.round(confidence * 100)} % ou mais`,
    schedule && hoursInWords(schedule),
    schedule && HOLIDAYS[schedule.holidays],
  ].filter(Boolean);
  const text = [`${what(condition)} ${does(condition)} ${where(condition, names)}`, ...more].join("; ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
