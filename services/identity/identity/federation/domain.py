"""Sign-in through outside OpenID providers: whom a provider may speak for, and what the claims of its tokens mean here. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, Invalid, Unauthenticated
from gtvision.tenancy import Role
from identity.keys.domain import GROUPS_MAX
from identity.people.domain.users import User

LOGIN_LIFETIME = timedelta(minutes=10)
"""From the button to the redirect back: the person types a password and a second factor in between."""

_RETURN_MAX = 500

PRECEDENCE = (Role.PLATFORM_ADMIN, Role.ADMIN, Role.OPERATOR, Role.AUDITOR, Role.VIEWER, Role.PARTNER)
"""A person with several outside roles gets the first of these that one of them maps to."""
DEFAULT_ROLES: Mapping[str, Role] = {str(role): role for role in (Role.ADMIN, Role.OPERATOR, Role.AUDITOR, Role.VIEWER)}
"""Where the operator maps nothing: the same names, but neither the platform's administrator nor a partner."""


class ProviderTokenRefused(Unauthenticated):
    """The provider's token is not acceptable."""

    code = "oidc_token_refused"


class LoginRefused(Forbidden):
    """The provider did not sign this person in."""

    code = "oidc_login_refused"


class LoginStateUnknown(Invalid):
    """This sign-in was not begun here, or too long ago, or was used before."""

    code = "oidc_state_unknown"


class NoRole(Forbidden):
    """The provider gives this person no role that this installation knows."""

    code = "oidc_no_role"


class NoTenant(Forbidden):
    """The provider does not say which city this person belongs to, or it is not known here."""

    code = "oidc_no_tenant"


class NoEmail(Forbidden):
    """The provider gives no usable e-mail address for this person."""

    code = "oidc_no_email"


class NoAccount(Forbidden):
    """This person has no account here, and this provider may not make one."""

    code = "oidc_no_account"


class EmailInUse(Conflict):
    """Another account has this e-mail address; an administrator has to settle which one it is."""

    code = "oidc_email_in_use"


class TokenKind(StrEnum):
    """The kind of a provider's token, which decides the audience that it must have."""

    LOGIN = "login"
    """The ID token of a login through the console: its audience is our client."""
    ID_TOKEN = "id_token"  # noqa: S105
    ACCESS_TOKEN = "access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Provider:
    """One outside issuer, and how its claims are read."""

    name: str
    title: str
    issuer: str
    client_id: str
    audiences: frozenset[str] = frozenset()
    """Audiences of access tokens that may be exchanged; empty: the client itself."""
    authorized_parties: frozenset[str] = frozenset()
    """Clients that may have asked for an access token; empty: any."""
    roles_claim: str = "realm_access.roles"
    roles: Mapping[str, Role] = field(default_factory=lambda: DEFAULT_ROLES)
    tenant: str | None = None
    """Id or name of the one city this provider speaks for."""
    tenant_claim: str | None = None
    tenants: Mapping[str, str] = field(default_factory=dict)
    """Claim's value -> id or name of the city."""
    groups_claim: str | None = None
    create_users: bool = False
    link_verified_email: bool = False
    session_lifetime: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """A person as the provider's claims describe them, in our roles, tenants and groups."""

    issuer: str
    subject: str
    role: Role
    tenant: str
    """Id or name of the city."""
    email: str | None
    email_verified: bool
    camera_groups: frozenset[UUID] | None
    """None where the provider does not decide them."""


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """The account that a provider's subject belongs to."""

    tenant_id: UUID
    account_id: UUID
    issuer: str
    subject: str
    provider: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LoginState:
    """A login that was begun and has not come back. It holds no secret: those are the browser's."""

    provider: str
    browser: str
    """Hash of the cookie that began it."""
    return_to: str


@dataclass(frozen=True, slots=True)
class LoginSecrets:
    """What one sign-in needs, derived from the browser's cookie and the state, so that it is kept nowhere.

    The verifier is PKCE's: an attacker who reads the code or the state from a URL cannot guess it, because the cookie is in no URL.
    """

    browser: str
    nonce: str
    verifier: str

    @classmethod
    def of(cls, cookie: str, state: str) -> LoginSecrets:
        return cls(_digest("browser", cookie), _digest("nonce", cookie, state), _digest("verifier", cookie, state))

    @property
    def challenge(self) -> str:
        """RFC 7636, S256."""
        return b64url(hashlib.sha256(self.verifier.encode()).digest())


def _digest(label: str, *parts: str) -> str:
    return b64url(hashlib.sha256("\n".join((f"gtvision oidc {label}", *parts)).encode()).digest())


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def local_path(text: str | None) -> str:
    """Returns the path inside the console to go back to; `/` for a text that could lead elsewhere. Never raises.

    Browsers read `//host`, `/\\host` and `/<tab>/host` as another host, and some decode before they look.
    """
    wanted = text or "/"
    plain = unquote(unquote(wanted))
    odd = any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in wanted + plain)
    if len(wanted) > _RETURN_MAX or odd or not wanted.isascii() or not wanted.startswith("/"):
        return "/"
    if wanted.startswith(("//", "/api/")) or plain.startswith("//"):
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else wanted


