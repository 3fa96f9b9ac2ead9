//! A broker over TLS, believed by its certificate alone.

use std::{fs, net::TcpStream};

use tinyrpc::{ClientBuilder, Server, transports::tls::ClientTls};

use crate::{
    broker::Broker,
    certificates::authority,
    folder::Folder,
    world::{World, in_time, service},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_and_believed() {
    let folder = Folder::new();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").port()
    };
    let own = &authority().localhost;
    let mut lines =
        format!("listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.verify = verify_none\n");
    for (name, text) in
        [("cacertfile", &authority().pem), ("certfile", &own.chain), ("keyfile", &own.key)]
    {
        let path = folder.path(name);
        fs::write(&path, text).expect("a file");
        lines.push_str(&format!("ssl_options.{name} = {}\n", path.display()));
    }
    let Some(broker) = Broker::configured(&lines) else { return };
    in_time(async {
        // It listens there a moment after it listens in the clear.
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            tokio::task::yield_now().await;
        }
        let World { queue, .. } = World::at(&broker);
        let url = |host: &str| format!("msgpack+amqps://{host}:{port}?queue={queue}");
        let tls = || ClientTls::new().authority(authority().pem.as_bytes()).expect("an authority");
        let server = Server::new(service()).connect_tls(tls());
        let _server = server.listen(url("localhost")).await.expect("it serves");
        for host in ["localhost", "127.0.0.1"] {
            let builder = ClientBuilder::from_url(url(host)).expect("a URL").tls(tls());
            let client = builder.connect().await.expect("it connects");
            assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        }
        // Whoever is not signed by one who is trusted is not spoken to.
        let stranger = ClientTls::new().authority(authority().lonely.chain.as_bytes());
        for tls in [stranger.ok(), Some(tls().server_name("other.test"))].into_iter().flatten() {
            let builder = ClientBuilder::from_url(url("localhost")).expect("a URL").tls(tls);
            let error = builder.connect().await.expect_err("it is not believed").to_string();
            assert!(error.contains("certificate"), "{error}");
        }
    })
    .await;
}
