"""HTTP of people."""
