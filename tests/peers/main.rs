//! Peers that were written by others, in both directions: their clients call our server, and our
//! client calls their servers.
//!
//! Each has a module, which says what the peer can and cannot do, a folder with its own programs,
//! and a script in `scripts/peers` that installs it. The tests run that script themselves; where it
//! says that a peer cannot be had on this machine, they say so and do nothing, or fail where
//! `CI=true`. Every process that is started here ends with its test.

mod aiorpcx;
mod bjsonrpc;
#[cfg(all(unix, feature = "amqp"))]
#[path = "../support/broker.rs"]
mod broker;
mod browser;
mod checks;
mod http_proxy;
mod jayson;
#[cfg(feature = "ws")]
mod jsonrpsee;
mod kit;
mod mprpc;
mod msgpack_rpc_python;
mod neovim;
#[cfg(all(unix, feature = "amqp"))]
mod pika;
mod process;
#[cfg(all(unix, feature = "stdio"))]
mod python_lsp_server;
#[cfg(all(unix, feature = "zmq"))]
mod pyzmq;
#[cfg(all(unix, feature = "amqp"))]
mod queue;
#[path = "../support/raw.rs"]
mod raw;
mod reference;
mod service;
#[path = "../support/smuggling.rs"]
mod smuggling;
#[cfg(feature = "ws")]
mod tinyrpc_python;
mod vscode_jsonrpc;
#[path = "../support/wire.rs"]
mod wire;
