"""Signed statements about the chain: that at some time an entry had this hash (`seal`), or was the last one dropped (`cut`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from identity.ledger.domain.ledger import VERSION, canonical, instant


class AnchorKind(StrEnum):
    """What an anchor says. Signed along, so that a seal cannot pass for the end of what retention dropped."""

    SEAL = "seal"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Signed with a key that is not in the database."""

    tenant_id: UUID
    seq: int
    kind: AnchorKind
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

    @property
    def object_key(self) -> str:
        """Where object storage keeps its copy."""
        suffix = "" if self.kind is AnchorKind.SEAL else ".cut"
        return f"{object_folder(self.tenant_id)}/{self.anchored_at:%Y/%m/%d}/{self.seq}{suffix}.json"


class Signer(Protocol):
    """Keeper of the keys that anchors are signed with."""

    @property
    def kid(self) -> str:
        """The key that signs now."""
        ...

    def sign(self, message: bytes) -> str:
        """In hex."""
        ...

    def signature_is_right(self, kid: str, message: bytes, signature: str) -> bool:
        """False also where the key is not known."""
        ...

    def public_key(self, kid: str) -> str | None:
        """In hex; None where the key is not known."""
        ...


FOLDER = "audit"
"""Every copy lies below it."""


def object_folder(tenant_id: UUID) -> str:
    """Every copy of a tenant's anchors lies below it."""
    return f"{FOLDER}/{tenant_id}"


def copy_of(anchor: Anchor, signer: Signer) -> bytes:
    """What object storage keeps: enough to check it by itself."""
    return canonical({**anchor.plain(), "signature": anchor.signature, "public_key": signer.public_key(anchor.kid)}) + b"\n"
