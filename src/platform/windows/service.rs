//! The Windows service of the server: its state, news of it, start and stop. With no more rights than the user
//! has; only where these do not suffice, one step is handed to an elevated run of this program that does nothing
//! else (`visualcron-tray service start`).

use super::{discovery, wide};
use crate::{
    app::Event,
    domain::{
        Fault, Problem,
        installation::{Installation, StartType},
    },
    platform::{Post, program},
};
use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};
use windows_sys::Win32::{
    Foundation::{
        CloseHandle, ERROR_ACCESS_DENIED, ERROR_CANCELLED, ERROR_DEPENDENT_SERVICES_RUNNING,
        ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_CANNOT_ACCEPT_CTRL, ERROR_SERVICE_DISABLED,
        ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_SERVICE_NOT_ACTIVE,
        ERROR_SERVICE_NOTIFY_CLIENT_LAGGING, LocalFree, WAIT_OBJECT_0,
    },
    System::{
        Com::{COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize},
        Services::{
            CloseServiceHandle, ControlService, NotifyServiceStatusChangeW, OpenSCManagerW, OpenServiceW,
            QueryServiceStatus, SC_HANDLE, SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE,
            SERVICE_CONTINUE_PENDING, SERVICE_CONTROL_STOP, SERVICE_NOTIFY_2W,
            SERVICE_NOTIFY_CONTINUE_PENDING, SERVICE_NOTIFY_CREATED, SERVICE_NOTIFY_DELETE_PENDING,
            SERVICE_NOTIFY_PAUSE_PENDING, SERVICE_NOTIFY_PAUSED, SERVICE_NOTIFY_RUNNING,
            SERVICE_NOTIFY_START_PENDING, SERVICE_NOTIFY_STATUS_CHANGE, SERVICE_NOTIFY_STOP_PENDING,
            SERVICE_NOTIFY_STOPPED, SERVICE_PAUSE_PENDING, SERVICE_PAUSED, SERVICE_QUERY_STATUS,
            SERVICE_RUNNING, SERVICE_START, SERVICE_START_PENDING, SERVICE_STATUS, SERVICE_STOP,
            SERVICE_STOP_PENDING, SERVICE_STOPPED, StartServiceW,
        },
        Threading::{GetExitCodeProcess, INFINITE, SleepEx, WaitForSingleObject},
    },
    UI::{
        Shell::{
            SEE_MASK_FLAG_NO_UI, SEE_MASK_NOASYNC, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW,
            ShellExecuteExW,
        },
        WindowsAndMessaging::SW_HIDE,
    },
};

/// How long a service may take to start or stop before we say so.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the elevated run may take: the user's answer to the question, and then the service.
const ELEVATED_PATIENCE: Duration = Duration::from_secs(180);

/// The state of the service, as the system counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `Stopped`.
    Stopped,
    /// On the way to `Started`.
    Starting,
    /// On the way to `Stopped`.
    Stopping,
    /// `Started`.
    Started,
    /// Paused, or on the way there or back.
    Paused,
    /// Something that Windows does not document.
    Unknown,
}

impl Status {
    fn of(state: u32) -> Status {
        match state {
            SERVICE_STOPPED => Status::Stopped,
            SERVICE_START_PENDING => Status::Starting,
            SERVICE_STOP_PENDING => Status::Stopping,
            SERVICE_RUNNING => Status::Started,
            SERVICE_PAUSED | SERVICE_PAUSE_PENDING | SERVICE_CONTINUE_PENDING => Status::Paused,
            _ => Status::Unknown,
        }
    }

    /// The vendor's words: Service status is Started or Stopped.
    pub fn word(self) -> &'static str {
        match self {
            Status::Stopped => "Stopped",
            Status::Starting => "Starting",
            Status::Stopping => "Stopping",
            Status::Started => "Started",
            Status::Paused => "Paused",
            Status::Unknown => "unknown",
        }
    }
}

/// The service for the menu: its state, or why there is none to start or stop.
pub fn for_menu(installation: &Installation) -> Result<String, String> {
    let Some(service) = &installation.service else { return Err("not installed".into()) };
    let service = &service.value;
    match (status(&service.name), service.start) {
        (Ok(Status::Stopped), StartType::Disabled) => Err("disabled: no server runs here".into()),
        (Ok(status), _) => Ok(status.word().into()),
        (Err(error), _) => Err(words_of(&error)),
    }
}

/// The state of a service. Needs no rights but to ask.
pub fn status(name: &str) -> io::Result<Status> {
    Ok(Status::of(Handle::open(name, SERVICE_QUERY_STATUS)?.query()?.dwCurrentState))
}

