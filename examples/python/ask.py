"""A conversation with Kefu, streamed: python ask.py ADDRESS CA CERT KEY TENANT TEXT..."""

import asyncio
import sys

from kefu.client import connect


async def main(address: str, ca: str, cert: str, key: str, tenant: str, *texts: str) -> None:
    """Say `texts` one after the other, and print each answer while it arrives."""
    async with connect(address, cert=cert, key=key, ca=ca) as kefu:
        session = await kefu.create_session(f"tenants/{tenant}")
        for text in texts:
            async for event in kefu.converse(session.name, text):
                print(event.delta.text, end="", flush=True)
            print()


asyncio.run(main(*sys.argv[1:]))
