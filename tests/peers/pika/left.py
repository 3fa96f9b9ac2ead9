"""Says how many messages are in a queue that nobody consumes from.

    python left.py AMQP_URL QUEUE
"""

import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
declared = connection.channel().queue_declare(sys.argv[2], passive=True).method
print(declared.consumer_count, declared.message_count)
