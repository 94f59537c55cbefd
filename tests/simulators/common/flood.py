"""A client in a process of its own that sends far more requests than any device: `python -m tests.simulators.common.flood`."""

import argparse
import asyncio
from collections import Counter
import json
import sys
import time
from urllib.parse import urlsplit

CONNECTIONS = 20
# Requests are sent in bursts, this many times a second.
BURSTS = 50


async def flood(url: str, source: str, rate: float, seconds: float, body: str) -> tuple[int, Counter[str]]:
    """Send requests at a rate and give how many were sent, and the statuses of the answers.

    `{n}` in the address or the body becomes the number of the request, so that no two are alike.
    """
    target = urlsplit(url)
    port = target.port or 80
    statuses: Counter[str] = Counter()
    sent = 0
    streams = [await asyncio.open_connection(target.hostname, port, local_addr=(source, 0)) for _ in range(CONNECTIONS)]

    async def count(reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"HTTP/1."):
                statuses[line.split()[1].decode()] += 1

    counting = [asyncio.create_task(count(reader)) for reader, _ in streams]
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        while sent < passed * rate:
            _, writer = streams[sent % CONNECTIONS]
            writer.write(request(target.path, target.query, target.netloc, body, sent))
            sent += 1
        await asyncio.sleep(1 / BURSTS)
    for task in counting:
        task.cancel()
    await asyncio.gather(*counting, return_exceptions=True)
    for _, writer in streams:
        writer.close()
    return sent, statuses


def request(path: str, query: str, host: str, body: str, number: int) -> bytes:
    """Return one request: GET without a body, POST of JSON with one."""
    asked = f"{path}?{query}".rstrip("?").replace("{n}", str(number))
    content = body.replace("{n}", str(number)).encode()
    method = "POST" if content else "GET"
    head = f"{method} {asked} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def main() -> None:
    """Read the command line, flood, and write what came of it as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--source", default="127.0.0.2", help="our own address")
    parser.add_argument("--rate", type=float, default=2000.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--body", default="")
    asked = parser.parse_args()
    sent, statuses = asyncio.run(flood(asked.url, asked.source, asked.rate, asked.seconds, asked.body))
    sys.stdout.write(json.dumps({"sent": sent, "statuses": statuses}) + "\n")


if __name__ == "__main__":
    main()
