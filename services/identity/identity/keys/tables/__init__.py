"""Tables of keys."""

from identity.keys.tables.api_keys import api_key
from identity.keys.tables.signing import signing_key

__all__ = ["api_key", "signing_key"]
