//! Bytes to a server and bytes back.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::within;

/// Sends a request, and reads as many bytes as are expected.
pub(crate) async fn exchange(url: &str, request: &[u8], expected: usize) -> Vec<u8> {
    let address = url.split("://").last().expect("an address");
    let talk = async {
        let mut stream = TcpStream::connect(address).await.expect("somebody listens");
        stream.write_all(request).await.expect("it is taken");
        let mut answer = vec![0; expected];
        stream.read_exact(&mut answer).await.expect("an answer");
        answer
    };
    within("an exchange", talk).await
}
