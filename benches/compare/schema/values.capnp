# What the peer `capnp` speaks.
@0xcef859b11ac733fe;

interface Source {
  # What a server gives to whoever connects.

  values @0 (count :UInt64, sink :Sink);
  # Writes so many values into the sink, and answers when all of them were taken.
}

interface Sink {
  # What a client passes along.

  write @0 (value :Data) -> stream;

  done @1 ();
  # Answers after all that was written before.
}
