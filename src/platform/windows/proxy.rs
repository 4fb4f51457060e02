//! What Windows says of proxies: the user's Internet settings, and scripts (PAC, WPAD), followed by Windows itself.

use super::{wide, wide_text};
use crate::{
    domain::proxy::{Script, System},
    network::system_proxy::{of_windows_list, windows_exception},
};
use std::{ptr::null, sync::mpsc, time::Duration};
use windows_sys::{
    Win32::{
        Foundation::{GetLastError, GlobalFree},
        Networking::WinHttp::{
            ERROR_WINHTTP_AUTODETECTION_FAILED, ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT,
            ERROR_WINHTTP_LOGIN_FAILURE, ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT,
            WINHTTP_ACCESS_TYPE_NAMED_PROXY, WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_AUTO_DETECT_TYPE_DHCP,
            WINHTTP_AUTO_DETECT_TYPE_DNS_A, WINHTTP_AUTOPROXY_AUTO_DETECT, WINHTTP_AUTOPROXY_CONFIG_URL,
            WINHTTP_AUTOPROXY_OPTIONS, WINHTTP_CURRENT_USER_IE_PROXY_CONFIG, WINHTTP_PROXY_INFO,
            WinHttpCloseHandle, WinHttpGetIEProxyConfigForCurrentUser, WinHttpGetProxyForUrl, WinHttpOpen,
            WinHttpSetTimeouts,
        },
    },
    core::PWSTR,
};

/// How long one script may take in all, to be found, fetched and run.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long each step of fetching it may take, in milliseconds.
const STEP: i32 = 3000;

/// What the Internet settings say.
#[derive(Default)]
struct Settings {
    detects: bool,
    script: Option<String>,
    proxy: Option<String>,
    exceptions: String,
}

/// What Windows says of this address. Blocks while a script is looked for, fetched and run.
pub fn for_url(url: &str, host: &str) -> System {
    let settings = settings();
    let mut unfollowed = None;
    // As Windows does: found by itself first, then the script that is named, then the proxy that is named.
    let scripts = settings.detects.then_some(None).into_iter().chain(settings.script.map(Some));
    for script in scripts {
        match follow_in_time(url, script.clone()) {
            Ok(found) => return found,
            // That there is none to be found is the usual case.
            Err(Unfollowed::Code(ERROR_WINHTTP_AUTODETECTION_FAILED)) if script.is_none() => {}
            Err(why) => unfollowed = Some(Script { url: script, why: why.in_words() }),
        }
    }
    if let Some(proxy) = settings.proxy.as_deref().and_then(of_windows_list) {
        return match windows_exception(host, &settings.exceptions) {
            Some(entry) => System::Direct(format!("{entry} in the exceptions of the Internet settings")),
            None => System::Proxy(proxy, "the Internet settings".into()),
        };
    }
    unfollowed.map_or(System::Nothing, System::Script)
}

fn settings() -> Settings {
    let mut found = WINHTTP_CURRENT_USER_IE_PROXY_CONFIG::default();
    // SAFETY: the pointer is to a local variable; each text that comes back is taken, and freed once.
    unsafe {
        if WinHttpGetIEProxyConfigForCurrentUser(&mut found) == 0 {
            return Settings::default();
        }
        Settings {
            detects: found.fAutoDetect != 0,
            script: taken(found.lpszAutoConfigUrl),
            proxy: taken(found.lpszProxy),
            exceptions: taken(found.lpszProxyBypass).unwrap_or_default(),
        }
    }
}

/// A text of Windows', freed.
///
/// # Safety
///
/// It is null, or ends with a zero and was given to be freed by `GlobalFree`.
unsafe fn taken(text: PWSTR) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as promised by the caller.
    let copy = unsafe { wide_text(text) };
    // SAFETY: as promised by the caller; it is not looked at again.
    unsafe { GlobalFree(text.cast()) };
    Some(copy.to_string_lossy().trim().to_string()).filter(|text| !text.is_empty())
}

/// Why a script was not followed.
enum Unfollowed {
    /// Windows' error.
    Code(u32),
    /// Windows is still at it.
    InTime,
}

/// Has Windows follow a script, for as long as is waited for it. What it finds later it keeps for itself, for the next
/// time.
fn follow_in_time(url: &str, script: Option<String>) -> Result<System, Unfollowed> {
    let (tell, told) = mpsc::channel();
    let url = url.to_string();
    std::thread::spawn(move || drop(tell.send(follow(&url, script.as_deref()))));
    told.recv_timeout(PATIENCE).map_err(|_| Unfollowed::InTime)?.map_err(Unfollowed::Code)
}

