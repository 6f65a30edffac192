"""Get a list of URLs as one would without datalib: aiohttp, some at a time, bodies read and thrown away.

python fetch_plain.py URLS CONCURRENCY
"""

import asyncio
import sys
from pathlib import Path

import aiohttp


async def main(urls: list[str], concurrency: int) -> None:
    waiting = iter(urls)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def work() -> None:
            for url in waiting:
                async with session.get(url) as response:
                    await response.read()

        await asyncio.gather(*(work() for _ in range(concurrency)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text(encoding="ascii").split(), int(sys.argv[2])))
