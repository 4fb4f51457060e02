//! What Windows says of proxies: the user's Internet settings, and scripts (PAC, WPAD), followed by Windows itself.

use super::{wide, wide_text};
use crate::{
    domain::proxy::{Script, System},
    network::system_proxy::{of_windows_list, windows_exception},
};
use std::ptr::null;
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

/// How long each step towards a script may take, in milliseconds.
const PATIENCE: i32 = 3000;

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
    if settings.detects {
        match follow(url, None) {
            Ok(found) => return found,
            // That there is none to be found is the usual case.
            Err(ERROR_WINHTTP_AUTODETECTION_FAILED) => {}
            Err(code) => unfollowed = Some(Script { url: None, why: why(code) }),
        }
    }
    if let Some(script) = &settings.script {
        match follow(url, Some(script)) {
            Ok(found) => return found,
            Err(code) => unfollowed = Some(Script { url: Some(script.clone()), why: why(code) }),
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
        WinHttpSetTimeouts(session, PATIENCE, PATIENCE, PATIENCE, PATIENCE);
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

fn why(code: u32) -> String {
    match code {
        ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT => "it cannot be fetched".into(),
        ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT => "it has mistakes".into(),
        ERROR_WINHTTP_LOGIN_FAILURE => "its server wants a sign-in".into(),
        code => format!("Windows failed with error {code}"),
    }
}