/// Has Windows follow a script: this one, or one that it finds.
fn follow(url: &str, script: Option<&str>) -> Result<System, u32> {
    let (agent, url, place) = (wide("visualcron-tray"), wide(url), script.map(wide));
    let mut options = WINHTTP_AUTOPROXY_OPTIONS { fAutoLogonIfChallenged: 1, ..Default::default() };
    match &place {
        Some(place) => {
            (options.dwFlags, options.lpszAutoConfigUrl) = (WINHTTP_AUTOPROXY_CONFIG_URL, place.as_ptr())
        }
        None => {
            options.dwFlags = WINHTTP_AUTOPROXY_AUTO_DETECT;
            options.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A;
        }
    }
    let mut info = WINHTTP_PROXY_INFO::default();
    // SAFETY: all texts end with a zero and outlive the calls; the session is closed once; what comes back is freed once.
    let (code, proxy) = unsafe {
        let session = WinHttpOpen(agent.as_ptr(), WINHTTP_ACCESS_TYPE_NO_PROXY, null(), null(), 0);
        if session.is_null() {
            return Err(GetLastError());
        }
        WinHttpSetTimeouts(session, STEP, STEP, STEP, STEP);
        let found = WinHttpGetProxyForUrl(session, url.as_ptr(), &mut options, &mut info) != 0;
        let code = if found { 0 } else { GetLastError() };
        WinHttpCloseHandle(session);
        taken(info.lpszProxyBypass);
        (code, taken(info.lpszProxy))
    };
    if code != 0 {
        return Err(code);
    }
    let rule = match script {
        Some(script) => format!("the PAC script {script}"),
        None => "a PAC script that Windows found (WPAD)".into(),
    };
    Ok(match proxy.as_deref().and_then(of_windows_list) {
        Some(proxy) if info.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY => System::Proxy(proxy, rule),
        _ => System::Direct(rule),
    })
}

impl Unfollowed {
    fn in_words(&self) -> String {
        match self {
            Unfollowed::Code(ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT) => "it cannot be fetched".into(),
            Unfollowed::Code(ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT) => "it has mistakes".into(),
            Unfollowed::Code(ERROR_WINHTTP_LOGIN_FAILURE) => "its server wants a sign-in".into(),
            Unfollowed::Code(code) => format!("Windows failed with error {code}"),
            Unfollowed::InTime => format!("Windows gave no answer within {} s", PATIENCE.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::TcpListener,
        time::Instant,
    };

    const URL: &str = "https://licenses.example/";

    /// Where a script is: served with this status, or never.
    fn serving(status: &'static str, script: &'static str) -> String {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        std::thread::spawn(move || {
            for guest in door.incoming() {
                let mut guest = guest.unwrap();
                std::thread::spawn(move || {
                    let _ = guest.read(&mut [0; 4096]);
                    if status.is_empty() {
                        std::thread::sleep(PATIENCE * 4);
                    }
                    let length = script.len();
                    let _ = write!(
                        guest,
                        "HTTP/1.1 {status}\r\nContent-Type: application/x-ns-proxy-autoconfig\r\n\
                         Content-Length: {length}\r\nConnection: close\r\n\r\n{script}"
                    );
                });
            }
        });
        format!("http://{address}/proxy.pac")
    }

    fn followed(place: &str) -> Result<System, String> {
        follow_in_time(URL, Some(place.into())).map_err(|why| why.in_words())
    }

    #[test]
    fn a_script_names_a_proxy_or_none() {
        let place = serving(
            "200 OK",
            "function FindProxyForURL(url, host) {\n  if (host == 'licenses.example') return 'PROXY proxy.example:8080; DIRECT';\n  return 'DIRECT';\n}\n",
        );
        let rule = format!("the PAC script {place}");
        assert_eq!(followed(&place), Ok(System::Proxy("proxy.example:8080".into(), rule.clone())));
        let other = follow("https://www.visualcron.com/", Some(&place));
        assert_eq!(other, Ok(System::Direct(rule)));
    }

    #[test]
    fn what_is_wrong_with_a_script_is_said() {
        assert_eq!(followed(&serving("404 Not Found", "")), Err("it cannot be fetched".into()));
        assert_eq!(followed("http://127.0.0.1:9/proxy.pac"), Err("it cannot be fetched".into()));
        let mistaken =
            followed(&serving("200 OK", "function FindProxyForURL(url, host) { return")).unwrap_err();
        // Wine has no error of its own for it.
        assert!(
            mistaken == "it has mistakes" || mistaken.starts_with("Windows failed with error"),
            "{mistaken}"
        );
    }

    #[test]
    fn a_script_that_never_comes_is_not_waited_for() {
        let (place, begun) = (serving("", ""), Instant::now());
        let why = followed(&place).unwrap_err();
        assert!(begun.elapsed() < PATIENCE + Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(why.contains("cannot be fetched") || why.contains("no answer"), "{why}");
    }
}
