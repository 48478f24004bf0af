"""Deliveries: one message to one channel each, tried until it arrives or is given up."""