/// Starts or stops the service of the server that is installed here, with this process' own rights, and waits
/// until it is done. `PermissionDenied` if they do not suffice.
pub fn change(start: bool) -> Result<(), Problem> {
    let name = name_of(start)?;
    change_named(&name, start, PATIENCE).map_err(|error| problem(&name, start, &error))
}

/// As [`change`], and where this user's rights do not suffice, by asking for an administrator's.
pub fn change_elevated_if_needed(start: bool) -> Result<(), Problem> {
    let name = name_of(start)?;
    match change_named(&name, start, PATIENCE) {
        Ok(()) => Ok(()),
        Err(error) if is(&error, ERROR_ACCESS_DENIED) => {
            let program = program::path().map_err(|error| problem(&name, start, &error))?;
            elevate(&name, start, &program)
        }
        Err(error) => Err(problem(&name, start, &error)),
    }
}

fn name_of(start: bool) -> Result<String, Problem> {
    discovery::look().service.map(|service| service.value.name).ok_or_else(|| {
        Problem::new(
            Fault::Unavailable,
            cannot(start),
            "the Windows service VisualCron",
            "it is not installed here",
            "Do it on the machine where the server runs.",
        )
    })
}

/// One step with an administrator's rights. Windows asks the user; this waits for the end of it.
fn elevate(name: &str, start: bool, program: &Path) -> Result<(), Problem> {
    tracing::info!(event = "service.elevating", start);
    let word = if start { "start" } else { "stop" };
    match run_elevated(program, &format!("service {word}"), ELEVATED_PATIENCE) {
        Ok(0) => Ok(()),
        Ok(code) => {
            // The elevated run has no voice: what it left behind is asked again.
            let now = status(name).map_or_else(|error| words_of(&error), |status| status.word().into());
            let why = format!("the step with administrator rights ended with code {code}; it is {now}");
            Err(Problem::new(Fault::Io, cannot(start), place(name), why, next(start)))
        }
        Err(error) if is(&error, ERROR_CANCELLED) => Err(Problem::new(
            Fault::Permission,
            cannot(start),
            place(name),
            "it needs administrator rights, and the question for them was answered with No",
            "Try again and answer Yes, or ask an administrator of this machine.",
        )),
        Err(error) => Err(problem(name, start, &error)),
    }
}

