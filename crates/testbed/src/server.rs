//! How does something serve HTTP on loopback for as long as a test wants it?

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use axum::Router;
use tokio::sync::oneshot;

/// A server on a free port of 127.0.0.1. It serves until this value is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts serving, in a thread of this name. Requests are answered as soon as this returns.
    ///
    /// # Errors
    /// When this machine gives us no port on loopback, or no thread.
    pub(crate) fn start(name: &str, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        // A runtime and a thread of its own: it answers whatever the caller does with theirs, blocking included.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // Ends by being told to, or by its sender's going away: both mean stop.
                    _ = stopped => {}
                    _ = axum::serve(listener, router) => {}
                }
            });
            // Dropping the runtime here ends the requests that are still waiting, those told never to be answered too.
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed already; there is nothing to add to it here.
            let _ = thread.join();
        }
    }
}
