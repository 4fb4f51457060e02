//! Servers of the simulated world: real sockets of this machine, each of which does one thing.

use super::{authorities::AUTHORITIES, scenario::Server};
use rustls::{ServerConfig, ServerConnection, StreamOwned, server::WebPkiClientVerifier};
use socket2::{Domain, SockRef, Socket, Type};
use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Where the servers of the simulated addresses really are.
#[derive(Clone, Default)]
pub struct Network {
    real: Arc<Mutex<HashMap<IpAddr, SocketAddr>>>,
}

impl Network {
    pub fn real(&self, address: SocketAddr) -> SocketAddr {
        let real = self.real.lock().unwrap();
        *real.get(&address.ip()).unwrap_or_else(|| panic!("nothing is simulated at {address}"))
    }

    pub fn start(&self, server: &Server, host: &str, names: &HashMap<String, IpAddr>) {
        let loopback: IpAddr = match server.at {
            IpAddr::V6(_) if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() => {
                Ipv6Addr::LOCALHOST.into()
            }
            _ => [127, 0, 0, 1].into(),
        };
        let address = match server.does.as_str() {
            "refuse" => TcpListener::bind((loopback, 0)).unwrap().local_addr().unwrap(),
            "drop" => dropping(loopback),
            // To a group of hosts there is no TCP connection: the system finds no route, whatever network it has.
            "unreachable" if server.at.is_ipv6() => "[ff02::1]:443".parse().unwrap(),
            "unreachable" => "224.0.0.1:443".parse().unwrap(),
            _ => {
                let listener = TcpListener::bind((loopback, 0)).unwrap();
                let address = listener.local_addr().unwrap();
                let (server, host, names, network) =
                    (server.clone(), host.to_string(), names.clone(), self.clone());
                let name = names.iter().find(|(_, at)| **at == server.at).map_or(&host, |(name, _)| name);
                let tls = server.does.starts_with("tls").then(|| tls_config(&server, name));
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        let (server, names, network, tls) =
                            (server.clone(), names.clone(), network.clone(), tls.clone());
                        std::thread::spawn(move || serve(stream, &server, tls, &names, &network));
                    }
                });
                address
            }
        };
        self.real.lock().unwrap().insert(server.at, address);
    }
}

/// A listener that does not accept, and whose queue is full: what comes now is dropped by the system.
fn dropping(address: IpAddr) -> SocketAddr {
    let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
    socket.listen(0).unwrap();
    let at = socket.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(300)) {
        held.push(stream);
        assert!(held.len() < 1000, "the queue never fills");
    }
    // They are held as long as the test runs.
    std::mem::forget((socket, held));
    at
}

fn tls_config(server: &Server, host: &str) -> Arc<ServerConfig> {
    let (chain, key) = AUTHORITIES.certificate(&server.certificate, host);
    let provider = visualcron_tray::network::trust::provider();
    let versions: &[&rustls::SupportedProtocolVersion] =
        if server.tls == "1.2" { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let builder = if server.client_certificate {
        let roots = Arc::new(AUTHORITIES.public_roots());
        builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap(),
        )
    } else {
        builder.with_no_client_auth()
    };
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

fn serve(
    mut stream: TcpStream,
    server: &Server,
    tls: Option<Arc<ServerConfig>>,
    names: &HashMap<String, IpAddr>,
    network: &Network,
) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut greeting = [0; 4096];
    match server.does.as_str() {
        "tls" => {
            let mut stream = StreamOwned::new(ServerConnection::new(tls.unwrap()).unwrap(), stream);
            if let Some(head) = read_head(&mut stream) {
                answer(&mut stream, server, &server.bytes_for(&head));
                if server.then == "reset" {
                    return reset(&stream.sock);
                }
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            drain(&mut stream.sock);
        }
        "proxy" => proxy(stream, server, names, network),
        "tls-proxy" => {
            let mut stream = StreamOwned::new(ServerConnection::new(tls.unwrap()).unwrap(), stream);
            tls_proxy(&mut stream, server, names, network);
        }
        "close" => {
            let _ = stream.read(&mut greeting);
        }
        "reset" => {
            let _ = stream.read(&mut greeting);
            reset(&stream);
        }
        "silent" => drain(&mut stream),
        // Bytes as they are, after the greeting.
        "say" => {
            let _ = stream.read(&mut greeting);
            let _ = stream.write_all(&server.bytes());
            let _ = stream.shutdown(Shutdown::Write);
            drain(&mut stream);
        }
        other => panic!("what does {other} mean?"),
    }
}

/// When it is closed now, the other side gets RST.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Reads until the other side closes, so that nothing of what was sent is lost.
fn drain(stream: &mut impl Read) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(count) if count > 0) {}
}