/// Runs a program with an administrator's rights, without a window, and returns its exit code.
/// `ERROR_CANCELLED`: the user said no.
fn run_elevated(program: &Path, arguments: &str, patience: Duration) -> io::Result<u32> {
    let (verb, file, arguments) = (wide("runas"), wide(program), wide(arguments));
    let mut info = SHELLEXECUTEINFOW {
        cbSize: size_of::<SHELLEXECUTEINFOW>() as u32,
        // With its end to wait for, nothing left to be done in this thread later, and errors told to us, not to the
        // user. (The question for the rights comes all the same.)
        fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI,
        lpVerb: verb.as_ptr(),
        lpFile: file.as_ptr(),
        lpParameters: arguments.as_ptr(),
        nShow: SW_HIDE,
        ..Default::default()
    };
    // SAFETY: the structure is whole, its texts end with zeros and outlive the call; the process handle is ours to
    // close. COM is given back if this thread took it.
    unsafe {
        let com =
            CoInitializeEx(std::ptr::null(), (COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE) as u32);
        let started = ShellExecuteExW(&mut info) != 0;
        let error = io::Error::last_os_error();
        if com >= 0 {
            CoUninitialize();
        }
        if !started {
            return Err(error);
        }
        if info.hProcess.is_null() {
            return Err(io::Error::other("Windows did not say which process it is"));
        }
        let waited = WaitForSingleObject(info.hProcess, patience.as_millis() as u32);
        let mut code = 0;
        let ended = waited == WAIT_OBJECT_0 && GetExitCodeProcess(info.hProcess, &mut code) != 0;
        CloseHandle(info.hProcess);
        if ended { Ok(code) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

fn change_named(name: &str, start: bool, patience: Duration) -> io::Result<()> {
    let right = if start { SERVICE_START } else { SERVICE_STOP };
    let service = Handle::open(name, right | SERVICE_QUERY_STATUS)?;
    let deadline = Instant::now() + patience;
    let mut is_asked = false;
    loop {
        let now = service.query()?;
        let status = Status::of(now.dwCurrentState);
        match step(start, is_asked, status) {
            Step::Done => return Ok(()),
            Step::Ask => match if start { service.start() } else { service.stop() } {
                Ok(()) => is_asked = true,
                // Somebody else has asked since it was looked at.
                Err(error) if IS_ELSEWHERE.iter().any(|code| is(&error, *code)) => {}
                Err(error) => return Err(error),
            },
            Step::Wait => {}
            Step::Resume => {
                return Err(io::Error::other(
                    "it is paused: Windows' Services, or `net continue`, resumes it",
                ));
            }
            Step::StoppedAgain => {
                return Err(io::Error::other(format!(
                    "it stopped again at once, with code {}",
                    now.dwWin32ExitCode
                )));
            }
        }
        if Instant::now() > deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("after {} seconds it is still {}", patience.as_secs(), status.word()),
            ));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What Windows says where the service is in another state than the one that was asked for a change.
const IS_ELSEWHERE: [u32; 3] =
    [ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_NOT_ACTIVE, ERROR_SERVICE_CANNOT_ACCEPT_CTRL];

/// What is to be done with a service next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Done,
    Ask,
    Wait,
    /// It is paused: to start it is refused, as it is running.
    Resume,
    /// It was started, and is not any more.
    StoppedAgain,
}

/// On the way from one state to the other a service takes no word: to `StartServiceW` one that stops is running
/// (`ERROR_SERVICE_ALREADY_RUNNING`), and `ControlService` refuses one that starts or stops
/// (`ERROR_SERVICE_CANNOT_ACCEPT_CTRL`). So its arrival is waited for; one that is on its way to where it is wanted
/// needs no word at all.
fn step(start: bool, is_asked: bool, status: Status) -> Step {
    match (start, status) {
        (true, Status::Started) | (false, Status::Stopped) => Step::Done,
        (true, Status::Stopped) if is_asked => Step::StoppedAgain,
        (_, Status::Starting | Status::Stopping) => Step::Wait,
        (true, Status::Paused) => Step::Resume,
        _ if is_asked => Step::Wait,
        _ => Step::Ask,
    }
}

fn cannot(start: bool) -> &'static str {
    if start { "Cannot start the service" } else { "Cannot stop the service" }
}

fn place(name: &str) -> String {
    format!("the Windows service {name}")
}

fn next(start: bool) -> &'static str {
    if start {
        "Look into the server's log folder: server_startup.txt, and the newest log_server file."
    } else {
        "Look at it in Windows' own list of services."
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code as i32)
}

fn words_of(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error().map(|code| code as u32) {
        Some(ERROR_ACCESS_DENIED) => "this user may not".into(),
        Some(ERROR_SERVICE_DOES_NOT_EXIST) => "there is no such service any more".into(),
        Some(ERROR_SERVICE_DISABLED) => "it is disabled, as after installing the Client alone".into(),
        Some(ERROR_DEPENDENT_SERVICES_RUNNING) => "other services need it, and are running".into(),
        _ => text.split(" (os error").next().unwrap_or(&text).to_string(),
    }
}

fn problem(name: &str, start: bool, error: &io::Error) -> Problem {
    let (fault, next) = match error.raw_os_error().map(|code| code as u32) {
        Some(ERROR_ACCESS_DENIED) => {
            (Fault::Permission, "Do it as an administrator: in a console that was started as one.")
        }
        Some(ERROR_SERVICE_DOES_NOT_EXIST) => {
            (Fault::Unavailable, "Do it on the machine where the server runs.")
        }
        Some(ERROR_SERVICE_DISABLED) => (
            Fault::Unavailable,
            "If a server is to run here, an administrator sets its start type to Automatic in Windows' list of services.",
        ),
        Some(ERROR_DEPENDENT_SERVICES_RUNNING) => (Fault::Unavailable, "Stop those first."),
        _ => (Fault::Io, next(start)),
    };
    Problem::new(fault, cannot(start), place(name), words_of(error), next)
}

/// Posts a look at the world each time the service comes, changes its state, or goes. Costs a thread that sleeps.
pub fn watch(post: Post) {
    std::thread::spawn(move || {
        let mut tell = || post(Event::FilesChanged);
        let ended = loop {
            let ended = match discovery::look().service {
                Some(service) => watch_states(&service.value.name, &mut tell),
                None => wait_for_new_services(),
            };
            match ended {
                Err(error)
                    if is(&error, ERROR_SERVICE_MARKED_FOR_DELETE)
                        || is(&error, ERROR_SERVICE_DOES_NOT_EXIST) =>
                {
                    tell();
                    if let Err(error) = wait_for_new_services() {
                        break error;
                    }
                }
                Err(error) => break error,
                Ok(()) => {}
            }
            tell();
        };
        tracing::info!(event = "service.unwatched", why = words_of(&ended));
    });
}

