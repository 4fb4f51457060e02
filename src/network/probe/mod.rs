//! Finds out what is in the way to a host, stage by stage, over real sockets. Each stage is bounded, and the whole.
//! What it comes to is decided elsewhere: [`crate::domain::diagnosis`].

mod connect;
mod http;
mod tls;
mod tunnel;

pub use http::of_bytes;

use super::{resolve, trust::Trust};
use crate::domain::{
    diagnosis::{
        Clock, Diagnosis, Dns, DnsFault, Finding, Handshake, NOT_REACHED, Protocol, Resolved, Stage, Step,
        Target, Tls, Trust as Verified,
    },
    proxy::{Decision, Proxy, Route, Rule, Script},
};
use jiff::Timestamp;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To find out about proxies, scripts of the system included.
    pub proxy: Duration,
    /// To look up a name.
    pub dns: Duration,
    /// To connect to one address.
    pub connect: Duration,
    /// After how long the next address is tried beside it.
    pub stagger: Duration,
    /// How long the others may still take once one has connected.
    pub grace: Duration,
    /// For CONNECT through a proxy.
    pub tunnel: Duration,
    /// For the TLS handshake.
    pub tls: Duration,
    /// For the whole answer of the web server.
    pub http: Duration,
    /// For all of it.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Limits {
            proxy: seconds(4),
            dns: seconds(5),
            connect: seconds(4),
            stagger: Duration::from_millis(250),
            grace: seconds(1),
            tunnel: seconds(5),
            tls: seconds(4),
            http: seconds(5),
            whole: seconds(15),
        }
    }
}

/// Which way, to be decided. May block.
pub type Decide = Box<dyn FnOnce() -> Decision + Send>;
/// Names to addresses. May block.
pub type Resolve = Arc<dyn Fn(&str) -> Result<Vec<IpAddr>, DnsFault> + Send + Sync>;
/// The time here.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Where to connect instead, in simulated networks.
pub type Reroute = Arc<dyn Fn(SocketAddr) -> SocketAddr + Send + Sync>;

/// What is to be found out, and with what.
pub struct Probe {
    /// What is to be reached.
    pub target: Target,
    /// The name of this machine, as the network team knows it.
    pub machine: String,
    /// Which way.
    pub decide: Decide,
    /// By what certificates are verified.
    pub trust: Trust,
    /// The time here.
    pub now: Now,
    /// How names are looked up.
    pub resolve: Resolve,
    /// `None` in the real world.
    pub reroute: Option<Reroute>,
    /// How long what may take.
    pub limits: Limits,
}

impl Probe {
    /// For the real world, with the system's resolver.
    pub fn new(target: Target, machine: String, trust: Trust, decide: Decide) -> Probe {
        Probe {
            target,
            machine,
            decide,
            trust,
            now: Arc::new(Timestamp::now),
            resolve: Arc::new(resolve::system),
            reroute: None,
            limits: Limits::default(),
        }
    }
}

/// What is told while it runs.
#[derive(Clone, Debug)]
pub enum Progress {
    /// This stage has begun.
    Began(Stage),
    /// This one has ended, or was skipped.
    Ended(Box<Step>),
}

/// Runs all stages, telling each, and draws the conclusion. Blocks, at most for [`Limits::whole`] and a moment.
///
/// # Errors
///
/// The system gives no means to wait for sockets.
pub fn run(probe: Probe, tell: &mut dyn FnMut(Progress)) -> std::io::Result<Diagnosis> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let begun = Instant::now();
    let at = (probe.now)();
    let (target, machine) = (probe.target.clone(), probe.machine.clone());
    let mut run = Run { end: begun + probe.limits.whole, steps: Vec::new(), tell };
    runtime.block_on(async {
        run.all(probe).await;
    });
    run.skip_the_rest();
    let steps = run.steps;
    // A name that is still being looked up must not hold up the answer.
    runtime.shutdown_background();
    Ok(Diagnosis::of(&machine, target, at, millis(begun), steps))
}

/// A connection, of whatever kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The way that was found.
struct Way<'w> {
    /// Who answers: the host, or the proxy.
    peer: SocketAddr,
    proxy: Option<&'w Proxy>,
    dial: &'w connect::Dial,
    target: &'w Target,
    trust: &'w Trust,
}

fn is_verified(tls: &Tls) -> bool {
    let is_right = matches!(tls.trust, Some(Verified::Public | Verified::Local));
    is_right && tls.outcome == Handshake::Done
}

struct Run<'r> {
    end: Instant,
    steps: Vec<Step>,
    tell: &'r mut dyn FnMut(Progress),
}

