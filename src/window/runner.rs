//! One window on the screen, painted by the CPU. It sleeps until something happens: a key, the pointer, something
//! heard, or the time at which the view wants to be painted again.

use super::{paint::Painter, style, system_theme};
use crate::{
    domain::{Fault, Problem},
    platform::clipboard,
};
use egui::{Context, ViewportId};
use egui_winit::accesskit_winit;
use std::{
    num::NonZeroU32,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use winit::{
    application::ApplicationHandler,
    dpi::{LogicalSize, PhysicalSize},
    event::{StartCause, WindowEvent},
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy, OwnedDisplayHandle},
    keyboard::{Key, KeyCode, NamedKey, PhysicalKey},
    window::{Icon, Theme, UserAttentionType, Window, WindowId},
};

/// The most characters that are pasted into a window.
const MOST_PASTED: usize = 1 << 20;

/// What a window shows.
pub trait View {
    /// Its title.
    fn title(&self) -> String;
    /// How large it is at first, in points.
    fn size(&self) -> [f32; 2];
    /// Shows it, at this time since the window began, and takes what the user does.
    fn show(&mut self, ctx: &Context, now: Duration) -> After;
}

/// What becomes of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It stays.
    Stay,
    /// It closes.
    Close,
}

enum Wake {
    Look,
    Front,
    Theme(Theme),
    Access(accesskit_winit::Event),
}

impl From<accesskit_winit::Event> for Wake {
    fn from(event: accesskit_winit::Event) -> Wake {
        Wake::Access(event)
    }
}

/// Wakes the window, from any thread.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn(Call) + Send + Sync>);

/// What a window is woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// There is something new to show.
    Wake,
    /// It is to come to the front.
    ToFront,
}

impl Waker {
    /// Calls this instead of a window.
    pub fn new(call: impl Fn(Call) + Send + Sync + 'static) -> Waker {
        Waker(Arc::new(call))
    }

    fn of(proxy: EventLoopProxy<Wake>) -> Waker {
        Waker::new(move |call| {
            // Where the window is closed there is nobody to wake.
            let _ = proxy.send_event(match call {
                Call::Wake => Wake::Look,
                Call::ToFront => Wake::Front,
            });
        })
    }

    /// There is something new to show.
    pub fn wake(&self) {
        (self.0)(Call::Wake);
    }

    /// The window is to come to the front.
    pub fn to_front(&self) {
        (self.0)(Call::ToFront);
    }
}

/// Opens a window, and returns when it is closed. On the main thread, once in a process. Where there can be none, the
/// problem names the `command` that does the same.
pub fn run(
    command: &'static str,
    view: impl FnOnce(Waker) -> Result<Box<dyn View>, Problem>,
) -> Result<(), Problem> {
    let event_loop = event_loop(command)?;
    let waker = Waker::of(event_loop.create_proxy());
    let proxy = event_loop.create_proxy();
    let mut runner = Runner {
        view: view(waker)?,
        command,
        began: Instant::now(),
        display: event_loop.owned_display_handle(),
        proxy,
        open: None,
        problem: None,
    };
    let ran = event_loop.run_app(&mut runner).map_err(|error| no_window(error.to_string(), command));
    clipboard::hand_over();
    ran?;
    runner.problem.map_or(Ok(()), Err)
}

fn event_loop(command: &str) -> Result<EventLoop<Wake>, Problem> {
    // Where a library of the display is missing, winit's loaders do not return errors: they panic.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let built = std::panic::catch_unwind(|| EventLoop::<Wake>::with_user_event().build());
    std::panic::set_hook(hook);
    match built {
        Ok(built) => built.map_err(|error| no_window(error.to_string(), command)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(no_window(text.unwrap_or_else(|| "the display cannot be opened".into()), command))
        }
    }
}

/// There can be no window here; what to do instead.
fn no_window(why: impl Into<String>, command: &str) -> Problem {
    let place = if cfg!(any(windows, target_os = "macos")) { "the desktop" } else { "the display" };
    let why = why.into();
    // Places in somebody's source are of no use to who reads this.
    let why =
        why.split_once(".rs:").and_then(|(_, rest)| rest.split_once(": ")).map_or(&*why, |(_, why)| why);
    Problem::new(
        Fault::Unavailable,
        "No window can be opened",
        place,
        why.trim_matches('"'),
        format!("On the command line it is: {command}"),
    )
}

struct Runner {
    view: Box<dyn View>,
    command: &'static str,
    began: Instant,
    display: OwnedDisplayHandle,
    proxy: EventLoopProxy<Wake>,
    open: Option<Open>,
    problem: Option<Problem>,
}

/// The window while it is open.
struct Open {
    window: Rc<Window>,
    surface: softbuffer::Surface<OwnedDisplayHandle, Rc<Window>>,
    input: egui_winit::State,
    ctx: Context,
    painter: Painter,
    shown: bool,
    closing: bool,
    again_at: Option<Instant>,
}

