"""Code that several systems share: asyncio and aiohttp only, with an injected session and typed results and errors."""
