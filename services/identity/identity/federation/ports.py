"""What identity needs of outside providers: their word, and a memory of sign-ins that have not come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from identity.federation.domain.federation import ExternalIdentity, LoginSecrets, LoginState, Presented, Provider


class OutsideIssuer(Protocol):
    """One provider. Every method raises Unavailable where it cannot be asked and what is known of it does not suffice."""

    @property
    def provider(self) -> Provider:
        """How its word is taken."""
        ...

    async def login_url(self, state: str, secrets: LoginSecrets, redirect_uri: str) -> str:
        """Where a browser signs in."""
        ...

    async def redeem(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for an authorization code. Raises: LoginRefused."""
        ...

    async def claims_of(self, token: str, presented: Presented, nonce: str | None = None) -> Mapping[str, Any]:
        """What a token says, once its signature, issuer, audience, times and nonce were found right. Raises: OutsideTokenRefused."""
        ...


class LoginStates(Protocol):
    """Sign-ins on their way, for ten minutes each and one return."""

    async def keep(self, state: str, login: LoginState, address: str) -> None:
        """Raises: RateLimited, Unavailable."""
        ...

    async def take(self, state: str) -> LoginState | None:
        """Once. Raises: Unavailable."""
        ...


class ExternalIdentityRows(Protocol):
    """Which account an outside subject is."""

    async def find_external(self, issuer: str, subject: str) -> ExternalIdentity | None:
        """Across tenants."""
        ...

    async def claim_external(self, identity: ExternalIdentity) -> bool:
        """Whether it was added: False where somebody else has it, in whatever tenant."""
        ...

    async def leave_external(self, identity: ExternalIdentity) -> None:
        """Forget the identity, and that the account's address is taken."""
        ...
