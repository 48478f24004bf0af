"""Rules: what a city wants to be told of what its cameras see."""
