//! The test suite of Autobahn: our WebSocket against five hundred cases of the standard, as a
//! server and as a client.
//!
//! Both sides of ours send every message back, by the halves of a connection alone. The cases that
//! take a while run where `AUTOBAHN=all`; `scripts/autobahn.sh` does that and keeps the tables in
//! `docs/autobahn.md`. Where the suite cannot be had, because it needs Python 2.7, the tests say so
//! and do nothing.

#![cfg(feature = "ws")]

mod echo;
mod report;
mod suite;

use std::sync::Arc;

use tinyrpc::{
    Limits,
    transports::{
        Connector, Listener,
        http::{Target, WebListener},
        tcp::TcpListener,
        ws::WsConnector,
    },
};

use crate::{
    echo::echo,
    report::Report,
    suite::{Spec, Suite, free_port},
};

/// The largest messages of the suite have 16 MiB.
fn limits() -> Arc<Limits> {
    Arc::new(Limits { max_message: 32 << 20, ..Limits::default() })
}

#[tokio::test]
async fn our_server() {
    let Some(suite) = Suite::get() else { return };
    let address = "127.0.0.1:0".parse().expect("an address");
    let mut listener = WebListener::ws(TcpListener::bind(address).expect("a port"), limits());
    let url = listener.address();
    let serving = tokio::spawn(async move {
        while let Ok(accepted) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(connection) = suite::opened(accepted).await {
                    echo(connection).await;
                }
            });
        }
    });
    let spec = Spec::of_client(&url);
    suite.run("fuzzingclient", &spec).await;
    serving.abort();
    Report::read(&suite.folder("server"), suite::OURS).check("server");
}

#[tokio::test]
async fn our_client() {
    let Some(suite) = Suite::get() else { return };
    let address = format!("127.0.0.1:{}", free_port());
    let running = suite.start("fuzzingserver", &Spec::of_server(&address)).await;
    let visit = async |path: &str| {
        let target = Target::new(&format!("{address}{path}")).expect("a target");
        WsConnector::new(target, limits()).connect().await.expect("it listens")
    };
    suite::until_it_listens(&address).await;
    let count = echo::text(visit("/getCaseCount").await).await;
    let count: usize = count.parse().expect("a number");
    let agent = suite::OURS;
    for case in 1..=count {
        echo(visit(&format!("/runCase?case={case}&agent={agent}")).await).await;
    }
    echo(visit(&format!("/updateReports?agent={agent}")).await).await;
    drop(running);
    Report::read(&suite.folder("client"), agent).check("client");
}
