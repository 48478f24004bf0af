// The API's error codes as sentences for users.

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
  missing_scope: "Sua conta não pode fazer isto. Fale com o administrador.",
  forbidden: "Sua conta não pode fazer isto. Fale com o administrador.",
  invalid: "O que foi digitado não pode ser aceito. Confira e tente de novo.",
  maintenance: "O sistema está em manutenção e volta em breve.",
  purpose_required: "Informe a finalidade: esta cidade a exige para buscar placas e abrir imagens.",
  purpose_unknown: "A cidade não aceita esta finalidade. Escolha outra, ou tente de novo em instantes.",
  csrf_failed: "Sua sessão mudou em outra aba. Recarregue a página.",
};

/** Returns one sentence for the user. */
export function inWords(problem) {
  return Object.hasOwn(WORDS, problem.code) ? WORDS[problem.code] : "O servidor não respondeu. Tente de novo em instantes.";
}
