//! Who is let in, and what becomes of everybody else.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tinyrpc::{
    Attempt, Code, Context, Decision, Direction, Dispatcher, Error, Identity, Limits, Outcome,
    Scope, Server, SetupError, Token, TokenLogin, transports::PeerAddress,
};
use tokio::sync::{Notify, Semaphore};

use crate::world::{World, service};

const SECRET: &str = "8f14e45fceea167a5a36dedd4bea2543";

fn who(context: Context) -> Option<String> {
    context.identity().map(|identity| identity.name().to_owned())
}

fn login() -> TokenLogin {
    TokenLogin::new(Identity::new("alice").with_data(7u32), SECRET).or("bob", "swordfish")
}

/// Refused as not executed, by whom it is refused.
#[track_caller]
fn check_refused(error: &Error, words: &str) {
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    let refusal = error.as_rpc().unwrap_or_else(|| panic!("not answered: {error}"));
    assert_eq!(refusal.code, Code::UNAUTHENTICATED);
    assert!(refusal.message.contains(words), "{error}");
}

pub(crate) async fn token_login(world: World) {
    // The service of a connection is made for whom it is.
    let made_for: Arc<Mutex<Vec<String>>> = Arc::default();
    let made = Arc::clone(&made_for);
    let server = Server::per_connection(move |scope: &Arc<Scope>| {
        let name = scope.identity().map_or("nobody", Identity::name).to_owned();
        made.lock().unwrap().push(name);
        service().method("who", who)
    });
    let server = server.authenticate(login());
    if world.exchanges() {
        let (at, client) = world.serve_and_try(server, |builder| builder.token(SECRET)).await;
        let Err(SetupError::Login { source, .. }) = client else { panic!("it is let in") };
        check_refused(&source, "permanent connection");
        drop(at);
        return;
    }
    let at = world.serve_with(server, |builder| builder.token(SECRET)).await;
    let bob = at.again.connect(|builder| builder.token(Token::new("swordfish"))).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    for (client, name) in [(&at.client, "alice"), (&bob, "bob")] {
        assert_eq!(client.call::<_, String>("who", ()).await.unwrap(), name);
    }
    assert_eq!(*made_for.lock().unwrap(), ["alice", "bob"]);
    let peers = at.server.peers();
    let alice = peers.iter().filter_map(|peer| peer.identity()).find(|one| one.name() == "alice");
    assert_eq!(alice.and_then(Identity::data::<u32>), Some(&7));
    assert_eq!((peers.len(), at.server.refused_peers()), (2, 0));
    // Named params, by hand.
    let params = std::collections::BTreeMap::from([("token", SECRET)]);
    let again = at.again.connect(|builder| builder.login("rpc.auth", params)).await;
    assert_eq!(again.call::<_, String>("who", ()).await.unwrap(), "alice");
}

pub(crate) async fn strangers(world: World) {
    let executed = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&executed);
    let service = service().method("count", move || {
        count.fetch_add(1, SeqCst);
    });
    let ended = Arc::new(Notify::new());
    let end = Arc::clone(&ended);
    let server = Server::new(service).authenticate(login()).on_close(move |_, _| end.notify_one());
    let (at, client) = world.serve_and_try(server, |builder| builder.token("letmein")).await;
    let Err(SetupError::Login { source, .. }) = client else { panic!("it is let in") };
    check_refused(&source, "the token is not known here");
    ended.notified().await;
    assert_eq!(at.server.refused_peers(), 1);

    // Without a login, all that was sent ahead is refused together.
    let stranger = at.again.connect(|builder| builder).await;
    stranger.notify("count", ()).await.unwrap();
    let calls = join_all((0..10).map(|_| stranger.call::<_, ()>("count", ())));
    for error in calls.await.into_iter().map(Result::unwrap_err) {
        check_refused(&error, "log in first");
    }
    assert!(at.server.peers().is_empty());
    assert_eq!(at.server.broadcast("count", ()).sent, 0, "they hear nothing, either");
    if !world.exchanges() {
        stranger.closed().await;
        ended.notified().await;
        assert_eq!(at.server.refused_peers(), 2);
    }
    let error = stranger.call::<_, i64>("add", (2, 3)).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert_eq!(executed.load(SeqCst), 0);
}

