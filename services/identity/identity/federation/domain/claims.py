"""Reading an outside token's claims: whether they are meant for us, now, and what they mean here. Signatures are checked before. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gtvision.tenancy import Role
from identity.federation.domain.federation import PRECEDENCE, NoRole, NoTenant, OutsidePerson, OutsideTokenRefused, Presented, Provider
from identity.people.domain.users import GROUPS_MAX

SUBJECT_MAX = 255
"""OpenID Connect Core 1.0, 2: `sub` MUST NOT exceed 255 ASCII characters."""


def claimed_issuer(token: str) -> str | None:
    """Whose token this says it is: nobody has checked it yet, it only tells whom to ask. Never raises."""
    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def read_person(provider: Provider, claims: Mapping[str, Any]) -> OutsidePerson:
    """What verified claims mean. Raises: OutsideTokenRefused, NoRole, NoTenant."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX or not subject.isprintable():
        raise OutsideTokenRefused("The provider's token names nobody.")
    email = claims.get("email")
    return OutsidePerson(
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
    """With a claim for it, who has none sees no camera: silence must not widen a right."""
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


def check_claims(provider: Provider, claims: Mapping[str, Any], presented: Presented, now: datetime, nonce: str | None = None) -> None:
    """Issuer, audience, party, times and nonce of a token whose signature was found right. Raises: OutsideTokenRefused."""
    _check_times(claims, now.timestamp())
    meant_for = _texts(claims.get("aud"))
    party = claims.get("azp")
    if claims.get("iss") != provider.issuer:
        raise OutsideTokenRefused("The token is from another issuer.")
    if presented is Presented.ACCESS_TOKEN:
        known = provider.audiences or {provider.client_id}
        right = bool(known & set(meant_for)) and (not provider.authorized_parties or party in provider.authorized_parties)
    else:
        # OpenID Connect Core 1.0, 3.1.3.7: several audiences need an azp, and an azp must be us
        right = provider.client_id in meant_for and (party == provider.client_id if party is not None else len(meant_for) == 1)
    if not right:
        raise OutsideTokenRefused("The token is meant for somebody else.")
    if presented is Presented.LOGIN and (nonce is None or claims.get("nonce") != nonce):
        raise OutsideTokenRefused("The token belongs to another sign-in.")
    if "events" in claims or claims.get("typ") not in {None, "Bearer", "ID", "JWT"}:
        raise OutsideTokenRefused("This kind of token signs nobody in.")  # a logout token, Keycloak's refresh token


_LEEWAY_S = 30
"""Between two machines of two owners; an end is an end."""


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    ends, begins, issued = _instant(claims, "exp"), _instant(claims, "nbf"), _instant(claims, "iat")
    if ends is None or issued is None or now >= ends:
        raise OutsideTokenRefused("The token has expired, or says nothing of its times.")
    if issued > now + _LEEWAY_S or (begins is not None and begins > now + _LEEWAY_S):
        raise OutsideTokenRefused("The token is not valid yet.")


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise OutsideTokenRefused("The token's times are not readable.")
    return float(value)
