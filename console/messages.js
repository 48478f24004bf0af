// What the API's error codes mean to a person.

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
  csrf_failed: "Sua sessão mudou em outra aba. Recarregue a página.",
};

/** One sentence for whoever sits at the screen. */
export function inWords(problem) {
  return Object.hasOwn(WORDS, problem.code) ? WORDS[problem.code] : "O servidor não respondeu. Tente de novo em instantes.";
}
