"""Announcing: the desired state of all cameras, told again by one replica at a time."""
