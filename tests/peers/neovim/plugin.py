"""A remote plugin in pynvim, at a Neovim that listens on a port.

    python plugin.py PORT

It says the number of its channel, and answers what is asked there.
"""

import sys

import pynvim
from checks import ready


def answer(method, args):
    if method == "double":
        return 2 * args[0]
    if method == "onward":
        # Asks Neovim, while Neovim waits for this answer.
        return nvim.eval(args[0])
    raise pynvim.msgpack_rpc.ErrorResponse("there is no " + method)


nvim = pynvim.attach("tcp", address="127.0.0.1", port=int(sys.argv[1]))
nvim.run_loop(answer, lambda method, args: None, lambda: ready(nvim.channel_id))
