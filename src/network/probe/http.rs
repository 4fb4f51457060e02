//! What is asked over the encrypted connection: `GET /healthz` where the certificate is right; else `HEAD /`, which tells
//! nobody anything, for the date and a portal's redirect. Then, over a connection of its own, `POST /v1/validate` with a
//! request that holds nothing: a license host declines it, as its protocol says.

use super::{Now, Stream, millis};
use crate::{
    domain::{
        diagnosis::{
            Answer, Health, Http, Instead, Protocol, Target, date, health, is_an_answer, page, short,
        },
        proxy::with_port,
    },
    network::client::USER_AGENT,
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Body, Bytes, Incoming},
    client::conn::http1,
    header::{self, HeaderName},
};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use std::{
    error::Error,
    io::{self, ErrorKind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// The most bytes of an answer that are read.
const MAX_BODY: usize = 64 * 1024;
/// The most bytes of its head.
const MAX_HEAD: usize = 32 * 1024;

/// A request without anything in it: no license, no code, no nonce.
const EMPTY_REQUEST: &[u8] = br#"{"protocol":1}"#;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Health,
    Head,
    Request,
}

/// What came of it.
struct Replied {
    http: Http,
    date: Option<Timestamp>,
    here: Option<Timestamp>,
    body: Vec<u8>,
}

/// What came of it.
pub(super) struct Asked {
    pub(super) http: Http,
    /// The date of the answer.
    pub(super) date: Option<Timestamp>,
    /// The time here when its head had come.
    pub(super) here: Option<Timestamp>,
    /// `None`: no answer that would tell.
    pub(super) protocol: Option<Protocol>,
}

/// Asks what there is.
pub(super) async fn ask(
    stream: Box<dyn Stream>,
    target: &Target,
    verified: bool,
    now: &Now,
    limit: Duration,
) -> Asked {
    let question = if verified { Question::Health } else { Question::Head };
    let Replied { mut http, date, here, body } = put(stream, target, question, now, limit).await;
    // What is compressed is not unpacked, so that a small answer cannot become a huge one.
    let readable = verified && http.encoding.is_none();
    if readable {
        (http.title, http.sign_in_page) = page(&body);
    }
    let is_success = http.status.is_some_and(|status| (200..300).contains(&status));
    let is_there = verified && here.is_some() && matches!(http.outcome, Answer::Whole | Answer::TooLong);
    let protocol = is_there.then(|| match readable && is_success && http.outcome == Answer::Whole {
        true => spoken(health(&body)),
        false => Protocol::NotSpoken,
    });
    Asked { http, date, here, protocol }
}

fn spoken(health: Health) -> Protocol {
    match (health.versions.as_slice(), health.problems.is_empty()) {
        ([], _) => Protocol::NotSpoken,
        (all, true) if all.contains(&1) => Protocol::Spoken,
        (all, false) if all.contains(&1) => Protocol::Degraded(health.problems),
        _ => Protocol::Versions(health.versions),
    }
}

/// Puts an empty request, and tells what that means beside what `GET /healthz` said.
pub(super) async fn request(
    stream: Box<dyn Stream>,
    target: &Target,
    by_health: Protocol,
    now: &Now,
    limit: Duration,
) -> Protocol {
    let Replied { http, body, .. } = put(stream, target, Question::Request, now, limit).await;
    let is_answered = http.outcome == Answer::Whole && http.encoding.is_none() && is_an_answer(&body);
    match (by_health, is_answered) {
        (Protocol::NotSpoken, true) => Protocol::OnlyRequests,
        (Protocol::Spoken | Protocol::Degraded(_), false) => {
            let Http { outcome, status, content_type, .. } = http;
            Protocol::NoRequests(Instead { outcome, status, content_type })
        }
        (by_health, _) => by_health,
    }
}

/// Puts one question over this connection.
async fn put(
    stream: Box<dyn Stream>,
    target: &Target,
    question: Question,
    now: &Now,
    limit: Duration,
) -> Replied {
    let begun = Instant::now();
    let bytes = Arc::new(AtomicU64::new(0));
    let http = Http {
        outcome: Answer::Late,
        verified: question != Question::Head,
        status: None,
        location: None,
        content_type: None,
        encoding: None,
        retry_after: None,
        sign_in_page: false,
        title: None,
        bytes: 0,
        millis: 0,
    };
    let mut replied = Replied { http, date: None, here: None, body: Vec::new() };
    let counted = Counted { inner: stream, bytes: bytes.clone() };
    let outcome = tokio::time::timeout(limit, exchange(counted, target, question, now, &mut replied)).await;
    let total = bytes.load(Ordering::Relaxed);
    replied.http.outcome = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => failure(&error, total),
        Err(_) => Answer::Late,
    };
    replied.http.bytes = total;
    replied.http.millis = millis(begun);
    replied
}

