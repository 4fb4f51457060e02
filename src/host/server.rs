//! The host's sockets: TLS, HTTP/1.1, and a bound on everything that a stranger can make it hold or wait for.

use super::{
    audit::Audit,
    desk::{Desk, Rates, Reply, body_limit, error},
    keys::Keys,
    licenses::{self, Format, Licenses},
    tls::Pem,
};
use crate::{
    domain::{Fault, Problem},
    platform::clock::Clock,
    store::atomic,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{Request, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, SystemTime},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// What bounds a connection.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one address.
    pub per_address: usize,
    /// For the TLS handshake; for the head of a request, which includes the pause before it; for its body.
    pub step: Duration,
    /// For a connection as a whole, however many requests it brings.
    pub connection: Duration,
    /// For what is under way when the host ends.
    pub ending: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            connections: 512,
            per_address: 64,
            step: Duration::from_secs(10),
            connection: Duration::from_secs(120),
            ending: Duration::from_secs(5),
        }
    }
}

/// All that a host is started with.
pub struct Options {
    /// Where it listens; port 0 for any that is free.
    pub listen: SocketAddr,
    /// The file of the licenses.
    pub licenses: PathBuf,
    /// The folder of the keys.
    pub keys: PathBuf,
    /// The certificate.
    pub pem: Pem,
    /// How often one may ask.
    pub rates: Rates,
    /// What bounds a connection.
    pub bounds: Bounds,
    /// What time it is.
    pub clock: Clock,
    /// Where it is written down.
    pub audit: Audit,
}

