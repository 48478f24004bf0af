"""Sign-in through outside OpenID providers: whom a provider may speak for, and what its claims mean here. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote, urlsplit
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, Invalid, Unauthenticated
from gtvision.tenancy import Role
from identity.people.domain.users import User

LOGIN_LIFETIME = timedelta(minutes=10)
"""From the button to the way back: a person types a password and a second factor in between."""

_RETURN_MAX = 500

PRECEDENCE = (Role.PLATFORM_ADMIN, Role.ADMIN, Role.OPERATOR, Role.AUDITOR, Role.VIEWER, Role.PARTNER)
"""Who has several outside roles gets the first of these that one of them maps to."""
DEFAULT_ROLES: Mapping[str, Role] = {str(role): role for role in (Role.ADMIN, Role.OPERATOR, Role.AUDITOR, Role.VIEWER)}
"""Where the operator maps nothing: the same names. Never the platform's administrator, never a partner."""


class OutsideTokenRefused(Unauthenticated):
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


class AccountDisabled(Forbidden):
    """The account is disabled."""

    code = "account_disabled"


class EmailInUse(Conflict):
    """Another account has this e-mail address; an administrator has to settle which one it is."""

    code = "oidc_email_in_use"


class Presented(StrEnum):
    """What kind of outside token is looked at, which decides whom it must be meant for."""

    LOGIN = "login"
    """The ID token of our own sign-in: meant for our client."""
    ID_TOKEN = "id_token"  # noqa: S105
    ACCESS_TOKEN = "access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Provider:
    """One outside issuer and how its word is taken."""

    name: str
    title: str
    issuer: str
    client_id: str
    audiences: frozenset[str] = frozenset()
    """Whom access tokens may be meant for, to be exchanged; empty: the client itself."""
    authorized_parties: frozenset[str] = frozenset()
    """Which clients may have asked for an access token; empty: whichever the provider gave our audience to."""
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
class OutsidePerson:
    """What a provider says of somebody, in our words."""

    issuer: str
    subject: str
    role: Role
    tenant: str
    """Id or name of the city."""
    email: str | None
    email_verified: bool
    camera_groups: frozenset[UUID] | None
    """None where the provider has no say in it."""


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """Whose account the provider's subject is."""

    tenant_id: UUID
    account_id: UUID
    issuer: str
    subject: str
    provider: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LoginState:
    """A sign-in that was begun and has not come back. Nothing in it opens anything: the secrets are the browser's."""

    provider: str
    browser: str
    """Hash of the cookie that began it."""
    return_to: str


@dataclass(frozen=True, slots=True)
class LoginSecrets:
    """What one sign-in needs, derived from the browser's cookie and the state, so that it is kept nowhere.

    The verifier is PKCE's: unguessable for whoever reads the code or the state from a URL, since the cookie is in none.
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
        return _b64(hashlib.sha256(self.verifier.encode()).digest())


def _digest(label: str, *parts: str) -> str:
    return _b64(hashlib.sha256("\n".join((f"gtvision oidc {label}", *parts)).encode()).digest())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def local_path(text: str | None) -> str:
    """The path inside the console to return to; `/` for whatever could lead elsewhere. Never raises.

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


def may_link(provider: Provider, person: OutsidePerson, tenant_id: UUID, account: User) -> bool:
    """Whether a local account with the same address is this person's. An address alone proves nothing: whoever can write it into a
    provider would own the account. So only where the operator trusts the provider's addresses, inside one city, and never the account
    of an administrator or one that a second factor guards.
    """
    trusted = provider.link_verified_email and person.email_verified
    ordinary = account.role not in {Role.ADMIN, Role.PLATFORM_ADMIN} and account.second_factor is None and not account.is_disabled
    return trusted and ordinary and account.tenant_id == tenant_id and account.has_password
