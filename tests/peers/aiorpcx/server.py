"""A service behind the server of aiorpcX.

    python server.py [old]
"""

import asyncio

from aiorpcx import serve_rs
from checks import ready
from symmetric import Side


async def main():
    server = await serve_rs(Side, "127.0.0.1", 0)
    ready(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


asyncio.run(main())