impl Runner {
    fn create(&mut self, event_loop: &ActiveEventLoop) -> Result<Open, Problem> {
        let failed = |error: &dyn std::fmt::Display| no_window(error.to_string(), self.command);
        let [width, height] = self.view.size();
        let wanted = LogicalSize::new(f64::from(width), f64::from(height));
        // Accessibility must be there before the window is seen; and nobody sees it empty.
        let attributes = Window::default_attributes()
            .with_title(self.view.title())
            .with_visible(false)
            .with_min_inner_size(LogicalSize::new(460.0, 320.0))
            .with_inner_size(wanted)
            .with_window_icon(icon());
        let window = event_loop.create_window(for_system(attributes)).map_err(|error| failed(&error))?;
        let window = Rc::new(window);
        fit(&window, wanted);

        let ctx = Context::default();
        style::apply(&ctx);
        let theme = window.theme().or_else(|| {
            let proxy = self.proxy.clone();
            system_theme::ask(move |theme| drop(proxy.send_event(Wake::Theme(theme))))
        });
        let scale = window.scale_factor() as f32;
        let mut input =
            egui_winit::State::new(ctx.clone(), ViewportId::ROOT, &window, Some(scale), theme, None);
        input.init_accesskit(event_loop, &window, self.proxy.clone());
        let context = softbuffer::Context::new(self.display.clone()).map_err(|error| failed(&error))?;
        let surface = softbuffer::Surface::new(&context, window.clone()).map_err(|error| failed(&error))?;
        Ok(Open {
            window,
            surface,
            input,
            ctx,
            painter: Painter::default(),
            shown: false,
            closing: false,
            again_at: None,
        })
    }

    fn paint(&mut self) -> Result<(), Problem> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.again_at = None;
        let size = open.window.inner_size();
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        let input = open.input.take_egui_input(&open.window);
        let (view, now) = (&mut self.view, self.began.elapsed());
        let mut after = After::Stay;
        let mut output = open.ctx.run(input, |ctx| {
            if view.show(ctx, now) == After::Close {
                after = After::Close;
            }
        });
        open.closing |= after == After::Close;
        for command in &output.platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                // Where there is no clipboard the text is on the screen all the same.
                let _ = clipboard::copy(text);
            }
        }
        open.input.handle_platform_output(&open.window, std::mem::take(&mut output.platform_output));

        let command = self.command;
        let failed = |error: softbuffer::SoftBufferError| no_window(error.to_string(), command);
        open.surface.resize(width, height).map_err(failed)?;
        let mut pixels = open.surface.buffer_mut().map_err(failed)?;
        let size = [width.get() as usize, height.get() as usize];
        open.painter.paint(&open.ctx, &mut output, &mut pixels, size);
        open.window.pre_present_notify();
        pixels.present().map_err(failed)?;

        if !open.shown {
            open.shown = true;
            open.window.set_visible(true);
            open.window.focus_window();
            open.window.request_redraw();
        }
        let delay = output.viewport_output.get(&ViewportId::ROOT).map_or(Duration::MAX, |v| v.repaint_delay);
        match delay {
            Duration::ZERO => open.window.request_redraw(),
            // Later than anybody waits: not at all.
            delay => {
                open.again_at =
                    Instant::now().checked_add(delay).filter(|_| delay < Duration::from_secs(3600))
            }
        }
        Ok(())
    }
}

