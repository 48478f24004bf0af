// Words of the screen of API keys, and what each scope lets a program or a person do.

export const KEYS = {
  why: "Uma chave deixa um sistema externo, como o de outro órgão, ler ou enviar dados em nome da cidade. Ela não pode mais do que você.",
  make: "Nova chave",
  makeIt: "Criar chave",
  name: "Nome",
  nameHint: "Diga quem vai usar a chave, por exemplo: Integração Polícia Militar",
  key: "Chave",
  begins: (text) => `começa com ${text}`,
  installed: "veio com a instalação",
  many: (count) => `${count} permissões`,
  scopes: "Pode",
  reach: "Câmeras",
  expires: "Válida até",
  expiresHint: "No máximo dois anos. A chave vale até o fim desse dia.",
  forever: "sem prazo",
  lastUsed: "Último uso",
  never: "nunca usada",
  from: (address) => `de ${address}`,
  state: "Situação",
  good: "válida",
  revoked: "revogada",
  revokedAt: (when) => `revogada em ${when}`,
  ended: "vencida",
  actions: "Ações",
  revoke: "Revogar",
  revokeThis: (name) => `Revogar a chave ${name}`,
  revokeTitle: (name) => `Revogar a chave ${name}?`,
  revokeText: "O sistema que a usa perde o acesso agora. Isto não pode ser desfeito: para voltar, é preciso criar outra chave.",
  revokeInstalled: "Esta chave veio com a instalação e é usada pelas ferramentas dela, como a linha de comando. Sem ela, elas param, e só a instalação faz outra.",
  revokedNow: "Chave revogada.",
  none: "A cidade ainda não tem chaves de acesso.",
  madeTitle: "Chave criada",
  made: (name) => `A chave “${name}” já funciona.`,
  text: "Texto da chave",
  textHint: "Copie agora: ele não é mostrado de novo. O sistema o troca por um acesso curto em /api/v1/auth/token.",
  done: "Já copiei",
  whatFor: "O que pode fazer",
  atLeastOne: "Escolha ao menos uma coisa que a chave pode fazer.",
  api_key_already_made: "A chave foi criada, mas o texto dela se perdeu no caminho. Revogue-a na lista e crie outra.",
  invalid_expiry: "A validade precisa estar no futuro, e no máximo daqui a dois anos.",
};

/** Scopes by what they are about: [noun, {scope: words}]. */
export const SCOPES = [
  ["Câmeras e vídeo", {
    "cameras:read": "ver a lista de câmeras",
    "cameras:write": "cadastrar, editar e remover câmeras",
    "live:view": "ver ao vivo",
    "recordings:read": "ver gravações",
    "exports:make": "salvar trechos de gravações",
    "holds:read": "ver guardas prolongadas de gravações",
    "holds:write": "registrar e encerrar guardas prolongadas",
    "streams:read": "ver o estado da transmissão e da gravação",
    "streams:control": "reiniciar transmissões",
  }],
  ["Leituras e placas", {
    "detections:read": "receber leituras e fotos",
    "plates:search": "buscar placas",
    "detect:run": "enviar imagens para análise",
    "ai:read": "ver o estado da análise de imagens",
  }],
  ["Alertas e listas", {
    "alerts:read": "ver alertas",
    "alerts:acknowledge": "dar ciente a alertas",
    "watchlists:read": "ver listas de placas",
    "watchlists:write": "criar, editar e remover listas de placas",
  }],
  ["Administração", {
    "users:read": "ver pessoas",
    "users:write": "cadastrar e editar pessoas",
    "api-keys:read": "ver chaves de acesso",
    "api-keys:write": "criar e revogar chaves de acesso",
    "settings:read": "ver as configurações da cidade",
    "settings:write": "alterar as configurações da cidade",
    "audit:read": "ler a auditoria",
    "audit:export": "exportar a auditoria",
    "tenants:read": "ver as cidades da plataforma",
    "tenants:write": "cadastrar e editar cidades",
  }],
];

const WORDS = Object.assign({}, ...SCOPES.map(([, words]) => words));

/** The words of a scope. */
export const scopeInWords = (scope) => WORDS[scope] ?? scope;
