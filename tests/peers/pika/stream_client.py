"""Calls that stream, by hand, to the queue of a server (docs/extensions.md, section 8).

    python stream_client.py AMQP_URL QUEUE
"""

import itertools
import sys

import pika
from checks import check, equal, run
from stream_wire import JSON, MSGPACK, read, request, say

URL, QUEUE = sys.argv[1:]
DIRECT = "amq.rabbitmq.reply-to"
NUMBERS = itertools.count(1)


class Client:
    """A channel with a place for answers."""

    def __init__(self, media, direct=False):
        self.media = media
        self.connection = pika.BlockingConnection(pika.URLParameters(URL))
        self.channel = self.connection.channel()
        declared = None if direct else self.channel.queue_declare("", exclusive=True).method.queue
        self.reply_to = declared or DIRECT
        self.came = []
        self.channel.basic_consume(self.reply_to, self.received, auto_ack=True)

    def received(self, channel, method, properties, body):
        self.came.append((properties, body))

    def publish(self, queue, body, correlation_id, **properties):
        properties = pika.BasicProperties(
            reply_to=self.reply_to,
            correlation_id=correlation_id,
            content_type=self.media,
            **properties,
        )
        self.channel.basic_publish("", queue, body, properties, mandatory=True)

    def call(self, method, params, **companions):
        return Call(self, method, params, companions)


class Call:
    def __init__(self, client, method, params, companions):
        self.client, self.worker = client, None
        self.said, self.heard = 0, 0
        # One id in all calls: the correlation id alone tells them apart.
        self.number, self.correlation = 77, "call {}".format(next(NUMBERS))
        body = request(client.media, self.number, method, params, companions)
        headers = {"tinyrpc-extension": 1}
        client.publish(QUEUE, body, self.correlation, headers=headers, message_id=self.correlation)

    def next(self, time_limit=20):
        """The next message of the call; nothing where none comes in time."""
        client = self.client
        while True:
            for at, (properties, body) in enumerate(client.came):
                if properties.correlation_id == self.correlation:
                    del client.came[at]
                    return self.took(properties, body)
            before = len(client.came)
            client.connection.process_data_events(time_limit=time_limit)
            if len(client.came) == before:
                return None

    def took(self, properties, body):
        kind, fields = read(self.client.media, body)
        equal(properties.content_type, self.client.media)
        equal(fields[0], self.number)
        # None is missing.
        self.heard += 1
        equal(properties.message_id, str(self.heard))
        if kind == "response":
            equal(properties.type, None)
        else:
            equal(properties.type, "down")
            self.worker = self.worker or properties.reply_to
            equal(properties.reply_to, self.worker)
        return kind, fields[1:]

    def say(self, name, *fields):
        body = say(self.client.media, name, self.number, *fields)
        self.said += 1
        properties = {"type": "up", "message_id": str(self.said)}
        self.client.publish(self.worker, body, self.correlation, **properties)

    def end(self):
        self.client.publish(self.worker, b"", self.correlation, type="up")


def clients():
    for media in [JSON, MSGPACK]:
        for direct in [False, True]:
            yield Client(media, direct)


@check
def values_come_as_they_are_granted(_):
    for client in clients():
        call = client.call("count", [1000], stream=[10, 10000])
        equal(call.next(), ("rpc.grant", [0, 0]))
        for value in range(1000):
            equal(call.next(), ("rpc.item", [value]))
            if value % 10 == 9:
                # No more comes before it is granted.
                equal(call.next(0.01), None) if value < 30 else None
                call.say("rpc.credit", 10, 10000)
        equal(call.next(), ("response", [None, None]))
        client.connection.close()


@check
def values_go_as_they_are_granted(_):
    for client in clients():
        call = client.call("sum", [], send=True)
        kind, (items, amount) = call.next()
        equal(kind, "rpc.grant")
        total = 0
        for value in range(3 * items):
            while items == 0 or amount <= 0:
                kind, (more_items, more_amount) = call.next()
                equal(kind, "rpc.grant")
                items, amount = items + more_items, amount + more_amount
            call.say("rpc.send", value)
            items, amount, total = items - 1, amount - len(str(value)), total + value
        call.say("rpc.close", None)
        answer = call.next()
        while answer[0] == "rpc.grant":
            answer = call.next()
        equal(answer, ("response", [None, total]))
        client.connection.close()


@check
def both_ways(_):
    for client in clients():
        call = client.call("double", [], stream=[100, 100000], send=True)
        equal(call.next()[0], "rpc.grant")
        for value in range(20):
            call.say("rpc.send", value)
            equal(call.next(), ("rpc.item", [2 * value]))
        call.say("rpc.close", None)
        equal(call.next(), ("response", [None, None]))
        client.connection.close()


@check
def given_up(_):
    for client in clients():
        for end in [Call.end, lambda call: call.say("rpc.cancel")]:
            call = client.call("endless", [], stream=[1, 1])
            equal(call.next(), ("rpc.grant", [0, 0]))
            equal(call.next(), ("rpc.item", [0]))
            end(call)
        # The last one that was cancelled in words is still answered.
        kind, (error, _result) = call.next()
        equal((kind, error is None), ("response", False))
        client.connection.close()


@check
def gone_without_a_word(_):
    for client in clients():
        call = client.call("endless", [], stream=[2**31 - 1, 2**31 - 1])
        equal(call.next(), ("rpc.grant", [0, 0]))
        client.connection.close()


@check
def a_method_that_does_not_stream(_):
    for client in clients():
        call = client.call("add", [20, 22], stream=[1, 1])
        equal(call.next(), ("rpc.grant", [0, 0]))
        equal(call.next(), ("response", [None, 42]))
        client.connection.close()


run(None)
