//! Named pipes between the processes of one user. Their names can be taken by anybody on the machine, so that both
//! ends look at who is at the other: the listener lets in only its user, and who connects looks at whose pipe it is.

use super::security;
use interprocess::{
    local_socket::{ListenerOptions, Stream},
    os::windows::{
        local_socket::ListenerOptionsExt, named_pipe::local_socket, security_descriptor::SecurityDescriptor,
    },
};
use std::{
    fs::File,
    io,
    os::windows::{fs::OpenOptionsExt, io::OwnedHandle},
    time::{Duration, Instant},
};
use windows_sys::Win32::{
    Foundation::{ERROR_PIPE_BUSY, GENERIC_READ, GENERIC_WRITE},
    Security::Authorization::SE_KERNEL_OBJECT,
    Storage::FileSystem::{FILE_FLAG_OVERLAPPED, SECURITY_IDENTIFICATION},
};

/// How long a pipe that others hold is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// The pipe belongs to this user, who may talk to it, as may the system; by default everybody could listen in.
pub fn for_this_user(options: ListenerOptions<'_>) -> io::Result<ListenerOptions<'_>> {
    let user = security::this_user()?;
    let rights = super::wide(format!("O:{user}D:P(A;;GA;;;{user})(A;;GA;;;SY)"));
    let rights = widestring::U16CStr::from_slice_truncate(&rights).map_err(io::Error::other)?;
    Ok(options.security_descriptor(SecurityDescriptor::deserialize(rights)?))
}

/// Connects to the pipe of this name. Whoever listens there may learn who we are, but not act in our name, as it could
/// by default where it is a service.
pub fn connect(name: &str) -> io::Result<Stream> {
    let end = Instant::now() + PATIENCE;
    let handle = loop {
        let opened = File::options()
            .access_mode(GENERIC_READ | GENERIC_WRITE)
            .custom_flags(FILE_FLAG_OVERLAPPED)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(format!(r"\\.\pipe\{name}"));
        match opened {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY as i32) && Instant::now() < end => {
                std::thread::sleep(PAUSE);
            }
            opened => break OwnedHandle::from(opened?),
        }
    };
    Ok(Stream::NamedPipe(local_socket::Stream::try_from(handle).map_err(io::Error::from)?))
}

/// Does the pipe belong to this user? Only who may give files away (administrators) could make one that only seems to;
/// and a sandboxed process of this user's, which is not believed.
pub fn is_of_this_user(stream: &Stream) -> bool {
    let Stream::NamedPipe(stream) = stream;
    let owner = security::owner_of_object(stream, SE_KERNEL_OBJECT);
    owner.is_ok_and(|owner| security::this_user().is_ok_and(|user| owner == user))
        && security::is_of_low_integrity(stream, SE_KERNEL_OBJECT).is_ok_and(|low| !low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use interprocess::local_socket::{GenericNamespaced, prelude::*};

    fn options(name: &str) -> ListenerOptions<'static> {
        ListenerOptions::new().name(name.to_owned().to_ns_name::<GenericNamespaced>().unwrap())
    }

    #[test]
    fn a_pipe_is_its_user_s_alone() {
        let name = format!("visualcron-tray-test-{}-ours", std::process::id());
        let _listener = for_this_user(options(&name)).unwrap().create_sync().unwrap();
        let stream = connect(&name).unwrap();
        assert!(is_of_this_user(&stream));
        let Stream::NamedPipe(pipe) = &stream;
        let rights = security::rights_of_object(pipe, SE_KERNEL_OBJECT).unwrap();
        let user = security::this_user().unwrap();
        assert!(rights.starts_with(&format!("O:{user}")), "{rights}");
        let (_, list) = rights.split_once("D:").unwrap();
        let allowed: Vec<&str> = list.matches("(A;").collect();
        assert!(allowed.len() == 2 && list.contains(&user) && list.contains(";SY)"), "{rights}");
    }

    #[test]
    fn the_pipe_of_another_is_not_talked_to() {
        let name = format!("visualcron-tray-test-{}-theirs", std::process::id());
        let rights = widestring::u16cstr!("O:SYD:(A;;GA;;;WD)");
        let planted = options(&name).security_descriptor(SecurityDescriptor::deserialize(rights).unwrap());
        let _listener = planted.create_sync().unwrap();
        assert!(!is_of_this_user(&connect(&name).unwrap()));
    }

    #[test]
    fn nobody_there_is_told_at_once() {
        let begun = Instant::now();
        assert_eq!(connect("visualcron-tray-test-nobody").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(begun.elapsed() < PATIENCE);
    }
}
