//! Sockets: accepting, bounds on slow clients, and an end in order.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gateway::{ConfigError, GatewayConfig};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::service::respond;
use crate::spend_file::Keeper;
use crate::{Options, StartError, Tls};

/// How long nothing is accepted after the system refused a connection, which it
/// does when file descriptors run out.
const BREATH: Duration = Duration::from_millis(50);

/// The most of a request's head that is kept, and of an answer's chunk.
const BUFFER_BYTES: usize = 64 * 1024;

/// A server that is ready to serve. Cheap to clone; clones are one server.
#[derive(Clone)]
pub struct Server {
    app: Arc<App>,
}

impl Server {
    /// Gets ready; listens nowhere and contacts nobody yet.
    ///
    /// # Errors
    /// A configuration that makes no sense, or TLS that cannot be set up.
    pub fn new(config: GatewayConfig, options: Options) -> Result<Self, StartError> {
        Ok(Self { app: Arc::new(App::new(config, options)?) })
    }

    /// True if nobody needs a key.
    pub fn is_open(&self) -> bool {
        self.app.keys().is_open()
    }

    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`StartError::Open`] if others could reach it and would need no key,
    /// unless `even_open`; the socket's own errors.
    pub async fn listen(
        &self,
        address: SocketAddr,
        even_open: bool,
    ) -> Result<TcpListener, StartError> {
        if !address.ip().is_loopback() && self.is_open() && !even_open {
            return Err(StartError::Open);
        }
        TcpListener::bind(address).await.map_err(StartError::Listen)
    }

    /// Goes on with another configuration. Answers under way are not touched,
    /// and what is known of endpoints is kept.
    ///
    /// # Errors
    /// The configuration makes no sense: the one before stays.
    pub fn reload(&self, config: GatewayConfig) -> Result<(), ConfigError> {
        self.app.reload(config)
    }

    /// From here on clients have to speak TLS, and are shown this certificate.
    /// Connections that stand are not touched.
    pub fn use_tls(&self, tls: Tls) {
        self.app.set_tls(tls);
    }

    /// Serves until `stop`, then lets the answers under way end, within the bound
    /// of [`Options::drain`]. Gives how many had to be cut off.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> usize {
        let places = Arc::new(Semaphore::new(self.app.options.connections));
        let keeping_up = self.keep_up().await;
        let Options { notices, .. } = &self.app.options;
        let spend = self.app.options.spend.as_ref().filter(|_| self.app.shared.is_none());
        let keeping = spend.map(|spend| Keeper::start(&self.app, spend));
        let tracer = self.app.tracer.as_ref();
        let sending = tracer.and_then(|t| t.start(&self.app.upstreams, notices.clone()));
        let (stopping, stopped) = watch::channel(false);
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            };
            tokio::select! {
                () = &mut stop => break,
                (accepted, place) = accepted => match accepted {
                    Ok((socket, _)) => {
                        let (app, stopped) = (Arc::clone(&self.app), stopped.clone());
                        tokio::spawn(async move {
                            connection(app, socket, stopped).await;
                            drop(place);
                        });
                    }
                    Err(_) => tokio::time::sleep(BREATH).await,
                },
            }
        }
        drop(listener);
        if let Some(keeping_up) = keeping_up {
            keeping_up.abort();
        }
        // Whoever holds the other end is a connection still open.
        drop(stopped);
        stopping.send_replace(true);
        // Passing the bound is not an error: what is left is counted below.
        let _ = tokio::time::timeout(self.app.options.drain, stopping.closed()).await;
        if let Some(shared) = &self.app.shared {
            shared.tell_spend(&self.app).await;
        }
        if let Some(keeping) = keeping {
            keeping.stop().await;
        }
        if let (Some(tracer), Some(sending)) = (tracer, sending) {
            tracer.stop(sending).await;
        }
        stopping.receiver_count()
    }

    /// Reaches the state that replicas share, so that it is there for the first
    /// request, and keeps up with it until told to stop.
    async fn keep_up(&self) -> Option<JoinHandle<()>> {
        let shared = Arc::clone(self.app.shared.as_ref()?);
        shared.look(&self.app).await;
        let app = Arc::clone(&self.app);
        Some(tokio::spawn(async move { shared.keep_up(&app).await }))
    }
}

async fn connection(app: Arc<App>, socket: TcpStream, mut stopped: watch::Receiver<bool>) {
    // An answer's pieces are small, and each is to leave at once.
    if socket.set_nodelay(true).is_err() {
        return;
    }
    app.metrics.connections.fetch_add(1, Relaxed);
    match app.tls() {
        None => converse(&app, socket, stopped).await,
        Some(tls) => {
            let shaken = tokio::select! {
                shaken = tls.accept(socket, app.options.head_time) => shaken,
                _ = stopped.changed() => Err("stopped"),
            };
            match shaken {
                Ok(stream) => converse(&app, stream, stopped).await,
                Err(why) => app.metrics.failed_handshake(why),
            }
        }
    }
    app.metrics.connections.fetch_sub(1, Relaxed);
}

/// Answers requests until the client goes or the server stops.
async fn converse(
    app: &Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(|request| {
        let app = Arc::clone(app);
        async move { Ok::<_, Infallible>(respond(app, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.options.head_time)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A connection that fails is the client's doing, and shows there.
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