/// Tells each change of the state, until the service goes.
fn watch_states(name: &str, tell: &mut dyn FnMut()) -> io::Result<()> {
    const STATES: u32 = SERVICE_NOTIFY_STOPPED
        | SERVICE_NOTIFY_START_PENDING
        | SERVICE_NOTIFY_STOP_PENDING
        | SERVICE_NOTIFY_RUNNING
        | SERVICE_NOTIFY_CONTINUE_PENDING
        | SERVICE_NOTIFY_PAUSE_PENDING
        | SERVICE_NOTIFY_PAUSED;
    let mut service = Handle::open(name, SERVICE_QUERY_STATUS)?;
    let mut seen = service.query()?.dwCurrentState;
    loop {
        // A state that holds already is told at once: it is not asked for. The bits stand in the order of the states.
        let other_states = STATES & !(1u32.checked_shl(seen.wrapping_sub(1)).unwrap_or(0));
        match next_news(&service, other_states | SERVICE_NOTIFY_DELETE_PENDING) {
            // An open handle would keep a deleted service alive.
            Ok(SERVICE_NOTIFY_DELETE_PENDING) => return Ok(()),
            Ok(_) => {}
            Err(error) if is(&error, ERROR_SERVICE_NOTIFY_CLIENT_LAGGING) => {
                service = Handle::open(name, SERVICE_QUERY_STATUS)?;
            }
            Err(error) => return Err(error),
        }
        seen = service.query()?.dwCurrentState;
        tell();
    }
}

/// Waits until services are made.
fn wait_for_new_services() -> io::Result<()> {
    next_news(&Handle::manager(SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE)?, SERVICE_NOTIFY_CREATED)
        .map(|_| ())
}

/// What happens next, of what is asked for.
fn next_news(of: &Handle, mask: u32) -> io::Result<u32> {
    /// What Windows writes into, and whether it has.
    #[repr(C)]
    struct Told {
        news: SERVICE_NOTIFY_2W,
        done: bool,
    }
    unsafe extern "system" fn noticed(told: *const std::ffi::c_void) {
        // SAFETY: the buffer that was handed over below, whose first part this is; it is waited for there, in this
        // very thread.
        unsafe { (*told.cast_mut().cast::<Told>()).done = true };
    }
    let told = Box::into_raw(Box::new(Told {
        news: SERVICE_NOTIFY_2W {
            dwVersion: SERVICE_NOTIFY_STATUS_CHANGE,
            pfnNotifyCallback: Some(noticed),
            ..Default::default()
        },
        done: false,
    }));
    // SAFETY: the buffer stays where it is until Windows has told, which it does in this thread while it sleeps; if
    // it does not take the question it keeps nothing. The names, where there are any, are ours to free.
    unsafe {
        let code = NotifyServiceStatusChangeW(of.0, mask, told.cast());
        while code == 0 && !std::ptr::read_volatile(&raw const (*told).done) {
            SleepEx(INFINITE, 1);
        }
        let told = Box::from_raw(told);
        if !told.news.pszServiceNames.is_null() {
            LocalFree(told.news.pszServiceNames.cast());
        }
        match (code, told.news.dwNotificationStatus) {
            (0, 0) => Ok(told.news.dwNotificationTriggered),
            (0, code) | (code, _) => Err(io::Error::from_raw_os_error(code as i32)),
        }
    }
}

/// A handle of the service manager's, closed when dropped.
struct Handle(SC_HANDLE);

impl Handle {
    fn manager(rights: u32) -> io::Result<Handle> {
        // SAFETY: no memory is involved: this machine, its usual database.
        Handle::of(unsafe { OpenSCManagerW(std::ptr::null(), std::ptr::null(), rights) })
    }

    fn open(name: &str, rights: u32) -> io::Result<Handle> {
        let (manager, name) = (Handle::manager(SC_MANAGER_CONNECT)?, wide(name));
        // SAFETY: the name ends with a zero.
        Handle::of(unsafe { OpenServiceW(manager.0, name.as_ptr(), rights) })
    }

