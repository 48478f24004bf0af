"""Actions that go on record."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """One kind of action, `<noun>.<past participle>`. The ledger keeps the text: an old record stays readable when one is renamed."""

    SESSION_OPENED = "session.opened"
    SESSION_REFUSED = "session.refused"
    SESSION_ENDED = "session.ended"
    REFRESH_REUSED = "refresh.reused"
    API_KEY_EXCHANGED = "api_key.exchanged"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    PASSWORD_RESET = "password.reset"  # noqa: S105
    SECOND_FACTOR_ENABLED = "second_factor.enabled"
    SECOND_FACTOR_DISABLED = "second_factor.disabled"

    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    TENANT_CREATED = "tenant.created"
    TENANT_CHANGED = "tenant.changed"
    TENANT_SUSPENDED = "tenant.suspended"
    TENANT_RESUMED = "tenant.resumed"
    TENANT_CLOSED = "tenant.closed"
    TENANT_REMOVED = "tenant.removed"
    SETTINGS_CHANGED = "settings.changed"
    KEYS_ROTATED = "keys.rotated"

    LIVE_VIEWED = "live.viewed"
    LIVE_REFUSED = "live.refused"
    LIVE_FEED_VIEWED = "live_feed.viewed"
    RECORDINGS_LISTED = "recordings.listed"
    RECORDING_VIEWED = "recording.viewed"
    RECORDING_REFUSED = "recording.refused"
    RECORDINGS_RESTORED = "recordings.restored"
    EVIDENCE_VIEWED = "evidence.viewed"
    PLATE_SEARCHED = "plate.searched"
    DETECTIONS_SEARCHED = "detections.searched"
    PLATE_UNMASKED = "plate.unmasked"
    EXPORT_MADE = "export.made"
    EXPORT_DOWNLOADED = "export.downloaded"
    EXPORT_DELETED = "export.deleted"
    HOLD_PLACED = "hold.placed"
    HOLD_LIFTED = "hold.lifted"

    CAMERA_REGISTERED = "camera.registered"
    CAMERA_CHANGED = "camera.changed"
    CAMERA_REMOVED = "camera.removed"
    GROUP_CREATED = "group.created"
    GROUP_CHANGED = "group.changed"
    GROUP_REMOVED = "group.removed"
    WATCHLIST_CREATED = "watchlist.created"
    WATCHLIST_CHANGED = "watchlist.changed"
    WATCHLIST_REMOVED = "watchlist.removed"
    WATCHLIST_ENTRY_ADDED = "watchlist_entry.added"
    WATCHLIST_ENTRY_CHANGED = "watchlist_entry.changed"
    WATCHLIST_ENTRY_REMOVED = "watchlist_entry.removed"
    WATCHLIST_IMPORTED = "watchlist.imported"
    WATCHLIST_EXPORTED = "watchlist.exported"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_RESOLVED = "alert.resolved"
    ALERT_COMMENTED = "alert.commented"
    ALERT_ASSIGNED = "alert.assigned"
    ALERT_SNOOZED = "alert.snoozed"
    RULE_CREATED = "rule.created"
    RULE_CHANGED = "rule.changed"
    RULE_REMOVED = "rule.removed"
    RULE_TRIED = "rule.tried"
    CHANNEL_CREATED = "channel.created"
    CHANNEL_CHANGED = "channel.changed"
    CHANNEL_REMOVED = "channel.removed"
    CHANNEL_TESTED = "channel.tested"
    DELIVERY_REPLAYED = "delivery.replayed"
    ESCALATION_CHANGED = "escalation.changed"
    MAINTENANCE_PLANNED = "maintenance.planned"
    MAINTENANCE_CHANGED = "maintenance.changed"
    MAINTENANCE_REMOVED = "maintenance.removed"

    AUDIT_SEARCHED = "audit.searched"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_EXPIRED = "audit.expired"
    AUDIT_REPAIRED = "audit.repaired"


class Outcome(StrEnum):
    """How it ended."""

    ALLOWED = "allowed"
    REFUSED = "refused"
