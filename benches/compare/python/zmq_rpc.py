"""Python peers over ZeroMQ: zerorpc, and tinyrpc for Python with either protocol.

Does what `compare serve` and `compare drive` do, for `compare` runs it in their place:

    zmq_rpc.py serve PEER                           prints `ready 127.0.0.1:PORT`
    zmq_rpc.py drive PEER HOST:PORT IN_FLIGHT [--seconds S | --calls N] [--server-pid PID]

IN_FLIGHT calls of `add(2, 3)` at a time: of zerorpc greenlets that share one client. A client of
tinyrpc has one call in flight, so there it is as many clients, each with a socket of its own, in
threads or (`--pool greenlets`) in greenlets.
"""

import argparse
import json
import os
import sys
import threading
import time

WARM_UP = 0.05
# A peer that takes so many seconds more than asked has hung.
PATIENCE = 10


def free_endpoint():
    """A port of the loopback address that was free just now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


def add(a, b):
    return a + b


def protocol(peer):
    if peer.endswith("json"):
        from tinyrpc.protocols.jsonrpc import JSONRPCProtocol

        return JSONRPCProtocol()
    from tinyrpc.protocols.msgpackrpc import MSGPACKRPCProtocol

    return MSGPACKRPCProtocol()


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


def serve(peer):
    if peer.startswith("zerorpc"):
        import gevent
        import gevent.fileobject
        import zerorpc

        class Calculator:
            def add(self, a, b):
                return a + b

        server = zerorpc.Server(Calculator())
        endpoint = free_endpoint()
        server.bind("tcp://" + endpoint)

        def end():
            gevent.fileobject.FileObject(sys.stdin.buffer, "rb").read()
            os._exit(0)

        gevent.spawn(end)
        print("ready " + endpoint, flush=True)
        server.run()
        return
    import zmq
    from tinyrpc.dispatch import RPCDispatcher
    from tinyrpc.server import RPCServer
    from tinyrpc.transports.zmq import ZmqServerTransport

    dispatcher = RPCDispatcher()
    dispatcher.add_method(add, "add")
    endpoint = free_endpoint()
    transport = ZmqServerTransport.create(zmq.Context(), "tcp://" + endpoint)
    server = RPCServer(transport, protocol(peer), dispatcher)
    threading.Thread(target=end_with_input, daemon=True).start()
    print("ready " + endpoint, flush=True)
    server.serve_forever()


class Zerorpc:
    """Greenlets that share one client."""

    def __init__(self, endpoint):
        import zerorpc

        self.client = zerorpc.Client()
        self.client.connect("tcp://" + endpoint)

    def run(self, callers):
        import gevent

        gevent.joinall([gevent.spawn(c, self.client.add) for c in callers], raise_error=True)


class Tinyrpc:
    """A client for each caller."""

    def __init__(self, endpoint, peer, count, pool):
        self.pool = pool
        if pool == "greenlets":
            import zmq.green as zmq
        else:
            import zmq
        from tinyrpc import RPCClient
        from tinyrpc.transports.zmq import ZmqClientTransport

        context = zmq.Context()
        self.proxies = [
            RPCClient(
                protocol(peer), ZmqClientTransport.create(context, "tcp://" + endpoint)
            ).get_proxy()
            for _ in range(count)
        ]

    def run(self, callers):
        pairs = [(caller, proxy.add) for caller, proxy in zip(callers, self.proxies)]
        if len(pairs) == 1:
            pairs[0][0](pairs[0][1])
        elif self.pool == "greenlets":
            import gevent

            gevent.joinall([gevent.spawn(c, f) for c, f in pairs], raise_error=True)
        else:
            threads = [threading.Thread(target=c, args=(f,)) for c, f in pairs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


class Caller:
    """Calls until a time, or so many times."""

    def __init__(self, until, calls):
        self.until, self.left, self.done, self.latencies = until, calls, 0, []

    def __call__(self, call):
        clock, latencies = time.perf_counter_ns, self.latencies
        now = clock()
        while self.left > 0 and now < self.until:
            if call(2, 3) != 5:
                raise SystemExit("2 + 3 is not 5")
            after = clock()
            latencies.append(after - now)
            now = after
            self.left -= 1
            self.done += 1


def cpu_ns_of(pid):
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
            total += int(file.read().split()[0])
    return total


def drive(args):
    count = args.in_flight
    if args.peer.startswith("zerorpc"):
        load = Zerorpc(args.endpoint)
    else:
        load = Tinyrpc(args.endpoint, args.peer, count, args.pool)

    def burst(seconds, calls):
        until = time.perf_counter_ns() + int(seconds * 1e9)
        share, rest = divmod(calls, count)
        callers = [Caller(until, share + (index < rest)) for index in range(count)]
        load.run(callers)
        return callers

    calls = args.calls

    def give_up():
        print("the peer hangs", file=sys.stderr)
        os._exit(1)

    patience = threading.Timer(PATIENCE + (args.seconds if calls is None else 110), give_up)
    patience.daemon = True
    patience.start()
    if calls is None:
        burst(WARM_UP, sys.maxsize)
    server = args.server_pid and cpu_ns_of(args.server_pid)
    cpu, start = time.process_time_ns(), time.perf_counter()
    if calls is None:
        callers = burst(args.seconds, sys.maxsize)
    else:
        callers = burst(3600, calls)
    elapsed, cpu = time.perf_counter() - start, time.process_time_ns() - cpu
    done = sum(caller.done for caller in callers)
    if not done or any(not caller.done for caller in callers if caller.left):
        raise SystemExit("a caller had no answer")
    figures = {
        "calls": done,
        "calls_per_s": done / elapsed,
        "p50_us": None,
        "p99_us": None,
        "cpu_ns_per_call": cpu / done,
        "server_cpu_ns_per_call": None,
        "allocations": None,
    }
    if args.server_pid:
        figures["server_cpu_ns_per_call"] = (cpu_ns_of(args.server_pid) - server) / done
    if count == 1:
        latencies = sorted(callers[0].latencies)
        for percent in (50, 99):
            figures["p%d_us" % percent] = latencies[(len(latencies) - 1) * percent // 100] / 1e3
    print(json.dumps(figures), flush=True)
    # The sockets are not waited for.
    os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("peer")
    driving = commands.add_parser("drive")
    driving.add_argument("peer")
    driving.add_argument("endpoint")
    driving.add_argument("in_flight", type=int)
    driving.add_argument("--seconds", type=float, default=0.3)
    driving.add_argument("--calls", type=int)
    driving.add_argument("--server-pid", type=int)
    driving.add_argument("--pool", choices=["threads", "greenlets"], default="threads")
    args = parser.parse_args()
    if args.command == "serve":
        serve(args.peer)
    else:
        drive(args)


main()
