"""One side of a connection of aiorpcX: it serves the methods that all peers are tried with, and
calls those of its peer. Both sides are the same."""

import asyncio
import sys

from aiorpcx import JSONRPCConnection, JSONRPCv1, JSONRPCv2, RPCError, RPCSession, handler_invocation

# Speaks version 1.0 instead of 2.0.
old = "old" in sys.argv

# The errors of the tests are not an attack.
RPCSession.cost_hard_limit = 0


class Side(RPCSession):
    noted = 0

    def default_connection(self):
        return JSONRPCConnection(JSONRPCv1 if old else JSONRPCv2)

    async def handle_request(self, request):
        handler = getattr(self, "on_" + request.method, None)
        return await handler_invocation(handler, request)()

    async def on_add(self, a, b):
        try:
            return a + b
        except TypeError as error:
            raise RPCError.invalid_args(str(error)) from None

    async def on_echo(self, value):
        return value

    async def on_nothing(self):
        return None

    async def on_fail(self):
        raise RPCError(17, "it failed")

    async def on_later(self, value, milliseconds):
        await asyncio.sleep(milliseconds / 1000)
        return value

    async def on_note(self, n):
        self.noted += n

    async def on_noted(self):
        return self.noted

    async def on_ask(self, method, params):
        return await self.send_request(method, params)

    async def on_tell(self, method, params):
        await self.send_notification(method, params)

    async def on_deeper(self, n):
        return 0 if n == 0 else 1 + await self.send_request("deeper", [n - 1])
