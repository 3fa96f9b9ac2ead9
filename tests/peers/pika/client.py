"""Messages by hand to the queue of a server.

    python client.py AMQP_URL QUEUE
"""

import json
import sys

import msgpack
import pika
from checks import INTEGERS, LENGTHS, TEXT, check, equal, run

URL, QUEUE = sys.argv[1:]
DIRECT = "amq.rabbitmq.reply-to"


class Client:
    """A channel with a place for answers: a queue of its own, or RabbitMQ's direct reply-to."""

    def __init__(self, direct=False):
        self.connection = pika.BlockingConnection(pika.URLParameters(URL))
        self.channel = self.connection.channel()
        self.answers = []
        declared = None if direct else self.channel.queue_declare("", exclusive=True).method.queue
        self.reply_to = declared or DIRECT
        self.channel.basic_consume(self.reply_to, self.answered, auto_ack=True)
        # What no queue takes is an error at once.
        self.channel.confirm_delivery()

    def answered(self, channel, method, properties, body):
        self.answers.append((properties, body))

    def send(self, body, **properties):
        properties = pika.BasicProperties(**properties)
        self.channel.basic_publish("", QUEUE, body, properties, mandatory=True)

    def ask(self, body, correlation_id, **properties):
        self.send(body, reply_to=self.reply_to, correlation_id=correlation_id, **properties)

    def receive(self, count):
        """The next answers by their correlation ids."""
        while len(self.answers) < count:
            self.connection.process_data_events(time_limit=20)
            if not self.answers:
                raise AssertionError("no answer in 20 seconds")
        taken, self.answers = self.answers[:count], self.answers[count:]
        got = {properties.correlation_id: body for properties, body in taken}
        equal(len(got), count)
        return got

    def call(self, method, *params):
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
        self.ask(json.dumps(request).encode(), "one")
        return json.loads(self.receive(1)["one"])

    def nothing_comes(self):
        """What was to come would have come before the answer to this."""
        equal(self.call("add", 20, 22)["result"], 42)
        equal(self.answers, [])


def add(n, request_id):
    return json.dumps({"jsonrpc": "2.0", "method": "add", "params": [n, n], "id": request_id}).encode()


@check
def calls(client):
    for value in [None, True, 1.5, *INTEGERS, TEXT]:
        equal(client.call("echo", value)["result"], value)
    for length in LENGTHS:
        equal(client.call("echo", "s" * length)["result"], "s" * length)


@check
def errors(client):
    equal(client.call("fail")["error"], {"code": 17, "message": "it failed", "data": ["why", 4711]})
    equal(client.call("nosuch")["error"]["code"], -32601)
    equal(client.call("add", 20, 22)["result"], 42)


@check
def messagepack_in_the_same_queue(client):
    client.ask(msgpack.packb([0, 7, "add", [20, 22]]), "packed", content_type="application/msgpack")
    client.ask(msgpack.packb([0, 8, "blob", [b"\x00\xff" * 200]]), "blob")
    client.ask(add(4, 1), "text", content_type="application/json")
    got = client.receive(3)
    equal(msgpack.unpackb(got["packed"]), [1, 7, None, 42])
    equal(msgpack.unpackb(got["blob"]), [1, 8, None, b"\x00\xff" * 200])
    equal(json.loads(got["text"])["result"], 8)


@check
def many_calls_in_flight(client):
    # The same id in all of them: the correlation id alone tells them apart.
    for n in range(300):
        client.ask(add(n, 1), "call {}, {}".format(n, TEXT[:20]))
    got = {int(name.split()[1].strip(",")): json.loads(body) for name, body in client.receive(300).items()}
    equal({n: answer["result"] for n, answer in got.items()}, {n: 2 * n for n in range(300)})


@check
def answers_overtake_each_other(client):
    for value, milliseconds in [("late", 300), ("early", 0)]:
        client.ask(msgpack.packb([0, 1, "later", [value, milliseconds]]), value)
    equal(list(client.receive(1)), ["early"])
    equal(list(client.receive(1)), ["late"])


@check
def direct_reply_to(client):
    direct = Client(direct=True)
    for n in range(50):
        direct.ask(add(n, n), str(n))
    got = {int(name): json.loads(body)["result"] for name, body in direct.receive(50).items()}
    equal(got, {n: 2 * n for n in range(50)})
    direct.connection.close()


@check
def batches(client):
    batch = [{"jsonrpc": "2.0", "method": "add", "params": [n, n], "id": n} for n in range(10)]
    batch.append({"jsonrpc": "2.0", "method": "note", "params": [0]})
    client.ask(json.dumps(batch).encode(), "batch")
    answers = json.loads(client.receive(1)["batch"])
    equal({answer["id"]: answer["result"] for answer in answers}, {n: 2 * n for n in range(10)})


@check
def notifications_are_run_once_and_never_answered(client):
    before = client.call("noted")["result"]
    for n in range(1, 101):
        note = json.dumps({"jsonrpc": "2.0", "method": "note", "params": [n]}).encode()
        # Whether an answer is asked for, as tinyrpc for Python does, or not.
        client.ask(note, str(n)) if n % 2 else client.send(note)
    client.send(msgpack.packb([2, "note", [0]]))
    client.nothing_comes()
    for _ in range(20):
        equal(client.call("noted")["result"] - before, 5050)


@check
def requests_without_a_place_for_the_answer(client):
    before = client.call("noted")["result"]
    for n in range(10):
        client.send(json.dumps({"jsonrpc": "2.0", "method": "note", "params": [1], "id": n}).encode())
    # Nor to one that is gone.
    gone = Client()
    gone.connection.close()
    client.send(add(1, 1), reply_to=gone.reply_to, correlation_id="gone")
    client.nothing_comes()
    equal(client.call("noted")["result"] - before, 10)


run(Client())
