"""What identity counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

LOGINS = Counter("gtvision_identity_logins_total", "Login attempts that were judged, by outcome", ["outcome"])
FEDERATED_SIGN_INS = Counter(
    "gtvision_identity_federated_sign_ins_total", "Sign-ins and exchanges through outside providers, by outcome", ["provider", "outcome"]
)
LOGINS_THROTTLED = Counter("gtvision_identity_logins_throttled_total", "Login attempts refused for being too many", ["by"])
PASSWORDS_WAITING = Gauge("gtvision_identity_passwords_waiting", "Passwords waiting to be hashed")
REFRESH_TOKENS_REUSED = Counter("gtvision_identity_refresh_tokens_reused_total", "Refresh tokens used twice; each ended its session")
REVOCATIONS_PUBLISHED = Gauge("gtvision_identity_revocations_published", "Revoked sessions in the list that every service reads")
