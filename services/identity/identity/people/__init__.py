"""People of a city: accounts, passwords and second factors."""
