"""Protocol clients of the intercom systems.

Written as a package of its own: asyncio and aiohttp only, a session is injected,
results and errors are typed, and nothing of Home Assistant is imported.
"""
