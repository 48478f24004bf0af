"""What is done with cities."""