def may_link(provider: Provider, person: ExternalPerson, tenant_id: UUID, account: User) -> bool:
    """Whether a local account with the same address is this person's. An address alone proves nothing, because a user of the provider may
    be able to change it. So only where the operator trusts the provider's addresses, inside one tenant, and never the account of an
    administrator or one with a second factor.
    """
    trusted = provider.link_verified_email and person.email_verified
    ordinary = account.role not in {Role.ADMIN, Role.PLATFORM_ADMIN} and account.second_factor is None and not account.is_disabled
    return trusted and ordinary and account.tenant_id == tenant_id and account.has_password


SUBJECT_MAX = 255
"""OpenID Connect Core 1.0, 2: `sub` MUST NOT exceed 255 ASCII characters."""


def claimed_issuer(token: str) -> str | None:
    """Returns the issuer that a token names, before its signature is checked; None where it is no token. Never raises."""
    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def read_person(provider: Provider, claims: Mapping[str, Any]) -> ExternalPerson:
    """Returns the person that verified claims describe. Raises: ProviderTokenRefused, NoRole, NoTenant."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX or not subject.isprintable():
        raise ProviderTokenRefused("The provider's token names no subject.")
    email = claims.get("email")
    return ExternalPerson(
        issuer=provider.issuer,
        subject=subject,
        role=_role(provider, claims),
        tenant=_tenant(provider, claims),
        email=email if isinstance(email, str) else None,
        email_verified=claims.get("email_verified") is True,
        camera_groups=_groups(provider, claims),
    )


def _role(provider: Provider, claims: Mapping[str, Any]) -> Role:
    found = {provider.roles[name] for name in _texts(claim_at(claims, provider.roles_claim)) if name in provider.roles}
    for role in PRECEDENCE:
        if role in found:
            return role
    raise NoRole


def _tenant(provider: Provider, claims: Mapping[str, Any]) -> str:
    if provider.tenant_claim is None:
        if provider.tenant is None:
            raise NoTenant
        return provider.tenant
    found = {provider.tenants[name] for name in _texts(claim_at(claims, provider.tenant_claim)) if name in provider.tenants}
    if len(found) != 1:  # two cities at once: which one is not ours to guess
        raise NoTenant
    return found.pop()


def _groups(provider: Provider, claims: Mapping[str, Any]) -> frozenset[UUID] | None:
    """Returns the camera groups. A person without the claim that the operator named sees no camera."""
    if provider.groups_claim is None:
        return None
    return frozenset(filter(None, map(_uuid, _texts(claim_at(claims, provider.groups_claim))[:GROUPS_MAX])))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this very name, or else the one that the dots lead to (`realm_access.roles`); None where there is none."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def check_claims(provider: Provider, claims: Mapping[str, Any], presented: TokenKind, now: datetime, nonce: str | None = None) -> None:
    """Issuer, audience, party, times and nonce of a token whose signature was found right. Raises: ProviderTokenRefused."""
    _check_times(claims, now.timestamp())
    meant_for = _texts(claims.get("aud"))
    party = claims.get("azp")
    if claims.get("iss") != provider.issuer:
        raise ProviderTokenRefused("The token is from another issuer.")
    if presented is TokenKind.ACCESS_TOKEN:
        known = provider.audiences or {provider.client_id}
        right = bool(known & set(meant_for)) and (not provider.authorized_parties or party in provider.authorized_parties)
    else:
        # OpenID Connect Core 1.0, 3.1.3.7: several audiences need an azp, and an azp must be us
        right = provider.client_id in meant_for and (party == provider.client_id if party is not None else len(meant_for) == 1)
    if not right:
        raise ProviderTokenRefused("The token is meant for another audience.")
    if presented is TokenKind.LOGIN and (nonce is None or claims.get("nonce") != nonce):
        raise ProviderTokenRefused("The token belongs to another login.")
    if "events" in claims or claims.get("typ") not in {None, "Bearer", "ID", "JWT"}:
        raise ProviderTokenRefused("This kind of token is not for signing in.")  # a logout token, Keycloak's refresh token


_LEEWAY_S = 30
"""Between the clocks of two machines, for `nbf` and `iat`; an end has no leeway."""


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    ends, begins, issued = _instant(claims, "exp"), _instant(claims, "nbf"), _instant(claims, "iat")
    if ends is None or issued is None or now >= ends:
        raise ProviderTokenRefused("The token has expired, or says nothing of its times.")
    if issued > now + _LEEWAY_S or (begins is not None and begins > now + _LEEWAY_S):
        raise ProviderTokenRefused("The token is not valid yet.")


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise ProviderTokenRefused("The token's times are not readable.")
    return float(value)
