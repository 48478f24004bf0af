"""What every service knows of a city: its settings and purposes, a copy of its cameras, the audit record, refused tickets."""
