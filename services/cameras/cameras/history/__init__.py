"""History: the states that each camera was in. It is written by the verbs of cameras, and read with the rights on the camera."""
