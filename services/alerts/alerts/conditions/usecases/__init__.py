"""Verbs of conditions: `cameras` that are lost, `recordings` that stand still, `installation` for what is no camera's."""

from alerts.conditions.usecases.cameras import CameraConditions
from alerts.conditions.usecases.installation import Installation
from alerts.conditions.usecases.recordings import RecordingConditions

__all__ = ["CameraConditions", "Installation", "RecordingConditions"]
