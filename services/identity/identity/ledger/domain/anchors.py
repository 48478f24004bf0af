"""Signed statements about the chain: that at some time an entry had this hash (`seal`), or was the last one dropped (`cut`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from identity.ledger.domain.entries import VERSION, canonical, instant

FOLDER = "audit"
"""Object storage has every copy below it, each tenant's in a folder of its own."""


class AnchorKind(StrEnum):
    """What an anchor says. Signed along, so that a seal cannot pass for the end of what retention dropped."""

    SEAL = "seal"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Signed with a key that is not in the database."""

    tenant_id: UUID
    seq: int
    kind: str
    """An `AnchorKind`, or what else a row holds: its signature is wrong then."""
    anchored_at: datetime
    hash: str
    kid: str
    signature: str = ""
    """Ed25519 over `signed_bytes`, in hex."""

    def plain(self) -> dict[str, object]:
        """What is signed, as JSON knows it."""
        return {
            "version": VERSION,
            "tenant_id": str(self.tenant_id),
            "seq": self.seq,
            "kind": str(self.kind),
            "anchored_at": instant(self.anchored_at),
            "hash": self.hash,
            "kid": self.kid,
        }

    def signed_bytes(self) -> bytes:
        """Canonical, as an entry's."""
        return canonical(self.plain())

    def signed(self, sign: Callable[[bytes], str]) -> Anchor:
        """The same with its signature."""
        return replace(self, signature=sign(self.signed_bytes()))

    def copy(self, public_key: str | None) -> bytes:
        """What object storage keeps: enough to check it by itself."""
        return canonical({**self.plain(), "signature": self.signature, "public_key": public_key}) + b"\n"

    @property
    def object_key(self) -> str:
        """Where object storage keeps its copy."""
        suffix = "" if self.kind == AnchorKind.SEAL else ".cut"
        return f"{FOLDER}/{self.tenant_id}/{self.anchored_at:%Y/%m/%d}/{self.seq}{suffix}.json"
