"""Imports: the job that one is, and the CSV file that plates come from and go to."""
