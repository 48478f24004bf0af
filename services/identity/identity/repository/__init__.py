"""PostgreSQL out: rows to nouns and back, split by noun."""