/// The head of a request; `None` when there is none.
fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn answer(stream: &mut impl Write, server: &Server, bytes: &[u8]) {
    if stream.write_all(bytes).and_then(|()| stream.flush()).is_err() {
        return;
    }
    let again: (&[u8], Duration) = match server.then.as_str() {
        "drip" => (b"x", Duration::from_millis(50)),
        "endless" => (&[b'x'; 16 * 1024], Duration::ZERO),
        "hold" => return std::thread::sleep(Duration::from_secs(30)),
        _ => return,
    };
    while stream.write_all(again.0).and_then(|()| stream.flush()).is_ok() {
        std::thread::sleep(again.1);
    }
}

fn proxy(mut stream: TcpStream, server: &Server, names: &HashMap<String, IpAddr>, network: &Network) {
    let Some(head) = read_head(&mut stream) else { return };
    let signed_in = match &server.sign_in {
        None => true,
        Some(wanted) => head.contains(&format!("Proxy-Authorization: Basic {wanted}\r\n")),
    };
    if !server.passes || !signed_in {
        match server.then.as_str() {
            "hold" => return drain(&mut stream),
            "close" if server.answer.is_empty() => return,
            _ => answer(&mut stream, server, &server.bytes()),
        }
        let _ = stream.shutdown(Shutdown::Write);
        return drain(&mut stream);
    }
    let to = head.split(' ').nth(1).unwrap().rsplit_once(':').unwrap().0;
    let there = TcpStream::connect(network.real(SocketAddr::new(names[to], 443))).unwrap();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from, mut back) = (stream.try_clone().unwrap(), there.try_clone().unwrap());
    let mut there = there;
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut from);
        let _ = from.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut stream, &mut there);
    let _ = there.shutdown(Shutdown::Write);
}

/// A proxy that is spoken to by TLS, and lets through. What is encrypted for it goes on as it is.
fn tls_proxy(
    stream: &mut StreamOwned<ServerConnection, TcpStream>,
    server: &Server,
    names: &HashMap<String, IpAddr>,
    network: &Network,
) {
    let Some(head) = read_head(stream) else { return };
    if !server.passes {
        return answer(stream, server, &server.bytes());
    }
    let to = head.split(' ').nth(1).unwrap().rsplit_once(':').unwrap().0;
    let mut there = TcpStream::connect(network.real(SocketAddr::new(names[to], 443))).unwrap();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").and_then(|()| stream.flush()).unwrap();
    // One thread speaks TLS: it looks at both ends in turns.
    for end in [&stream.sock, &there] {
        end.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    }
    let mut bytes = [0; 16 * 1024];
    let waits = |error: &std::io::Error| {
        matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
    };
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => there.write_all(&bytes[..count]).unwrap(),
            Err(error) if waits(&error) => {}
            Err(_) => return,
        }
        match there.read(&mut bytes) {
            Ok(0) => return stream.conn.send_close_notify(),
            Ok(count) => {
                if stream.write_all(&bytes[..count]).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
            Err(error) if waits(&error) => {}
            Err(_) => return,
        }
    }
}
