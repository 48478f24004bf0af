"""Escalation: who is told of an alert, who next if nobody acknowledges it, and who is on call."""
