"""Timeline: why there is or is no recording of a camera at any instant."""