async fn exchange(
    stream: Counted,
    target: &Target,
    question: Question,
    now: &Now,
    replied: &mut Replied,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(100)
        .max_buf_size(MAX_HEAD)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await?;
    tokio::spawn(connection);
    let (method, path, body) = match question {
        Question::Health => ("GET", "/healthz", &[][..]),
        Question::Head => ("HEAD", "/", &[][..]),
        Question::Request => ("POST", "/v1/validate", EMPTY_REQUEST),
    };
    let host = if target.port == 443 { target.host.clone() } else { with_port(&target.host, target.port) };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "application/json")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close");
    if question == Question::Request {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let Ok(request) = request.body(Full::new(Bytes::from_static(body))) else { return Ok(Answer::NotHttp) };
    let response = sender.send_request(request).await?;
    replied.here = Some(now());
    let text = |name: HeaderName| {
        let value = response.headers().get(name)?;
        Some(short(&String::from_utf8_lossy(value.as_bytes())))
    };
    let http = &mut replied.http;
    http.status = Some(response.status().as_u16());
    http.location = text(header::LOCATION);
    http.content_type =
        text(header::CONTENT_TYPE).map(|kind| kind.split(';').next().unwrap_or_default().trim().to_string());
    http.encoding =
        text(header::CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    http.retry_after = text(header::RETRY_AFTER);
    replied.date = text(header::DATE).and_then(|text| date(&text));
    if question == Question::Head {
        return Ok(Answer::Whole);
    }
    let (body, outcome) = read(response).await?;
    replied.body = body;
    Ok(outcome)
}

/// The body, as far as it is read.
async fn read(response: Response<Incoming>) -> Result<(Vec<u8>, Answer), hyper::Error> {
    let mut body = response.into_body();
    let announced = body.size_hint().exact().is_some();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Some(data) = frame.data_ref() {
                    let room = MAX_BODY - bytes.len();
                    bytes.extend_from_slice(&data[..data.len().min(room)]);
                    if data.len() > room {
                        return Ok((bytes, Answer::TooLong));
                    }
                }
            }
            // Without a length the end of the connection is the end of the answer, however it is ended.
            Err(error) if !announced && io_kind(&error) == Some(ErrorKind::UnexpectedEof) => break,
            Err(error)
                if error.is_incomplete_message() || io_kind(&error) == Some(ErrorKind::UnexpectedEof) =>
            {
                return Ok((bytes, Answer::CutOff));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((bytes, Answer::Whole))
}

/// Why there was no whole answer.
fn failure(error: &hyper::Error, bytes: u64) -> Answer {
    if let Some(alert) = alert(error) {
        return Answer::Alert(alert);
    }
    let ended = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    match io_kind(error) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => {
            Answer::Reset
        }
        Some(ErrorKind::UnexpectedEof) if bytes == 0 => Answer::Empty,
        Some(ErrorKind::UnexpectedEof) => Answer::CutOff,
        _ if ended && bytes == 0 => Answer::Empty,
        _ if ended => Answer::CutOff,
        _ => Answer::NotHttp,
    }
}

fn causes(error: &hyper::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source())
}

fn io_kind(error: &hyper::Error) -> Option<ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn alert(error: &hyper::Error) -> Option<String> {
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>())?;
    match io.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(format!("{alert:?}")),
        _ => None,
    }
}

/// Counts what comes in.
struct Counted {
    inner: Box<dyn Stream>,
    bytes: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.bytes.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What is found of a server that sends these bytes, to each question, and closes: for tests, and for fuzzing.
pub fn of_bytes(bytes: &[u8]) -> io::Result<(Http, Option<Protocol>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let target = Target { host: "host".into(), port: 443 };
    let now: Now = Arc::new(|| Timestamp::UNIX_EPOCH);
    // Whoever waits for so long waits for ever: everything that will come is there.
    let limit = Duration::from_secs(20);
    let server = || {
        let (ours, mut theirs) = tokio::io::duplex(1024 * 1024);
        let bytes = bytes.to_vec();
        tokio::spawn(async move {
            let _ = theirs.read(&mut [0; 64]).await;
            let _ = theirs.write_all(&bytes).await;
        });
        Box::new(ours)
    };
    Ok(runtime.block_on(async {
        let asked = ask(server(), &target, true, &now, limit).await;
        let protocol = match asked.protocol {
            Some(protocol) => Some(request(server(), &target, protocol, &now, limit).await),
            None => None,
        };
        (asked.http, protocol)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(bytes: impl Into<Vec<u8>>) -> Answer {
        of_bytes(&bytes.into()).unwrap().0.outcome
    }

    #[test]
    fn what_ends_is_told_from_what_is_cut_off() {
        for (bytes, ended) in [
            ("", Answer::Empty),
            ("HTTP/1.1 20", Answer::CutOff),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12", Answer::CutOff),
            ("HTTP/1.1 200 OK\r\n\r\n12", Answer::Whole),
            ("SSH-2.0-x\r\n", Answer::NotHttp),
        ] {
            assert_eq!(outcome(bytes), ended, "{bytes:?}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000));
        assert_eq!(outcome(endless), Answer::TooLong);
        let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(20_000));
        assert_eq!(outcome(headers), Answer::NotHttp);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_that_a_server_sends_is_too_much(
            line in "HTTP/1\\.[0-9] [0-9]{0,4}.{0,20}\r\n",
            headers in "([A-Za-z-]{0,12}: ?.{0,40}\r\n){0,8}",
            body in proptest::collection::vec(0u8.., 0..500),
            raw in proptest::bool::ANY,
        ) {
            let mut bytes = if raw { Vec::new() } else { format!("{line}{headers}\r\n").into_bytes() };
            bytes.extend(body);
            proptest::prop_assert!(outcome(bytes) != Answer::Late);
        }
    }
}
