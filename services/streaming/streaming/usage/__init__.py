"""Usage: what the recordings take, as the recorder agent counts it, and which cameras are not recorded."""
