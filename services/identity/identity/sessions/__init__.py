"""Sessions: logins, refreshes, exchanges, tickets and their ends."""
