"""Links by which the reader of a message acknowledges its alert."""
