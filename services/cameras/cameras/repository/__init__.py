"""PostgreSQL out: rows to nouns and back."""
