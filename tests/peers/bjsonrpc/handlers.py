"""The methods that all peers are tried with, on either side of a connection of bjsonrpc."""

from bjsonrpc.exceptions import ServerError
from bjsonrpc.handlers import BaseHandler


class Handler(BaseHandler):
    noted_so_far = 0

    # The words of errors that are none of ServerError come behind the name of their type.
    def fail(self):
        raise ServerError("it failed")

    def add(self, a, b):
        return a + b

    def echo(self, value):
        return value

    def nothing(self):
        return None

    def note(self, n):
        self.noted_so_far += n

    def noted(self):
        return self.noted_so_far

    def ask(self, method, params):
        return getattr(self._conn.call, method)(*params)

    def tell(self, method, params):
        getattr(self._conn.notify, method)(*params)

    def deeper(self, n):
        return 0 if n == 0 else 1 + self._conn.call.deeper(n - 1)
