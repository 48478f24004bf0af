// Words of the lists of plates.

import { SEVERITIES } from "./common.js";

const number = (count) => count.toLocaleString("pt-BR");
const plates = (count) => (count === 1 ? "1 placa" : `${number(count)} placas`);

export const WATCHLISTS = {
  title: "Listas de placas",
  why: "Quando uma câmera lê uma placa de uma destas listas, um alerta aparece para os operadores.",
  make: "Nova lista",
  makeIt: "Criar lista",
  none: "Nenhuma lista ainda. Crie uma, por exemplo para veículos furtados, e adicione as placas procuradas.",
  noneToRead: "A cidade ainda não tem listas de placas. O administrador as cria.",
  caption: "Listas de placas da cidade",
  name: "Nome",
  nameExample: "ex.: Veículos furtados",
  severity: "Gravidade dos alertas",
  level: "Gravidade",
  severities: [
    ["critical", `${SEVERITIES.critical}: faixa no alto e som até alguém dar ciente`],
    ["warning", `${SEVERITIES.warning}: aviso com som`],
    ["info", `${SEVERITIES.info}: só aparece na lista de alertas`],
  ],
  enabled: "Lista ligada",
  enabledHint: "Desligada, nenhuma placa dela gera alertas.",
  off: "desligada",
  description: "Descrição",
  legalBasis: "Base legal",
  legalExample: "ex.: convênio com a Polícia Civil, 12/2026",
  plates: "Placas",
  count: plates,
  created: "Criada em",
  actions: "Ações",
  change: "Editar",
  remove: "Remover",
  changeThis: (name) => `Editar a lista ${name}`,
  removeThis: (name) => `Remover a lista ${name}`,
  removeText: (count) => `${count === 0 ? "A lista está vazia." : `A lista será removida com ${plates(count)}, que ${count === 1 ? "deixa" : "deixam"} de ser ${count === 1 ? "vigiada" : "vigiadas"}.`} Os alertas que ela já gerou continuam guardados. Isto não pode ser desfeito.`,
  made: (name) => `Lista ${name} criada.`,
  changed: "Lista alterada.",
  removed: (name) => `Lista ${name} removida.`,
  words: { conflict: "Já existe uma lista com este nome." },
};
