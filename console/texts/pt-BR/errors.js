// The API's error codes as sentences for users: what happened, and what to do.

const WORDS = {
  bad_credentials: "E-mail ou senha incorretos.",
  second_factor_required: "Digite o código do seu aplicativo autenticador.",
  second_factor_invalid: "Código incorreto, vencido ou já usado.",
  second_factor_enabled: "A verificação em duas etapas já está ativada.",
  no_second_factor: "A verificação em duas etapas não está ativada.",
  wrong_password: "A senha atual está incorreta.",
  same_password: "A nova senha precisa ser diferente da atual.",
  weak_password: "Senha fraca: use ao menos 12 caracteres, sem sequências, sem palavras comuns, sem seu e-mail nem o nome da cidade.",
  not_the_same: "As duas senhas novas não são iguais.",
  rate_limited: "Muitas tentativas. Aguarde um pouco e tente de novo.",
  session_revoked: "Sua sessão foi encerrada. Entre de novo.",
  account_disabled: "Esta conta está desativada.",
  city_suspended: "O acesso desta cidade está suspenso. Fale com o administrador da plataforma.",
  missing_scope: "Sua conta não pode fazer isto. Fale com o administrador.",
  forbidden: "Sua conta não pode fazer isto. Fale com o administrador.",
  not_found: "Isto não existe mais, ou não é da sua cidade.",
  conflict: "Já existe um igual.",
  precondition_failed: "Outra pessoa alterou isto ao mesmo tempo. Recarregue e tente de novo.",
  stale_revision: "Outra pessoa alterou isto ao mesmo tempo. Recarregue e tente de novo.",
  limited_to_groups: "Isto é da cidade inteira, e a sua conta está limitada a grupos de câmeras.",
  clips_full: "Os clipes da cidade ocupam todo o espaço que podem. Apague alguns prontos, ou espere que vençam.",
  quota_reached: "A cidade atingiu o seu limite. Fale com o administrador da plataforma.",
  invalid_email: "Este endereço de e-mail não é válido.",
  name_taken: "Já existe outro com este nome.",
  own_account: "Ninguém altera as próprias permissões: peça a outra pessoa com esta permissão.",
  last_admin: "É a última pessoa que administra a cidade inteira. Dê este papel a outra antes.",
  no_channels: "Escolha ao menos um canal para os avisos, ou deixe-os com a política de escalonamento.",
  no_password: "Esta pessoa entra por um serviço externo e não tem senha aqui.",
  email_taken: "Já existe uma pessoa com este e-mail.",
  invalid: "O que foi digitado não é válido. Confira e tente de novo.",
  invalid_plate: "Isto não é uma placa brasileira. Exemplos: ABC-1234, ABC1D23.",
  maintenance: "O sistema está em manutenção e volta em breve.",
  purpose_required: "Informe a finalidade: esta cidade a exige para buscar placas e abrir imagens.",
  purpose_unknown: "A cidade não aceita esta finalidade. Escolha outra, ou tente de novo em instantes.",
  csrf_failed: "Sua sessão mudou em outra aba. Recarregue a página.",
  address_refused: "O endereço leva a uma rede em que câmeras não podem estar.",
};

/** Why a session ended, by the API's reason or by what another tab did. */
const ENDED = {
  logged_out: "Você saiu.",
  other_user: "Outra pessoa entrou neste navegador.",
  ended: "Sua sessão foi encerrada por você em outro lugar, ou por um administrador.",
  disabled: "Sua conta foi desativada. Fale com o administrador.",
  account_disabled: "Sua conta foi desativada. Fale com o administrador.",
  password: "A senha foi trocada. Entre com a nova.",
  second_factor: "Sua verificação em duas etapas foi removida por um administrador. Entre de novo.",
  rights: "Suas permissões mudaram. Entre de novo.",
  reuse: "Sua sessão foi encerrada por segurança. Entre de novo.",
  city_suspended: WORDS.city_suspended,
  expired: "Sua sessão expirou. Entre de novo.",
  session_revoked: "Sua sessão foi encerrada. Entre de novo.",
};

/** Returns one sentence for the user. `more`: words for codes that mean something of its own on one screen. */
export function inWords(problem, more = {}) {
  if (problem?.code && Object.hasOwn(more, problem.code)) return more[problem.code];
  if (problem?.code && Object.hasOwn(WORDS, problem.code)) return WORDS[problem.code];
  if (problem?.status === 403) return WORDS.forbidden;
  if (problem?.status === 429) return WORDS.rate_limited;
  if (problem?.status === 404) return WORDS.not_found;
  if (problem?.status === 422) return WORDS.invalid;
  if (problem?.status === 409) return WORDS.conflict;
  return "O servidor não respondeu. Tente de novo em instantes.";
}

/** Returns why the session ended. */
export const endInWords = (reason) => (Object.hasOwn(ENDED, reason) ? ENDED[reason] : ENDED.session_revoked);
