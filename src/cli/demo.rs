//! `demo`: the tray on a world of its own.

use super::{Out, Session, tray};
use crate::{
    domain::{Fault, Problem},
    host::demo::{World, serve},
    platform::{
        dirs::{Dirs, Pretense},
        instance,
    },
};

pub fn run(session: &Session, out: &Out) -> Result<u8, Problem> {
    let pretends = session.clock.pretending();
    let world = World::make(session.clock.now().date())?;
    let host = serve(&world, &session.clock)?;
    let demo = format!(
        "visualcron-tray --visualcron-dir {} --config {} --data-dir {}{}",
        world.visualcron().display(),
        world.config().display(),
        world.data().display(),
        if pretends { format!(" --now {}", session.clock.now()) } else { String::new() },
    );
    out.remark(&format!(
        "Demo: a simulated VisualCron user with five servers, in {}.\n\
         Right-click the tray icon. Exit in its menu, or Ctrl+C here, removes everything.\n\
         On the command line, in another terminal: {demo} status\n\
         Its license host, in which PROD-01 was renewed: {demo} validate --ca-file {}\n\
         By hand: https://{}/offline",
        world.folder().display(),
        world.license_host().join("self-signed.crt.pem").display(),
        host.address(),
    ));
    let dirs = Dirs {
        visualcron_asked: Some(world.visualcron()),
        visualcron_default: world.visualcron(),
        config: world.config(),
        data: world.data(),
        pretense: if pretends { Pretense::Kept } else { Pretense::None },
    };
    let session =
        Session { dirs, clock: session.clock.clone(), verbose: session.verbose, told: Default::default() };
    let lock = instance::lock(&session.dirs)?.ok_or_else(|| {
        Problem::new(
            Fault::Software,
            "Cannot start the demo",
            world.data().display().to_string(),
            "its folder, just made, is locked",
            "Please report this.",
        )
    })?;
    tray::start(session, lock, None, Some(Box::new((host, world))))
}
