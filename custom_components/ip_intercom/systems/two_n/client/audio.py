"""The test of loudspeaker and microphone (HTTP API 5.11)."""

from .client import TwoNClient
from .endpoints import AUDIO_TEST


class Audio:
    """``/api/audio``; needs *Audio – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def test(self) -> None:
        """Begin the test; the event ``AudioLoopTest`` tells its result (HTTP API 5.11.1)."""
        await self._client.call(AUDIO_TEST)
