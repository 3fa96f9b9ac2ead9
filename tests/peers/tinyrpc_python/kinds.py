"""The protocols and transports of tinyrpc by their names, as the programs are told them.

A server's transport comes with what runs beside it and the address that clients are told; a
client's is made from that address. Another transport is a function in each of the two tables.
"""

import warnings
from urllib.parse import parse_qs

import gevent
import geventwebsocket
import pika
import websocket
import zmq.green as zmq
from gevent.pywsgi import WSGIServer
from gevent.queue import Queue
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.resource import Resource
from tinyrpc.protocols.jsonrpc import JSONRPCProtocol
from tinyrpc.protocols.msgpackrpc import MSGPACKRPCProtocol
from tinyrpc.server import RPCServer
from tinyrpc.server.gevent import RPCServerGreenlets
from tinyrpc.transports.http import HttpPostClientTransport
from tinyrpc.transports.rabbitmq import RabbitMQClientTransport, RabbitMQServerTransport
from tinyrpc.transports.websocket import WSApplicationFactory, WSServerTransport
from tinyrpc.transports.websocketclient import HttpWebSocketClientTransport
from tinyrpc.transports.wsgi import WsgiServerTransport
from tinyrpc.transports.zmq import ZmqClientTransport, ZmqServerTransport

PROTOCOLS = {"jsonrpc": JSONRPCProtocol, "msgpack": MSGPACKRPCProtocol}

# Its WebSockets were written for libraries that have changed since: its server's application is no
# longer taken for one, and its client looks for a function where it no longer is.
Resource._is_websocket_app = lambda _, app: isinstance(app, WSApplicationFactory)
geventwebsocket.create_connection = websocket.create_connection
# It answers the end of a connection, too, which fails, and would be told where the tests write.
gevent.get_hub().NOT_ERROR += (WebSocketError,)
warnings.filterwarnings("ignore", message="Using an unordered dictionary")


def listen(transport, **options):
    # It writes the accidents of connections, such as their end, where the tests write.
    server = WSGIServer(("127.0.0.1", 0), transport.handle, log=None, error_log=None, **options)
    server.start()
    return transport, server.server_port


def serve_http(_):
    # By default a request has 4096 bytes at most.
    return listen(WsgiServerTransport(max_content_length=1 << 24, queue_class=Queue))


def serve_ws(_):
    return listen(WSServerTransport(queue_class=Queue), handler_class=WebSocketHandler)


def serve_zmq(_):
    socket = zmq.Context.instance().socket(zmq.ROUTER)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    return ZmqServerTransport(socket), port


def queue_of(url):
    """A connection to the broker of such a URL, and the queue that it names."""
    broker, _, options = url.partition("?")
    return pika.BlockingConnection(pika.URLParameters(broker)), parse_qs(options)["queue"][0]


def serve_amqp(url):
    connection, queue = queue_of(url)
    transport = RabbitMQServerTransport(connection, queue)
    # It forgets all but the last of the messages that come at once.
    transport.channel.basic_qos(prefetch_count=1, global_qos=True)
    return transport, queue


SERVERS = {"http": serve_http, "ws": serve_ws, "zmq": serve_zmq, "amqp": serve_amqp}
# With green threads its server of RabbitMQ runs a message again and again until it is answered.
KINDS = {"http": RPCServerGreenlets, "ws": RPCServerGreenlets, "zmq": RPCServerGreenlets, "amqp": RPCServer}


class BinarySocket(websocket.WebSocket):
    """What is sent is no text."""

    def send(self, payload, opcode=websocket.ABNF.OPCODE_BINARY):
        return super().send(payload, opcode)


def connect_http(protocol, port):
    return HttpPostClientTransport(f"http://127.0.0.1:{port}")


def connect_ws(protocol, port):
    # It sends text, which MessagePack is not.
    options = {"class_": BinarySocket} if protocol == "msgpack" else {}
    return HttpWebSocketClientTransport(f"ws://127.0.0.1:{port}/ws", **options)


def connect_zmq(protocol, port):
    # By default it waits for ever.
    return ZmqClientTransport.create(zmq.Context.instance(), f"tcp://127.0.0.1:{port}", timeout=20)


def connect_amqp(protocol, url):
    return RabbitMQClientTransport(*queue_of(url))


CLIENTS = {"http": connect_http, "ws": connect_ws, "zmq": connect_zmq, "amqp": connect_amqp}
