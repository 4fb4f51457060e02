//! CONNECT through a proxy.

use super::{Stream, connect::Dial, millis};
use crate::{
    domain::{
        diagnosis::{NO_TLS, Target, Tunnel, Tunneled, proxy_schemes, short},
        proxy::{Proxy, Scheme, with_port},
    },
    network::{client::USER_AGENT, trust::Trust},
};
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The most bytes of the head of an answer.
const MAX_HEAD: usize = 16 * 1024;
/// The most headers of an answer.
const MAX_HEADERS: usize = 64;

/// Asks the proxy for a way to the target. User and password are only sent when it asks for them by Basic.
pub(super) async fn open(
    stream: TcpStream,
    peer: SocketAddr,
    proxy: &Proxy,
    dial: &Dial,
    target: &Target,
    trust: &Trust,
    limit: Duration,
) -> (Tunnel, Option<Box<dyn Stream>>) {
    let begun = Instant::now();
    let asking = async {
        let credentials = match (&proxy.user, &proxy.password) {
            (Some(user), Some(password)) => Some(format!("{user}:{}", password.reveal())),
            _ => None,
        };
        let (outcome, stream) = once(stream, proxy, target, trust, None).await;
        let Tunneled::SignIn { schemes, .. } = &outcome else { return (outcome, stream) };
        let basic = schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
        let user_known = proxy.user.is_some();
        let Some(credentials) = credentials.filter(|_| basic) else {
            return (Tunneled::SignIn { schemes: schemes.clone(), refused: false, user_known }, None);
        };
        // Most proxies close the connection after 407.
        let Ok(again) = dial.connect(peer).await else { return (outcome, None) };
        match once(again, proxy, target, trust, Some(&credentials)).await {
            (Tunneled::SignIn { schemes, .. }, _) => {
                (Tunneled::SignIn { schemes, refused: true, user_known }, None)
            }
            ended => ended,
        }
    };
    let (outcome, stream) = timeout(limit, asking).await.unwrap_or((Tunneled::Silent, None));
    (Tunnel { proxy: proxy.to_string(), outcome, millis: millis(begun) }, stream)
}

async fn once(
    stream: TcpStream,
    proxy: &Proxy,
    target: &Target,
    trust: &Trust,
    credentials: Option<&str>,
) -> (Tunneled, Option<Box<dyn Stream>>) {
    let mut stream: Box<dyn Stream> = match proxy.scheme {
        Scheme::Http => Box::new(stream),
        Scheme::Https => match by_tls(stream, proxy, trust).await {
            Ok(stream) => stream,
            Err(why) => return (Tunneled::ProxyTls(why), None),
        },
    };
    let asked = ask(&mut *stream, target, credentials).await;
    let outcome = asked.unwrap_or_else(|error| match error.kind() {
        ErrorKind::InvalidData => Tunneled::NotAProxy,
        _ => Tunneled::Closed,
    });
    let is_open = outcome == Tunneled::Open;
    (outcome, is_open.then_some(stream))
}

/// TLS with the proxy itself; its certificate must be right.
async fn by_tls(stream: TcpStream, proxy: &Proxy, trust: &Trust) -> Result<Box<dyn Stream>, String> {
    let config = trust.client_config().map_err(|error| error.to_string())?;
    let name =
        rustls::pki_types::ServerName::try_from(proxy.host.clone()).map_err(|error| error.to_string())?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    match connector.connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(in_words(&error)),
    }
}

/// Why TLS with the proxy itself came to nothing.
fn in_words(error: &io::Error) -> String {
    use rustls::{CertificateError as Wrong, Error};
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_)) => NO_TLS.into(),
        Some(Error::InvalidCertificate(wrong)) => match wrong {
            Wrong::UnknownIssuer => "the issuer of its certificate is not known here".into(),
            Wrong::Expired | Wrong::ExpiredContext { .. } => "its certificate has expired".into(),
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                "its certificate is for other names".into()
            }
            other => format!("its certificate is wrong: {}", short(&other.to_string())),
        },
        _ => short(&error.to_string()),
    }
}

async fn ask(stream: &mut dyn Stream, target: &Target, credentials: Option<&str>) -> io::Result<Tunneled> {
    let to = with_port(&target.host, target.port);
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {USER_AGENT}\r\n");
    if let Some(credentials) = credentials {
        use base64::{Engine, prelude::BASE64_STANDARD};
        request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(credentials)));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    loop {
        // Byte for byte would do, too: what follows the head belongs to TLS, and does not come before it is greeted.
        let read = stream.take((MAX_HEAD - head.len()) as u64).read_buf(&mut head).await?;
        if let Some(outcome) = answer(&head)? {
            return Ok(outcome);
        }
        if head.len() >= MAX_HEAD {
            return Err(ErrorKind::InvalidData.into());
        }
        if read == 0 {
            let kind = if head.is_empty() { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
            return Err(kind.into());
        }
    }
}

/// What the head of an answer says. `None`: it is not whole yet.
fn answer(head: &[u8]) -> io::Result<Option<Tunneled>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(head).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    Ok(response.code.map(|code| match code {
        200..=299 if length == head.len() => Tunneled::Open,
        407 => {
            let asked = response
                .headers
                .iter()
                .filter(|header| header.name.eq_ignore_ascii_case("proxy-authenticate"));
            let schemes = proxy_schemes(asked.filter_map(|header| std::str::from_utf8(header.value).ok()));
            Tunneled::SignIn { schemes, refused: false, user_known: false }
        }
        // A page instead of a way.
        code => Tunneled::Status(code),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_answer() {
        let says = |text: &str| answer(text.as_bytes());
        assert_eq!(says("HTTP/1.1 200 Connection established\r\n\r\n").unwrap(), Some(Tunneled::Open));
        assert_eq!(says("HTTP/1.0 200 OK\r\n\r\n<html>").unwrap(), Some(Tunneled::Status(200)));
        assert_eq!(says("HTTP/1.1 403 No\r\n\r\n").unwrap(), Some(Tunneled::Status(403)));
        assert_eq!(says("HTTP/1.1 200 OK\r\nVia").unwrap(), None);
        assert!(says("SSH-2.0-OpenSSH_9.2\r\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_answer_is_too_much(bytes in proptest::collection::vec(0u8.., 0..2000), text in "HTTP/1\\.[01] [0-9]{0,4}.{0,200}") {
            let _ = answer(&bytes);
            let _ = answer(text.as_bytes());
        }
    }
}
