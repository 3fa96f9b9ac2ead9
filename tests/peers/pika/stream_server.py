"""A worker whose methods stream, by hand (docs/extensions.md, section 8).

    python stream_server.py AMQP_URL QUEUE
"""

import itertools
import sys

import pika
from checks import ready
from stream_wire import read, response, say, size

URL, QUEUE = sys.argv[1:]
GRANT = (8, 1000)


class Call:
    """A request that is being executed."""

    def __init__(self, tag, properties, number, companions):
        self.tag, self.number = tag, number
        self.media, self.name = properties.content_type, properties.correlation_id
        self.reply_to = properties.reply_to
        self.items, self.amount = companions.get("stream", (0, 0))
        self.streams, self.sends = "stream" in companions, companions.get("send", False)
        self.values, self.total, self.doubles = iter(()), 0, False
        self.said, self.heard = 0, 0

    def publish(self, body, **properties):
        properties = pika.BasicProperties(
            correlation_id=self.name, content_type=self.media, **properties
        )
        channel.basic_publish("", self.reply_to, body, properties)

    def say(self, name, *fields):
        self.said += 1
        body = say(self.media, name, self.number, *fields)
        self.publish(body, type="down", reply_to=OWN, message_id=str(self.said))

    def send(self):
        """Sends values for as long as there is credit; true at their end."""
        while self.items > 0 and self.amount > 0:
            value = next(self.values, None)
            if value is None:
                return True
            self.items, self.amount = self.items - 1, self.amount - size(self.media, value)
            SENT[0] += 1
            self.say("rpc.item", value)
        return False

    def end(self, result=None):
        # Behind all that was said before.
        self.publish(response(self.media, self.number, result), message_id=str(self.said + 1))
        self.leave()

    def leave(self):
        channel.basic_ack(self.tag)
        del CALLS[self.reply_to, self.name]


CALLS, SENT = {}, [0]


def requested(channel, method, properties, body):
    _, (number, name, params, companions) = read(properties.content_type, body)
    marked = (properties.headers or {}).get("tinyrpc-extension", 0) >= 1
    call = Call(method.delivery_tag, properties, number, companions if marked else {})
    CALLS[call.reply_to, call.name] = call
    if name in PLAIN:
        return call.end(PLAIN[name](*params))
    call.say("rpc.grant", *(GRANT if call.sends else (0, 0)))
    if name == "count":
        call.values = iter(range(*params))
    if name == "endless":
        call.values = itertools.count()
    if name == "lose":
        call.say("rpc.item", 0)
        # Nobody knows what was executed.
        call.publish(b"")
        return call.leave()
    call.doubles = name == "double"
    if call.streams and not call.sends and call.send():
        call.end()


def heard(channel, method, properties, body):
    call = CALLS.get((properties.reply_to, properties.correlation_id))
    if properties.type != "up" or call is None:
        return
    if not body:
        return call.leave()
    call.heard += 1
    if properties.message_id != str(call.heard):
        # Something is missing.
        call.publish(b"")
        return call.leave()
    name, (number, *fields) = read(call.media, body)
    if number != call.number:
        return
    if name == "rpc.credit":
        call.items, call.amount = call.items + fields[0], call.amount + fields[1]
        if not call.sends and call.send():
            call.end()
    elif name == "rpc.send" and call.doubles:
        call.values = iter([2 * fields[0]])
        call.send()
        call.say("rpc.grant", 1, size(call.media, fields[0]))
    elif name == "rpc.send":
        call.total += fields[0]
        call.say("rpc.grant", 1, size(call.media, fields[0]))
    elif name == "rpc.close":
        call.end(None if call.doubles else call.total)


PLAIN = {
    "add": lambda a, b: a + b,
    # Beside the one that asks.
    "running": lambda: len(CALLS) - 1,
    "sent": lambda: SENT[0],
}
connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare(QUEUE)
OWN = channel.queue_declare("", exclusive=True).method.queue
channel.basic_consume(OWN, heard, auto_ack=True)
channel.basic_consume(QUEUE, requested)
ready(QUEUE)
channel.start_consuming()
