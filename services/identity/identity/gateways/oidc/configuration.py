"""How an operator writes a provider down: a TOML or JSON file, or JSON in the variable itself."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator

from gtvision.tenancy import Role
from identity.federation.domain import DEFAULT_ROLES, Provider

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Only signatures with a key pair: with a shared secret, every verifier could make tokens."""

MAX_PROVIDERS = 50
_MAX_FILE_BYTES = 262_144
_MAX_URL = 2_048
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(?:/[!-~]*)?")
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}

Text = Annotated[str, Field(min_length=1, max_length=200)]
ClaimPath = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


def check_url(url: object, *, allow_http: bool = False) -> str:
    """An https address without credentials or fragment; http on loopback where that is allowed. Raises: ValueError."""
    match = _URL.fullmatch(url) if isinstance(url, str) and len(url) <= _MAX_URL else None
    if match is None or set("#\\@") & set(match.string):
        raise ValueError("must be an https address without user, password or fragment")
    if match["scheme"] == "http" and not (allow_http and match["host"] in _LOOPBACK):
        raise ValueError("must be https; http only with allow_http, and only on this machine")
    return match.string


def _issuer(url: str) -> str:
    return check_url(url, allow_http=True)  # the scheme is judged together with allow_http


class ProviderSettings(BaseModel):
    """One provider. Roles, cities and what it may do are all written down: nothing is guessed from what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="In addresses and in the ledger")]
    title: Annotated[str, Field(min_length=1, max_length=80, description="On the console's button: Entrar com ...")]
    issuer: Annotated[str, AfterValidator(_issuer), Field(description="Exactly as the provider's tokens say it")]
    client_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$", description="Ours, at the provider")]
    client_secret: Annotated[
        SecretStr | None, Field(min_length=8, max_length=1_000, description="Empty: a public client, by PKCE alone")
    ] = None
    client_auth: Annotated[Literal["basic", "post"], Field(description="How the secret is shown at the token endpoint")] = "basic"
    scopes: Annotated[tuple[Text, ...], Field(max_length=20, description="Asked for at login, beside openid")] = ("email", "profile")
    audiences: Annotated[tuple[Text, ...], Field(max_length=20, description="`aud` of access tokens to exchange; empty: client_id")] = ()
    authorized_parties: Annotated[tuple[Text, ...], Field(max_length=50, description="`azp` of access tokens; empty: any")] = ()
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1, description="Of its signatures")] = ("RS256",)
    roles_claim: Annotated[ClaimPath, Field(description="Where the outside roles are; dots lead into objects")] = "realm_access.roles"
    roles: Annotated[dict[Text, Role], Field(max_length=200, description="Outside role -> ours; who has none is refused")] = Field(
        default_factory=lambda: dict(DEFAULT_ROLES)
    )
    tenant: Annotated[Text | None, Field(description="Id or name of the one city it speaks for")] = None
    tenant_claim: Annotated[ClaimPath | None, Field(description="Where the outside city is")] = None
    tenants: Annotated[dict[Text, Text], Field(max_length=10_000, description="Outside city -> id or name of ours")] = Field(
        default_factory=dict
    )
    groups_claim: Annotated[ClaimPath | None, Field(description="Ids of camera groups; with it, who has none sees no camera")] = None
    create_users: Annotated[bool, Field(description="Whether a first sign-in makes an account")] = False
    link_verified_email: Annotated[
        bool, Field(description="Whether a verified address may take over a local account, never an admin's")
    ] = False
    session_hours: Annotated[int, Field(ge=1, le=720, description="After this the console asks the provider again, hours")] = 12
    allow_http: Annotated[bool, Field(description="For tests on this machine: http, and only on loopback")] = False
    ca_file: Annotated[Path | None, Field(description="PEM of the authority that signed the provider's certificate")] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        check_url(self.issuer, allow_http=self.allow_http)
        if self.issuer.startswith("http://") is not self.allow_http:
            raise ValueError("allow_http goes with an http issuer, and with no other")
        if (self.tenant is None) is not bool(self.tenant_claim and self.tenants):
            raise ValueError("needs either tenant, or tenant_claim with tenants")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise ValueError("ca_file is not there")
        return self

    def provider(self) -> Provider:
        """How its claims are read."""
        same = {each.name: getattr(self, each.name) for each in fields(Provider) if each.name in type(self).model_fields}
        sets = {"audiences": frozenset(self.audiences), "authorized_parties": frozenset(self.authorized_parties)}
        return Provider(**same | sets, session_lifetime=timedelta(hours=self.session_hours))


_LIST = TypeAdapter(Annotated[tuple[ProviderSettings, ...], Field(max_length=MAX_PROVIDERS)])


def read_providers(text: str) -> tuple[ProviderSettings, ...]:
    """A JSON list, or the path of a file: JSON with such a list, or TOML with a `[[provider]]` each.

    Raises: ValueError, which names the field and never what it holds.
    """
    found = _parse(text.strip())
    try:
        providers = _LIST.validate_python(found)
    except ValidationError as error:
        told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False, include_url=False))
        raise ValueError("; ".join(list(told)[:5])) from None
    for what in ("name", "issuer"):
        if len({getattr(provider, what) for provider in providers}) != len(providers):
            raise ValueError(f"two providers have the same {what}")
    return providers


def _parse(text: str) -> Any:
    if text.startswith("["):
        return _json(text)
    path = Path(text)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ValueError(f"the file of providers is larger than {_MAX_FILE_BYTES} bytes")
        content = path.read_text()
        return tomllib.loads(content).get("provider", []) if path.suffix == ".toml" else _json(content)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the file of providers is no TOML: {error}") from None
    except (OSError, UnicodeDecodeError):
        raise ValueError("is neither a JSON list nor the path of a readable file") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the providers are no valid JSON") from None
