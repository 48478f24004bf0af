"""Groups of cameras: their names. Which cameras are in a group is kept by the cameras themselves."""
