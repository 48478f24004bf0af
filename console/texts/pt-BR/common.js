// Words that every screen uses.

export const COMMON = {
  product: "GT-Vision",
  loading: "Carregando…",
  retry: "Tentar de novo",
  save: "Salvar",
  cancel: "Cancelar",
  close: "Fechar",
  remove: "Remover",
  edit: "Editar",
  add: "Adicionar",
  search: "Buscar",
  clear: "Limpar",
  all: "Todas",
  none: "Nenhum",
  more: "Carregar mais",
  loaded: (count) => (count === 1 ? "1 item" : `${count.toLocaleString("pt-BR")} itens`),
  loadedSoFar: (count) => `${count.toLocaleString("pt-BR")} carregados; há mais`,
  end: "Fim da lista",
  dismiss: "Dispensar este aviso",
  copied: "Copiado.",
  copy: "Copiar",
  copyThis: (what) => `Copiar: ${what}`,
  copyByKeys: "O navegador não deixou copiar. O texto está selecionado: use Ctrl+C.",
  changedElsewhere: "Outra pessoa alterou isto enquanto você editava. Os dados foram recarregados: confira e salve de novo.",
  noPicture: "A imagem não está mais guardada.",
  pictureFailed: "A imagem não pôde ser carregada.",
  zoomIn: "Aumentar",
  zoomOut: "Diminuir",
  lastHour: "Última hora",
  lastDay: "24 horas",
  lastWeek: "7 dias",
  anyTime: "Todo o período",
  from: "De",
  to: "Até",
  period: "Período",
  filters: (count) => (count ? `Filtros (${count})` : "Filtros"),
  camera: "Câmera",
  cameras: "Câmeras",
  allCameras: "Todas as câmeras",
  chosenCameras: (count) => (count === 1 ? "1 câmera" : `${count} câmeras`),
  mostCameras: (count) => `No máximo ${count} câmeras: tire uma para escolher outra.`,
  searchCamera: "Buscar câmera",
  allGroups: "Todos os grupos",
  group: "Grupo",
  noCameras: "Nenhuma câmera encontrada.",
  removedCamera: "câmera removida",
  unnamedGroup: "grupo sem nome",
  groups: "Grupos",
  mayReach: "Câmeras que pode ver",
  onlyGroups: "Só as câmeras destes grupos",
  noCamera: "nenhuma câmera",
  noCameraYet: "Sem nenhum grupo escolhido, não vê câmera alguma.",
  noGroups: "A cidade ainda não tem grupos de câmeras.",
  makeGroup: "Criar um grupo",
  since: (when) => `desde ${when}`,
};

/** What a camera's state and its cause mean, and what to do. */
export const CAMERA_STATES = {
  online: "ao vivo",
  degraded: "com falhas",
  offline: "sem sinal",
  disabled: "desativada",
  unknown: "aguardando",
};

export const CAUSES = {
  unreachable: "a câmera não responde: verifique energia, rede e endereço",
  no_progress: "a câmera responde, mas não envia imagem",
  media_server_down: "o servidor de vídeo está reiniciando",
  disabled: "desativada",
  address_refused: "o endereço leva a uma rede em que câmeras não podem estar",
  address_invalid: "o endereço da câmera não é válido",
  unknown: "causa desconhecida",
};

export const SEVERITIES = { critical: "Crítico", warning: "Atenção", info: "Informação" };

export const ROLES = {
  platform_admin: "Administrador da plataforma",
  admin: "Administrador da cidade",
  operator: "Operador",
  viewer: "Visualizador",
  auditor: "Auditor",
  partner: "Parceiro",
};

export const CLASSES = {
  car: "carro",
  motorcycle: "moto",
  bus: "ônibus",
  truck: "caminhão",
  person: "pessoa",
  plate: "placa",
  vehicle: "veículo",
};
