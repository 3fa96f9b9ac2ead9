"""The reference implementation as the client of a server that serves the methods of service.py.

    python client.py ADDRESS
"""

import asyncio
import sys
from functools import wraps

from checks import check, equal, run_async
from reference import connect
from service import Service
from trials import TRIALS, until
from wire import Offer

SMALL = Offer(items=4, bytes=1000, chunk=1000, window=3000, split=1 << 20, splits=2)


def each(function):
    """A trial as a check: over new connections, with plenty on offer, and with little."""

    @check
    @wraps(function)
    async def both(address):
        for offer in (Offer(), SMALL):
            service = Service()
            peer = await connect(address, service.methods(), offer)
            await asyncio.wait_for(function(peer), 60)
            await until(lambda: not peer.calls and not peer.serving)
            equal((peer.ignored, peer.ended, service.alive), (0, None, 0))
            await peer.close()


for function in TRIALS:
    each(function)

if __name__ == "__main__":
    asyncio.run(run_async(sys.argv[1]))
