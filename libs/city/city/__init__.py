"""What every service knows of a city: its settings and purposes, its copy of the cameras, the audit record."""