    fn of(handle: SC_HANDLE) -> io::Result<Handle> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Handle(handle)) }
    }

    fn query(&self) -> io::Result<SERVICE_STATUS> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the pointer is to a local variable of the right type.
        checked(unsafe { QueryServiceStatus(self.0, &mut status) }).map(|()| status)
    }

    fn start(&self) -> io::Result<()> {
        // SAFETY: no arguments are handed over.
        checked(unsafe { StartServiceW(self.0, 0, std::ptr::null()) })
    }

    fn stop(&self) -> io::Result<()> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the pointer is to a local variable of the right type.
        checked(unsafe { ControlService(self.0, SERVICE_CONTROL_STOP, &mut status) })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: opened above, and closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn checked(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::installation::{Certainty, Found, Service};

    #[test]
    fn states_in_the_vendors_words() {
        assert_eq!(Status::of(SERVICE_RUNNING).word(), "Started");
        assert_eq!(Status::of(SERVICE_STOPPED).word(), "Stopped");
        assert_eq!(Status::of(99).word(), "unknown");
    }

    #[test]
    fn a_service_that_is_not_there() {
        assert_eq!(for_menu(&Installation::default()), Err("not installed".into()));
        let service = Service { name: "none-such".into(), start: StartType::Automatic };
        let service = Some(Found { value: service, by: String::new(), certainty: Certainty::Inferred });
        let installation = Installation { service, ..Installation::default() };
        assert_eq!(for_menu(&installation), Err("there is no such service any more".into()));
        let error = change_named("none-such", true, Duration::ZERO).unwrap_err();
        assert_eq!(problem("none-such", true, &error).fault, Fault::Unavailable);
    }

    #[test]
    fn a_service_that_is_on_its_way_is_waited_for_before_it_is_asked() {
        let steps = |start, is_asked| {
            use Status::{Paused, Started, Starting, Stopped, Stopping};
            [Stopped, Starting, Started, Stopping, Paused].map(|status| step(start, is_asked, status))
        };
        use Step::{Ask, Done, Resume, StoppedAgain, Wait};
        assert_eq!(steps(true, false), [Ask, Wait, Done, Wait, Resume]);
        assert_eq!(steps(true, true), [StoppedAgain, Wait, Done, Wait, Resume]);
        assert_eq!(steps(false, false), [Done, Wait, Ask, Wait, Ask]);
        assert_eq!(steps(false, true), [Done, Wait, Wait, Wait, Wait]);
    }

    #[test]
    fn refusals_in_plain_words() {
        let told = |code: u32| problem("V", true, &io::Error::from_raw_os_error(code as i32)).to_string();
        insta::assert_snapshot!(
            [ERROR_ACCESS_DENIED, ERROR_SERVICE_DISABLED, ERROR_DEPENDENT_SERVICES_RUNNING].map(told).join("\n"),
            @r"
        Cannot start the service: the Windows service V: this user may not. Do it as an administrator: in a console that was started as one.
        Cannot start the service: the Windows service V: it is disabled, as after installing the Client alone. If a server is to run here, an administrator sets its start type to Automatic in Windows' list of services.
        Cannot start the service: the Windows service V: other services need it, and are running. Stop those first.
        "
        );
    }

    /// On Wine alone: a service of its own is started, watched and stopped.
    #[test]
    fn a_service_starts_stops_and_tells_of_it() {
        if std::env::var_os("WINEPREFIX").is_none() {
            return;
        }
        const NAME: &str = "MSIServer";
        let patience = Duration::from_secs(30);
        change_named(NAME, false, patience).unwrap();
        let (news, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            watch_states(NAME, &mut || {
                let _ = news.send(status(NAME).unwrap());
            })
        });
        let wait_for = |wanted: Status| {
            let deadline = Instant::now() + patience;
            while told.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap() != wanted {}
        };
        // Time for the watch to begin.
        std::thread::sleep(Duration::from_millis(300));
        change_named(NAME, true, patience).unwrap();
        assert_eq!(status(NAME).unwrap(), Status::Started);
        change_named(NAME, true, patience).unwrap();
        wait_for(Status::Started);
        change_named(NAME, false, patience).unwrap();
        assert_eq!(status(NAME).unwrap(), Status::Stopped);
        wait_for(Status::Stopped);
    }

    /// Wine grants the rights without a question, so that the way there and back can be seen.
    #[test]
    fn an_elevated_program_is_waited_for() {
        let cmd = Path::new(r"C:\windows\system32\cmd.exe");
        if !cmd.exists() || std::env::var_os("WINEPREFIX").is_none() {
            return;
        }
        assert_eq!(run_elevated(cmd, "/c exit 7", Duration::from_secs(30)).unwrap(), 7);
        let error = run_elevated(Path::new(r"C:\none.exe"), "", Duration::from_secs(30)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