/// A hook that knows peers by other means, and takes its time.
pub(crate) async fn accepted_peers(world: World) {
    let gate = Arc::new(Semaphore::new(0));
    let asked = Arc::new(Notify::new());
    let (wait, tell) = (Arc::clone(&gate), Arc::clone(&asked));
    let hook = move |attempt: Attempt| {
        let (gate, asked) = (Arc::clone(&wait), Arc::clone(&tell));
        async move {
            asked.notify_one();
            gate.acquire().await.expect("an open gate").forget();
            Decision::Accept(Identity::new(format!("who calls {}", attempt.method)))
        }
    };
    let order: Arc<Mutex<Vec<u32>>> = Arc::default();
    let noted = Arc::clone(&order);
    let service = service().method("who", who).method("note", move |number: u32| {
        noted.lock().unwrap().push(number);
    });
    let at = world.serve_with(Server::new(service).authenticate(hook), |builder| builder).await;
    let first = at.client.call::<_, String>("who", ()).send().await.unwrap();
    asked.notified().await;
    for number in 0..20u32 {
        at.client.notify("note", (number,)).await.unwrap();
    }
    let last = at.client.call::<_, i64>("add", (2, 3)).send().await.unwrap();
    assert!(order.lock().unwrap().is_empty() && at.server.peers().is_empty());
    // One decision for a connection, or one for each exchange.
    gate.add_permits(if !world.exchanges() { 1 } else { 22 });
    assert_eq!(first.await.unwrap(), "who calls who");
    assert_eq!(last.await.unwrap(), 5);
    let mut order = order.lock().unwrap().clone();
    if !world.permanent() {
        order.sort_unstable();
    }
    assert!(order.into_iter().eq(0..20), "in their order, unless each is a post of its own");
    assert_eq!(at.server.peers().len(), usize::from(!world.exchanges()));
}

pub(crate) async fn deadlines(world: World) {
    if world.exchanges() {
        return;
    }
    let reasons: Arc<Mutex<Vec<String>>> = Arc::default();
    let changed = Arc::new(Notify::new());
    let watched = |server: Server, auth: u64| {
        let (reasons, changed) = (Arc::clone(&reasons), Arc::clone(&changed));
        let limits = Limits { auth: Duration::from_millis(auth), ..Limits::default() };
        server.limits(limits).on_close(move |_, reason| {
            reasons.lock().unwrap().push(reason.to_string());
            changed.notify_one();
        })
    };
    // One that says nothing.
    if !world.begins_with_a_message() {
        let server = watched(Server::new(service()).authenticate(login()), 30);
        let at = world.serve_with(server, |builder| builder).await;
        at.client.closed().await;
    }
    // A port for everything has not even a connection before the first byte.
    if !world.opens_late() && !world.begins_with_a_message() {
        changed.notified().await;
        assert!(reasons.lock().unwrap()[0].contains("not logged in within `auth`, 30 ms"));
    }
    // One about which nobody ever decides.
    let stuck = |_: Attempt| std::future::pending::<Decision>();
    // The time is the connection's, so there is some for the call to arrive.
    let server = watched(Server::new(service()).authenticate(stuck), 1000);
    let at = world.serve_with(server, |builder| builder).await;
    let error = at.client.call::<_, i64>("add", (2, 3)).await.unwrap_err();
    check_refused(&error, "nobody has decided");
    at.client.closed().await;
    changed.notified().await;
    let last = reasons.lock().unwrap().last().cloned();
    assert!(last.is_some_and(|reason| reason.contains("nobody has decided")));
}

