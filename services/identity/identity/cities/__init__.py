"""City halls: their names, settings and logos, and the installation's first one."""
