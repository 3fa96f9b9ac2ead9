"""What the clients in Python share: checks by name, and how they are told.

A client prints `ok NAME` for each check and ends with 0, or `FAILED NAME: why` and ends with 1.
"""

import os
import sys
import threading

CHECKS = []


def check(function):
    """Adds a check."""
    CHECKS.append(function)
    return function


def equal(got, expected):
    """Equal and of the same type: 1 is neither 1.0 nor True, and bytes are no text."""
    if got != expected or type(got) is not type(expected):
        raise AssertionError("got {!r:.200}, expected {!r:.200}".format(got, expected))


def told(function, outcome):
    if outcome is None:
        print("ok", function.__name__, flush=True)
        return
    why = "{}: {}".format(type(outcome).__name__, outcome)
    print("FAILED {}: {}".format(function.__name__, why), flush=True)
    sys.exit(1)


def run(client):
    """Runs all checks."""
    for function in CHECKS:
        outcome = None
        try:
            function(client)
        except Exception as error:
            outcome = error
        told(function, outcome)


async def run_async(client):
    """Runs all checks that are coroutines."""
    for function in CHECKS:
        outcome = None
        try:
            await function(client)
        except Exception as error:
            outcome = error
        told(function, outcome)


def ready(port):
    """Says where a server listens, and ends the process when its input ends."""
    print("ready", port, flush=True)

    def watch():
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


INTEGERS = [0, 1, 127, 128, 255, 256, 2**16, 2**32, 2**53 + 1, 2**63 - 1, -1, -32, -33, -(2**31), -(2**63)]
TEXT = 'grüße, 世界 😀 "\\\n\t\x7f' * 20
LENGTHS = [0, 31, 32, 40, 255, 256, 65535, 65536, 300000]
NESTED = {
    "list": [1, [2, [3, ["four", {"five": 5.5}]]], [], {}],
    "text": "t" * 40,
    "k" * 40: [None, True, False],
    "map": {"a": {"b": {"c": list(range(200))}}},
}