/// A token is in no trace and in no error.
pub(crate) async fn secrets(world: World) {
    let leaked = Arc::new(AtomicBool::new(false));
    let traced = Arc::new(AtomicU32::new(0));
    let trace = || {
        let (leaked, traced) = (Arc::clone(&leaked), Arc::clone(&traced));
        move |_: Direction, _: &PeerAddress, message: &[u8]| {
            traced.fetch_add(1, SeqCst);
            let secret = SECRET.as_bytes();
            if message.windows(secret.len()).any(|part| part == secret) {
                leaked.store(true, SeqCst);
            }
        }
    };
    for hook in [login(), TokenLogin::new("nobody", "another token")] {
        let words = format!("{hook:?} {:?}", Token::new(SECRET));
        assert!(!words.contains(SECRET), "{words}");
        let server = Server::new(service()).authenticate(hook).trace(trace());
        let (_at, client) =
            world.serve_and_try(server, |builder| builder.token(SECRET).trace(trace())).await;
        match client {
            Ok(client) => assert_eq!(client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5),
            Err(error) => {
                let words = format!("{error} {error:?}");
                assert!(!words.contains(SECRET), "{words}");
            }
        }
    }
    assert!(traced.load(SeqCst) >= 8 && !leaked.load(SeqCst));
}

/// A login goes out before everything else also where nobody waits for its answer.
#[tokio::test]
async fn an_attached_client_logs_in_first() {
    let (listener, connector) = tinyrpc::transports::memory::network();
    let service = service().method("who", who);
    let _server = Server::new(service).authenticate(login()).listen_on(listener);
    let connection = tinyrpc::transports::Connector::connect(&connector).await.unwrap();
    let (client, driver) = tinyrpc::Client::builder(connector, tinyrpc::protocols::JsonRpc)
        .token(SECRET)
        .attach(connection, tinyrpc::TokioRuntime::current());
    let call = client.call::<_, String>("who", ()).send().await.unwrap();
    tokio::spawn(driver);
    assert_eq!(call.await.unwrap(), "alice");
}

/// Beyond this machine a server listens only for those that it knows, or on its own word. The
/// address belongs to no machine, so nobody really listens there.
#[tokio::test]
async fn remote_addresses_need_a_login() {
    let url = "tcp://192.0.2.1:0";
    let error = Server::new(Dispatcher::new()).listen(url).await.unwrap_err();
    assert!(matches!(error, SetupError::Remote { .. }), "{error}");
    assert!(error.to_string().contains("`authenticate(..)`"), "{error}");
    let guarded = Server::new(Dispatcher::new()).authenticate(login());
    let error = guarded.listen(url).await.unwrap_err();
    assert!(matches!(error, SetupError::Io { .. }), "{error}");
}

/// Over a Unix socket the system says whose process the peer is.
#[cfg(all(target_os = "linux", feature = "unix"))]
#[tokio::test]
async fn users_of_this_machine_are_known() {
    let world = World::new("jsonrpc", crate::world::Link::Unix).await;
    let known = |stranger: bool| {
        move |attempt: Attempt| async move {
            match attempt.scope.peer {
                PeerAddress::Unix { uid, .. } if !stranger => {
                    Decision::Accept(format!("user {uid}").into())
                }
                _ => Decision::Refuse("for another user".into()),
            }
        }
    };
    let server = Server::new(service().method("who", who)).authenticate(known(false));
    let at = world.serve_with(server, |builder| builder).await;
    let name: String = at.client.call("who", ()).await.unwrap();
    let uid: u32 = name.strip_prefix("user ").unwrap().parse().unwrap();
    assert_eq!(at.server.peers()[0].peer.to_string().split(',').next(), Some(&*name));
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()), uid);
    let server = Server::new(service()).authenticate(known(true));
    let at = world.serve_with(server, |builder| builder).await;
    check_refused(&at.client.call::<_, i64>("add", (2, 3)).await.unwrap_err(), "another user");
}
