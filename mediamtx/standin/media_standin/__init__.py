"""A stand-in for MediaMTX 1.20 on one machine: pulls RTSP cameras, records, serves RTSP, HLS and WHEP, answers the control API.

It does the real work with small parts of its own and imitates the behaviours of MediaMTX where bugs hide. It is for demos and
tests where no `mediamtx` binary is found; production runs MediaMTX itself.
"""
