"""Messages: what a channel says of an alert, and the picture that goes with it."""
