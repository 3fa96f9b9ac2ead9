"""A service that takes messages from a queue by hand and answers where they say.

    python server.py AMQP_URL QUEUE

Beside the answers it publishes what nobody asked for, for `mischief` is one of its methods.
"""

import json
import sys

import msgpack
import pika
from checks import ready

URL, QUEUE = sys.argv[1:]
NOTED = [0]


def note(n):
    NOTED[0] += n


METHODS = {
    "add": lambda a, b: a + b,
    "echo": lambda value: value,
    "nothing": lambda: None,
    "note": note,
    "noted": lambda: NOTED[0],
    "mischief": lambda: "done",
}


def serve(body):
    """The name of the method, and the answer or nothing where none is wanted."""
    if body[:1] == b"{":
        request = json.loads(body)
        answer = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            answer["result"] = METHODS[request["method"]](*request.get("params", []))
        except Exception as error:
            answer["error"] = {"code": -32000, "message": type(error).__name__}
        return request["method"], json.dumps(answer).encode() if "id" in request else None
    kind, *number, method, params = msgpack.unpackb(body)
    try:
        error, result = None, METHODS[method](*params)
    except Exception as failed:
        error, result = type(failed).__name__, None
    return method, msgpack.packb([1, number[0], error, result]) if kind == 0 else None


def received(channel, method, properties, body):
    name, answer = serve(body)

    def publish(body, correlation_id):
        properties_ = pika.BasicProperties(correlation_id=correlation_id)
        channel.basic_publish("", properties.reply_to, body, properties_)

    if answer is not None:
        if name == "mischief":
            publish(answer, "somebody else's")
            publish(answer, None)
            publish(b"\xc1 no answer", "somebody else's")
        publish(answer, properties.correlation_id)
        if name == "mischief":
            publish(answer, properties.correlation_id)
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare(QUEUE)
channel.basic_consume(QUEUE, received)
ready(QUEUE)
channel.start_consuming()
