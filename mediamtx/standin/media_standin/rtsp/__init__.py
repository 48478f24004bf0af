"""RTSP 1.0 over interleaved TCP (RFC 2326), both sides: the client that pulls cameras and the server that readers connect to."""