impl Run<'_> {
    fn began(&mut self, stage: Stage) -> Instant {
        (self.tell)(Progress::Began(stage));
        Instant::now()
    }

    fn ended(&mut self, step: Step) {
        (self.tell)(Progress::Ended(Box::new(step.clone())));
        self.steps.push(step);
    }

    fn found(&mut self, finding: Finding, begun: Instant) {
        self.ended(Step::of(finding, millis(begun)));
    }

    fn skip_the_rest(&mut self) {
        for stage in Stage::ALL {
            if !self.steps.iter().any(|step| step.stage == stage) {
                self.ended(Step::skipped(stage, NOT_REACHED));
            }
        }
        self.steps.sort_by_key(|step| step.stage);
    }

    /// What is left for a stage that may take so long.
    fn within(&self, limit: Duration) -> Duration {
        limit.min(self.end.saturating_duration_since(Instant::now()))
    }

    /// Goes on until something is in the way. `None`: it ended early.
    async fn all(&mut self, probe: Probe) -> Option<()> {
        let limits = probe.limits;
        let decision = self.proxy(probe.decide, limits.proxy).await;
        let proxy = match decision.route {
            Route::Direct => None,
            Route::Proxy(proxy) => Some(proxy),
            Route::Unusable(_) => return None,
        };
        let (name, port) = match &proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (probe.target.host.clone(), probe.target.port),
        };
        let addresses = self.dns(name, probe.resolve, limits.dns).await?;
        let dial = connect::Dial { reroute: probe.reroute };
        let begun = self.began(Stage::Tcp);
        let bounded = Limits { connect: self.within(limits.connect), ..limits };
        let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        let (tcp, stream) = connect::race(&dial, sockets, &bounded).await;
        let peer = tcp.connected().map(|attempt| attempt.address);
        self.found(Finding::Tcp(tcp), begun);
        let (stream, peer) = (stream?, peer?);
        let way =
            Way { peer, proxy: proxy.as_ref(), dial: &dial, target: &probe.target, trust: &probe.trust };
        let stream = self.tunnel(stream, &way, limits).await?;

        let begun = self.began(Stage::Tls);
        let limit = self.within(limits.tls);
        let (tls, stream) = tls::shake(stream, &probe.target.host, &probe.trust, &probe.now, limit).await;
        let verified = is_verified(&tls);
        self.found(Finding::Tls(tls), begun);
        let stream = stream?;

        let begun = self.began(Stage::Http);
        let limit = self.within(limits.http);
        let asked = http::ask(stream, &probe.target, verified, &probe.now, limit).await;
        self.found(Finding::Http(asked.http), begun);
        let here = asked.here?;
        self.found(Finding::Clock(Clock { server: asked.date, here, verified }), Instant::now());
        let mut protocol = asked.protocol?;
        let begun = self.began(Stage::Protocol);
        // To the vendor's host nothing is posted: it is known to have a protocol of its own.
        if !probe.target.is_vendors()
            && !matches!(protocol, Protocol::Versions(_))
            && let Some(stream) = self.again(&way, &probe.now, limits).await
        {
            let limit = self.within(limits.http);
            protocol = http::request(stream, &probe.target, protocol, &probe.now, limit).await;
        }
        self.found(Finding::Protocol(protocol), begun);
        Some(())
    }

    /// Another connection by the way that was found; `None` where it comes to none any more.
    async fn again(&self, way: &Way<'_>, now: &Now, limits: Limits) -> Option<Box<dyn Stream>> {
        let limit = self.within(limits.connect);
        let stream = tokio::time::timeout(limit, way.dial.connect(way.peer)).await.ok()?.ok()?;
        let stream = match way.proxy {
            Some(proxy) => {
                let limit = self.within(limits.tunnel);
                tunnel::open(stream, way.peer, proxy, way.dial, way.target, way.trust, limit).await.1?
            }
            None => Box::new(stream),
        };
        let limit = self.within(limits.tls);
        let (tls, stream) = tls::shake(stream, &way.target.host, way.trust, now, limit).await;
        stream.filter(|_| is_verified(&tls))
    }

    async fn proxy(&mut self, decide: Decide, limit: Duration) -> Decision {
        let begun = self.began(Stage::Proxy);
        let decided = tokio::time::timeout(self.within(limit), tokio::task::spawn_blocking(decide)).await;
        let decision = match decided {
            Ok(Ok(decision)) => decision,
            _ => Decision {
                route: Route::Direct,
                rule: Rule::Nothing,
                script: Some(Script { url: None, why: "the system gave no answer in time".into() }),
            },
        };
        self.found(Finding::Proxy(decision.clone()), begun);
        decision
    }

    async fn dns(&mut self, name: String, resolve: Resolve, limit: Duration) -> Option<Vec<IpAddr>> {
        if let Ok(address) = name.parse() {
            self.ended(Step::skipped(Stage::Dns, "an address needs no look-up"));
            return Some(vec![address]);
        }
        let begun = self.began(Stage::Dns);
        let asked = name.clone();
        let looked_up =
            tokio::time::timeout(self.within(limit), tokio::task::spawn_blocking(move || resolve(&asked)))
                .await;
        let outcome = match looked_up {
            Ok(Ok(Ok(addresses))) => Resolved::Addresses(addresses),
            Ok(Ok(Err(fault))) => Resolved::Failed(fault),
            Ok(Err(_)) => Resolved::Failed(DnsFault::Other("the look-up broke off".into())),
            Err(_) => Resolved::Failed(DnsFault::NoAnswer),
        };
        let addresses = match &outcome {
            Resolved::Addresses(addresses) => Some(addresses.clone()),
            Resolved::Failed(_) => None,
        };
        self.found(Finding::Dns(Dns { name, outcome }), begun);
        addresses
    }

    async fn tunnel(&mut self, stream: TcpStream, way: &Way<'_>, limits: Limits) -> Option<Box<dyn Stream>> {
        let Some(proxy) = way.proxy else {
            self.ended(Step::skipped(Stage::Connect, "there is no proxy"));
            return Some(Box::new(stream));
        };
        let begun = self.began(Stage::Connect);
        let limit = self.within(limits.tunnel);
        let (tunnel, stream) =
            tunnel::open(stream, way.peer, proxy, way.dial, way.target, way.trust, limit).await;
        self.found(Finding::Connect(tunnel), begun);
        stream
    }
}
