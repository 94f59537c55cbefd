"""Two-way audio with a door: a SIP user agent, an RTSP server and client, and the bridge between them.

Nothing in here knows Home Assistant, the model, or a system. Only ``sound`` and ``stills`` need a library.
"""
