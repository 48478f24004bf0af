"""A stand-in for MediaMTX 1.20 on one machine, for demos and for tests where no `mediamtx` binary is found; production runs MediaMTX.

It pulls RTSP cameras, records, serves RTSP, HLS and WHEP, answers the control API, and imitates the behaviours where bugs hide.
"""
