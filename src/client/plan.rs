//! `Plan`: what each connection of a client is made from, and how it begins.

use std::{future::Future, pin::Pin, sync::Arc};

use tinyrpc_core::{
    Caller, Connection, Error, Framing, Limits, Protocol, ReplyOrder, Role, Runtime, WireTrace,
};
use tinyrpc_dispatch::{BlockingPool, Dispatcher, Scope, Service};

use super::heartbeat::Heartbeat;
use crate::{Driver, SetupError, control::Control, driver::Setup};

/// The same for all connections of a client, the protocol excepted.
#[derive(Clone)]
pub(super) struct Plan {
    /// In place of the connection's: `Some(None)` is the protocol's own.
    pub(super) framing: Option<Option<Arc<dyn Framing>>>,
    pub(super) limits: Limits,
    pub(super) service: Arc<dyn Service>,
    pub(super) prepare: Vec<Prepare>,
    pub(super) reply_order: ReplyOrder,
    pub(super) trace: Option<Arc<dyn WireTrace>>,
    pub(super) login: Option<Greeting>,
    pub(super) on_connect: Option<Greeting>,
    pub(super) heartbeat: Option<Heartbeat>,
    pub(super) blocking_pool: Option<BlockingPool>,
}

pub(super) type Prepare = Arc<dyn Fn(&mut Scope) + Send + Sync>;
/// What is said first on each connection.
pub(super) type Greeting = Arc<dyn Fn(Caller) -> Greets + Send + Sync>;
pub(super) type Greets = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl Plan {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            framing: None,
            limits,
            service: Arc::new(Dispatcher::new()),
            prepare: Vec::new(),
            reply_order: ReplyOrder::default(),
            trace: None,
            login: None,
            on_connect: None,
            heartbeat: None,
            blocking_pool: None,
        }
    }

    /// What drives a connection.
    pub(super) fn driver(
        &self,
        mut connection: Connection,
        protocol: Arc<dyn Protocol>,
        runtime: Arc<dyn Runtime>,
    ) -> Driver {
        if let Some(framing) = &self.framing {
            connection.framing = framing.clone();
        }
        let setup = Setup {
            role: Role::Client,
            protocols: vec![protocol],
            limits: Arc::new(self.limits.clone()),
            runtime,
            blocking_pool: self.blocking_pool.clone(),
            reply_order: self.reply_order,
            gated: false,
            trace: self.trace.clone(),
        };
        Driver::new(connection, setup, |mut scope| {
            self.prepare.iter().for_each(|prepare| prepare(&mut scope));
            (Arc::new(scope), Arc::clone(&self.service))
        })
    }

    /// Has a connection that can be called watched, where that was asked for.
    pub(super) fn watch(
        &self,
        caller: &Caller,
        control: &Arc<Control>,
        runtime: &Arc<dyn Runtime>,
    ) {
        if let Some(heartbeat) = self.heartbeat.clone() {
            let (caller, control) = (caller.clone(), Arc::clone(control));
            runtime.spawn(Box::pin(heartbeat.watch(caller, control, Arc::clone(runtime))));
        }
    }

    /// Logs in, and then does what a connection begins with; `None` where that is nothing.
    ///
    /// Its first poll has the login in the queue, before all other calls.
    pub(super) fn greet(
        &self,
        caller: &Caller,
        address: &str,
    ) -> Option<impl Future<Output = Result<(), SetupError>> + Send + use<>> {
        let (login, on_connect) = (self.login.clone(), self.on_connect.clone());
        if login.is_none() && on_connect.is_none() {
            return None;
        }
        let (caller, address) = (caller.clone(), address.to_owned());
        Some(async move {
            if let Some(login) = login
                && let Err(source) = login(caller.concealed()).await
            {
                return Err(SetupError::Login { address, source });
            }
            if let Some(on_connect) = on_connect
                && let Err(source) = on_connect(caller).await
            {
                return Err(SetupError::OnConnect { address, source });
            }
            Ok(())
        })
    }
}
