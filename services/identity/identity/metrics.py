"""What identity counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LOGINS = Counter("gtvision_identity_logins_total", "Login attempts that were judged, by outcome", ["outcome"])
FEDERATED_SIGN_INS = Counter(
    "gtvision_identity_federated_sign_ins_total", "Sign-ins and exchanges through outside providers, by outcome", ["provider", "outcome"]
)
LOGINS_THROTTLED = Counter("gtvision_identity_logins_throttled_total", "Login attempts refused for being too many", ["by"])
PASSWORDS_WAITING = Gauge("gtvision_identity_passwords_waiting", "Passwords waiting to be hashed")
REFRESH_TOKENS_REUSED = Counter("gtvision_identity_refresh_tokens_reused_total", "Refresh tokens used twice; each ended its session")
REVOCATIONS_PUBLISHED = Gauge("gtvision_identity_revocations_published", "Revoked sessions in the list that every service reads")
AUDIT_CHAINED = Counter("gtvision_identity_audit_entries_total", "Entries chained into ledgers")
AUDIT_LAG_SECONDS = Histogram(
    "gtvision_identity_audit_lag_seconds",
    "From the deed to its entry in the ledger, the oldest of each batch",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 3_600),
)
AUDIT_ANCHORS = Counter("gtvision_identity_audit_anchors_total", "Signed anchors made")
AUDIT_COPIES_FAILED = Counter("gtvision_identity_audit_copies_failed_total", "Times that object storage did not take an anchor's copy")
AUDIT_FAILURES = Counter("gtvision_identity_audit_verification_failures_total", "Ledgers found wrong when anchored, by what", ["wrong"])