impl ApplicationHandler<Wake> for Runner {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.open.is_some() {
            return;
        }
        match self.create(event_loop) {
            Ok(open) => self.open = Some(open),
            Err(problem) => return self.give_up(event_loop, problem),
        }
        // Windows that are not seen are not told to paint themselves.
        if let Err(problem) = self.paint() {
            self.give_up(event_loop, problem);
        }
    }

    fn new_events(&mut self, _: &ActiveEventLoop, cause: StartCause) {
        if let (StartCause::ResumeTimeReached { .. }, Some(open)) = (cause, &mut self.open) {
            open.again_at = None;
            open.window.request_redraw();
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(open) = &mut self.open else { return };
        if is_paste(&event, open.input.egui_input().modifiers)
            && let Ok(text) = clipboard::text()
        {
            open.input.set_clipboard_text(text.chars().take(MOST_PASTED).collect());
        }
        let before = open.input.egui_input().events.len();
        let response = open.input.on_window_event(&open.window, &event);
        drop_text_of_shortcuts(open.input.egui_input_mut(), before);
        match event {
            WindowEvent::CloseRequested => return event_loop.exit(),
            WindowEvent::RedrawRequested => {
                if let Err(problem) = self.paint() {
                    return self.give_up(event_loop, problem);
                }
            }
            _ if response.repaint => open.window.request_redraw(),
            _ => {}
        }
        if self.open.as_ref().is_some_and(|open| open.closing) {
            event_loop.exit();
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, wake: Wake) {
        let Some(open) = &mut self.open else { return };
        match wake {
            Wake::Look => {}
            Wake::Theme(theme) => {
                open.input.egui_input_mut().system_theme = Some(match theme {
                    Theme::Dark => egui::Theme::Dark,
                    Theme::Light => egui::Theme::Light,
                });
            }
            Wake::Front => {
                open.window.set_minimized(false);
                open.window.focus_window();
                open.window.request_user_attention(Some(UserAttentionType::Informational));
            }
            Wake::Access(event) => match event.window_event {
                accesskit_winit::WindowEvent::InitialTreeRequested => open.ctx.enable_accesskit(),
                accesskit_winit::WindowEvent::ActionRequested(request) => {
                    open.input.on_accesskit_action_request(request);
                }
                accesskit_winit::WindowEvent::AccessibilityDeactivated => open.ctx.disable_accesskit(),
            },
        }
        open.window.request_redraw();
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        event_loop.set_control_flow(match self.open.as_ref().and_then(|open| open.again_at) {
            Some(at) => ControlFlow::WaitUntil(at),
            None => ControlFlow::Wait,
        });
    }
}

impl Runner {
    fn give_up(&mut self, event_loop: &ActiveEventLoop, problem: Problem) {
        self.problem = Some(problem);
        event_loop.exit();
    }
}

/// The keys that paste. What they mean is for egui to know; here it is enough that none is missing.
fn is_paste(event: &WindowEvent, modifiers: egui::Modifiers) -> bool {
    let WindowEvent::KeyboardInput { event, .. } = event else { return false };
    let is_v = match &event.logical_key {
        Key::Character(typed) => typed.eq_ignore_ascii_case("v"),
        Key::Named(NamedKey::Paste) => return event.state.is_pressed(),
        Key::Named(NamedKey::Insert) => return event.state.is_pressed() && modifiers.shift,
        _ => false,
    };
    let is_v = is_v || event.physical_key == PhysicalKey::Code(KeyCode::KeyV);
    event.state.is_pressed() && modifiers.command && is_v
}

/// A letter that is pressed together with Alt presses a button; it is not typed besides. (On macOS it is a character of
/// its own; with AltGr, which Windows calls Ctrl and Alt, too.) `from` is where the events of that key begin.
fn drop_text_of_shortcuts(input: &mut egui::RawInput, from: usize) {
    if cfg!(target_os = "macos") || !input.modifiers.alt || input.modifiers.ctrl {
        return;
    }
    let mut number = 0;
    input.events.retain(|event| {
        number += 1;
        number <= from || !matches!(event, egui::Event::Text(_))
    });
}

/// On a small screen the window is no larger than nine tenths of it.
fn fit(window: &Window, wanted: LogicalSize<f64>) {
    let Some(screen) = window.current_monitor().or_else(|| window.primary_monitor()) else { return };
    let wanted: PhysicalSize<f64> = wanted.to_physical(window.scale_factor());
    let most = |wanted: f64, screen: u32| wanted.min(f64::from(screen) * 0.9);
    let (width, height) =
        (most(wanted.width, screen.size().width), most(wanted.height, screen.size().height));
    if width < wanted.width || height < wanted.height {
        let _ = window.request_inner_size(PhysicalSize::new(width as u32, height as u32));
    }
}

/// The name by which the desktop knows whose window it is.
#[cfg(target_os = "linux")]
fn for_system(attributes: winit::window::WindowAttributes) -> winit::window::WindowAttributes {
    use winit::platform::{wayland::WindowAttributesExtWayland, x11::WindowAttributesExtX11};
    let name = "visualcron-tray";
    let attributes = WindowAttributesExtX11::with_name(attributes, name, name);
    WindowAttributesExtWayland::with_name(attributes, name, name)
}

#[cfg(not(target_os = "linux"))]
fn for_system(attributes: winit::window::WindowAttributes) -> winit::window::WindowAttributes {
    attributes
}

fn icon() -> Option<Icon> {
    let bytes: &[u8] = include_bytes!("../../assets/png/app-48.png");
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::ALPHA | png::Transformations::EXPAND);
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    (info.color_type == png::ColorType::Rgba)
        .then(|| Icon::from_rgba(pixels, info.width, info.height).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_can_be_read() {
        assert!(icon().is_some());
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn a_shortcut_is_not_typed() {
        let text = |text: &str| egui::Event::Text(text.into());
        let mut input = egui::RawInput { events: vec![text("a"), text("p")], ..Default::default() };
        drop_text_of_shortcuts(&mut input, 1);
        assert_eq!(input.events.len(), 2, "no Alt");
        input.modifiers = egui::Modifiers::ALT | egui::Modifiers::CTRL;
        drop_text_of_shortcuts(&mut input, 1);
        assert_eq!(input.events.len(), 2, "AltGr");
        input.modifiers = egui::Modifiers::ALT;
        drop_text_of_shortcuts(&mut input, 1);
        assert_eq!(input.events, [text("a")], "what was typed before stays");
    }

    #[test]
    fn without_a_window_the_command_line_is_the_way_out() {
        let problem = no_window(
            "os error at /home/x/winit/src/lib.rs:7: no DISPLAY is set",
            "visualcron-tray diagnose",
        );
        assert_eq!(problem.why, "no DISPLAY is set");
        assert_eq!(problem.fault, Fault::Unavailable);
        assert!(problem.next.ends_with("visualcron-tray diagnose"));
    }
}
