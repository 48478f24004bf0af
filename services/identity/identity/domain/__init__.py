"""NOUNS and rules, split by noun. Pure: chance, time and storage come from outside."""
