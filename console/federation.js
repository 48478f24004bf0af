// Signing in through outside identity providers: a button for each, and the error of a failed sign-in.

const PROVIDERS = "/api/v1/auth/oidc";
const WENT_WRONG = {
  oidc_no_role: "Sua conta não tem um papel no GT-Vision. Fale com o administrador.",
  oidc_no_tenant: "Sua conta não pertence a uma cidade cadastrada. Fale com o administrador.",
  oidc_no_account: "Você ainda não tem uma conta no GT-Vision. Fale com o administrador.",
  oidc_no_email: "Sua conta não informa um e-mail. Fale com o administrador.",
  oidc_email_in_use: "Já existe uma conta com este e-mail. Fale com o administrador.",
  quota_reached: "A cidade já tem todos os usuários que pode ter. Fale com o administrador.",
  account_disabled: "Esta conta está desativada.",
  oidc_login_refused: "A entrada foi cancelada ou recusada.",
  oidc_state_unknown: "A entrada demorou demais ou já foi usada. Tente de novo.",
  oidc_unavailable: "O serviço de entrada não respondeu. Tente de novo em instantes.",
  rate_limited: "Muitas tentativas. Aguarde um pouco e tente de novo.",
};

/** Fills `place` with a button for each provider, if there are any, and shows in `error` why the last sign-in failed. */
export async function offerProviders(place, error) {
  const here = new URL(location.href);
  const failed = here.searchParams.get("login_error");
  if (failed !== null) {
    here.searchParams.delete("login_error");
    history.replaceState(null, "", here);
    error.textContent = Object.hasOwn(WENT_WRONG, failed) ? WENT_WRONG[failed] : "Não foi possível entrar. Tente de novo.";
    error.hidden = false;
  }
  const known = await fetch(PROVIDERS, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15_000) })
    .then((answer) => (answer.ok ? answer.json() : { providers: [] }))
    .catch(() => ({ providers: [] })); // signing in with a password still works
  const back = here.pathname + here.search + here.hash;
  place.replaceChildren(...known.providers.map((provider) => button(provider, back)));
  place.hidden = known.providers.length === 0;
}

function button(provider, back) {
  const link = document.createElement("a");
  link.className = "button";
  link.href = `${PROVIDERS}/${encodeURIComponent(provider.name)}/start?return_to=${encodeURIComponent(back)}`;
  link.textContent = `Entrar com ${provider.title}`;
  return link;
}
