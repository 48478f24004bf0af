"""The second factor of one's own account: an authenticator app, and recovery codes for a lost phone."""
