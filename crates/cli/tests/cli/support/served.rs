//! Servers in this process.

use tinyrpc::{Invocation, PayloadRef, ReplyTo, Server, ServerHandle, Service, Started};

/// Serves on any free port; the URL is that for a client of one protocol.
pub(crate) async fn serve(
    protocol: &str,
    service: impl Service + 'static,
) -> (ServerHandle, String) {
    let server = Server::new(service).listen("tcp://127.0.0.1:0").await.expect("a free port");
    let url = format!("{protocol}+{}", server.addresses().concat());
    (server, url)
}

/// Answers with the bytes that it holds, whatever it is asked.
pub(crate) struct Fixed(pub(crate) &'static [u8]);

impl Service for Fixed {
    fn start(&self, _: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let format = reply.format();
        reply.payload(PayloadRef { bytes: self.0, block: None, format });
        Started::Done
    }
}
