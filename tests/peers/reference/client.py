"""The reference implementation as the client of a server that serves the methods of service.py.

    python client.py ADDRESS plenty|little      what its hello offers
"""

import asyncio
import sys
from functools import wraps

from checks import check, equal, run_async
from reference import connect
from service import Service
from trials import TRIALS, until
from wire import Offer

OFFERS = {
    "plenty": Offer(),
    "little": Offer(items=4, bytes=1000, chunk=1000, window=3000, split=1 << 20, splits=2),
}


def each(function):
    """A trial as a check, over a new connection."""

    @check
    @wraps(function)
    async def over_a_new_connection(told):
        address, offer = told
        service = Service()
        peer = await connect(address, service.methods(), OFFERS[offer])
        await asyncio.wait_for(function(peer), 60)
        await until(lambda: not peer.calls and not peer.serving)
        equal((peer.ignored, peer.ended, service.alive), (0, None, 0))
        await peer.close()


for function in TRIALS:
    each(function)

if __name__ == "__main__":
    asyncio.run(run_async(sys.argv[1:3]))
