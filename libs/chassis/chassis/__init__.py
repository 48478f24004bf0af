"""What every service stands on: settings, HTTP, the database, the bus, live channels, health. It knows no service."""