/// A host that runs, in a thread of its own. It ends when it is dropped.
pub struct Host {
    address: SocketAddr,
    desk: Arc<Desk>,
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts a host.
    ///
    /// # Errors
    ///
    /// Licenses, keys or certificate cannot be used, or the address is taken.
    pub fn start(options: Options) -> Result<Host, Problem> {
        let files = Files { licenses: options.licenses, keys: options.keys, pem: options.pem };
        let (licenses, keys, tls) = (files.load_licenses()?, files.load_keys()?, files.pem.load()?);
        let seen = files.seen();
        let desk = Arc::new(Desk::new(licenses, keys, options.rates, options.clock, options.audit));
        let cannot_listen = |error: std::io::Error| {
            let next = "Give another address with --listen, or end the program that has it.";
            let problem = Problem::io("Cannot listen", Path::new(""), &error, next);
            Problem { place: options.listen.to_string(), ..problem }
        };
        let listener = std::net::TcpListener::bind(options.listen).map_err(cannot_listen)?;
        listener.set_nonblocking(true).map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_listen)?;
        let (end, ended) = watch::channel(false);
        let server = Server {
            desk: desk.clone(),
            tls: Mutex::new(TlsAcceptor::from(tls)),
            bounds: options.bounds,
            by_address: Mutex::default(),
        };
        let work = move || {
            runtime.block_on(async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => Arc::new(server).run(listener, files, seen, ended).await,
                    Err(error) => server.desk.audit.write("failed", &[("why", error.to_string().into())]),
                }
            });
            // A file that is just being read is not waited for.
            runtime.shutdown_background();
        };
        let thread =
            std::thread::Builder::new().name("license-host".into()).spawn(work).map_err(cannot_listen)?;
        desk.audit.write("started", &[("listen", address.to_string().into())]);
        Ok(Host { address, desk, end, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The keys in force.
    pub fn keys(&self) -> Arc<Keys> {
        self.desk.keys()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.end.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.desk.audit.write("ended", &[]);
    }
}

/// The files that are read again when they change.
struct Files {
    licenses: PathBuf,
    keys: PathBuf,
    pem: Pem,
}

/// What shows that a file has changed: time and size of each, in the order of [`Files::seen`].
type Seen = Vec<Option<(SystemTime, u64)>>;

impl Files {
    fn seen(&self) -> Seen {
        let look = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        [&self.licenses, &self.keys, &self.pem.certificate, &self.pem.key].map(look).into()
    }

    fn load_licenses(&self) -> Result<Licenses, Problem> {
        let path = &self.licenses;
        let bytes = atomic::read_bounded(path, licenses::MAX_BYTES)?.ok_or_else(|| {
            Problem::new(
                Fault::NoInput,
                "The licenses cannot be used",
                path.display().to_string(),
                "there is no such file",
                "Check the path; docs/license-host.md describes the file.",
            )
        })?;
        Licenses::parse(&bytes, Format::of(path)).map_err(|mistakes| licenses::problem(path, &mistakes))
    }

    fn load_keys(&self) -> Result<Keys, Problem> {
        let keys = Keys::load(&self.keys)?;
        match keys.newest() {
            Some(_) => Ok(keys),
            None => Err(Problem::new(
                Fault::NoInput,
                "The host has no key to sign with",
                self.keys.display().to_string(),
                "there is none in the folder",
                "Make one: `visualcron-tray license-host key new --keys DIR`.",
            )),
        }
    }
}

struct Server {
    desk: Arc<Desk>,
    tls: Mutex<TlsAcceptor>,
    bounds: Bounds,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Server {
    async fn run(
        self: Arc<Self>,
        listener: TcpListener,
        files: Files,
        seen: Seen,
        mut ended: watch::Receiver<bool>,
    ) {
        let free = Arc::new(Semaphore::new(self.bounds.connections));
        let watching = tokio::spawn(self.clone().watch(Arc::new(files), seen));
        loop {
            // Whoever finds no place waits in the system's queue, not in ours.
            let Ok(place) = free.clone().acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = ended.changed() => break,
            };
            match accepted {
                Ok((stream, from)) => {
                    if let Some(visitor) = Visitor::admit(&self, from.ip(), place) {
                        tokio::spawn(self.clone().serve(stream, visitor, ended.clone()));
                    }
                }
                // Out of descriptors, or a connection that went away at once.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        drop(listener);
        watching.abort();
        let all = u32::try_from(self.bounds.connections).unwrap_or(u32::MAX);
        let _ = timeout(self.bounds.ending, free.acquire_many(all)).await;
    }

    /// One connection, from its handshake to its end.
    async fn serve(self: Arc<Self>, stream: TcpStream, visitor: Visitor, mut ended: watch::Receiver<bool>) {
        let acceptor = self.tls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let _ = stream.set_nodelay(true);
        // Who does not speak TLS, or not in time, is not answered.
        let Ok(Ok(stream)) = timeout(self.bounds.step, acceptor.accept(stream)).await else { return };
        let service = service_fn(|request| self.answer(request, visitor.from));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.step)
            .max_headers(64)
            .max_buf_size(16 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = sleep(self.bounds.connection) => {}
            _ = ended.changed() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(self.bounds.ending, connection).await;
    }

    async fn answer(&self, request: Request<Incoming>, from: IpAddr) -> Result<Reply, Infallible> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let limit = body_limit(path);
        let body = match timeout(self.bounds.step, Limited::new(body, limit).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(failed)) if failed.is::<LengthLimitError>() => {
                let why = format!("what was sent is larger than {limit} bytes");
                return Ok(closing(error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &why, json!({}))));
            }
            Ok(Err(_)) => {
                return Ok(closing(error(
                    StatusCode::BAD_REQUEST,
                    "bad_request",
                    "it did not come in full",
                    json!({}),
                )));
            }
            Err(_) => {
                let why = "it did not come in full in time";
                return Ok(closing(error(StatusCode::REQUEST_TIMEOUT, "timeout", why, json!({}))));
            }
        };
        Ok(self.desk.reply(from, &head.method, path, &head.headers, &body))
    }

    /// Reads licenses, keys and certificate again when they change. What cannot be read leaves in force what was.
    async fn watch(self: Arc<Self>, files: Arc<Files>, mut seen: Seen) {
        let mut troubled: [Option<Problem>; 3] = [None, None, None];
        loop {
            sleep(Duration::from_secs(1)).await;
            let now = files.seen();
            if now == seen {
                continue;
            }
            // Reading many licenses takes a while, in which others are answered.
            let reading = files.clone();
            let changed = [now[0] != seen[0], now[1] != seen[1], now[2..] != seen[2..]];
            let read = tokio::task::spawn_blocking(move || {
                (
                    changed[0].then(|| reading.load_licenses()),
                    changed[1].then(|| reading.load_keys()),
                    changed[2].then(|| reading.pem.load()),
                )
            });
            let Ok((licenses, keys, tls)) = read.await else { continue };
            seen = now;
            if let Some(licenses) = licenses {
                let count = |licenses: &Licenses| licenses.len();
                self.reloaded("licenses", &mut troubled[0], licenses, count, |it| self.desk.use_licenses(it));
            }
            if let Some(keys) = keys {
                self.reloaded(
                    "keys",
                    &mut troubled[1],
                    keys,
                    |keys| keys.0.len(),
                    |it| self.desk.use_keys(it),
                );
            }
            if let Some(tls) = tls {
                self.reloaded(
                    "certificate",
                    &mut troubled[2],
                    tls,
                    |_| 1,
                    |it| {
                        *self.tls.lock().unwrap_or_else(PoisonError::into_inner) = TlsAcceptor::from(it);
                    },
                );
            }
            self.desk.is_in_trouble(troubled.iter().flatten().cloned().collect());
        }
    }

    fn reloaded<T>(
        &self,
        what: &str,
        troubled: &mut Option<Problem>,
        read: Result<T, Problem>,
        count: impl Fn(&T) -> usize,
        put_to_use: impl FnOnce(T),
    ) {
        match read {
            Ok(read) => {
                self.desk.audit.write("reloaded", &[("what", what.into()), ("count", count(&read).into())]);
                put_to_use(read);
                *troubled = None;
            }
            Err(problem) => {
                let why =
                    problem.clone().and_next("Until then, what was read before is in force.").to_string();
                self.desk.audit.write("not_reloaded", &[("what", what.into()), ("why", why.into())]);
                *troubled = Some(problem);
            }
        }
    }
}

/// Nothing more is taken from this connection: who sends too much must not be read on.
fn closing(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    reply
}

/// A place for one connection, counted by its address.
struct Visitor {
    server: Arc<Server>,
    from: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Visitor {
    fn admit(server: &Arc<Server>, from: IpAddr, place: OwnedSemaphorePermit) -> Option<Visitor> {
        let network = super::rates::network(from);
        let mut by_address = server.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(network).or_default();
        if *count >= server.bounds.per_address {
            return None;
        }
        *count += 1;
        Some(Visitor { server: server.clone(), from, _place: place })
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let mut by_address = self.server.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let network = super::rates::network(self.from);
        if let Some(count) = by_address.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&network);
            }
        }
    }
}
