"""RTSP 1.0 over interleaved TCP (RFC 2326): messages, session descriptions, and the client that pulls cameras."""
