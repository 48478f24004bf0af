"""Demo cameras: street scenes rendered once, served as RTSP cameras, with the truth of what passes beside them.

Two interpreters share this package. Everything that draws runs in the project's environment (numpy, OpenCV, Pillow);
`camera_server` and what it imports (`control`, `own_reader`, `playhead`, `rtsp`, `truth`) use the standard library and the system's
GStreamer only.
"""
