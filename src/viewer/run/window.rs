//! The native window: renderers in order of preference, and one readable sentence where none works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui;

use super::{Desktop, Start, clipboard, locked};

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// Nothing to show a window on.
    #[error("There is no display to show the window on: start the viewer from a desktop session")]
    NoDisplay,
    /// No renderer works here.
    #[error("This computer can draw the window neither with its graphics driver nor without: {0}")]
    NoRenderer(String),
    /// No background threads.
    #[error("This computer could not start the viewer's background threads")]
    NoThreads,
}

/// Shows the viewer until its window is closed.
///
/// Tried first: wgpu (DirectX 12 with its software fallback on Windows, Vulkan or Metal elsewhere), then OpenGL.
///
/// # Errors
/// Nothing to show a window on, or no renderer works.
pub fn show(start: impl Fn() -> Start, runtime: &tokio::runtime::Handle) -> Result<(), WindowError> {
    check_display()?;
    let mut problems = Vec::new();
    for renderer in [eframe::Renderer::Wgpu, eframe::Renderer::Glow] {
        match run(renderer, start(), runtime.clone()) {
            Ok(()) => return Ok(()),
            Err(error) => problems.push(error.to_string()),
        }
    }
    Err(WindowError::NoRenderer(problems.join("; ")))
}

/// Says a sentence in a dialog of its own, where there is no window yet and no terminal.
pub fn say(sentence: &str) {
    let dialog = rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error);
    dialog.set_title("Child protection information").set_description(sentence).show();
}

/// Says at once where there is nothing to show a window on.
///
/// # Errors
/// There is no display.
pub fn check_display() -> Result<(), WindowError> {
    if has_display() { Ok(()) } else { Err(WindowError::NoDisplay) }
}

/// On Windows and macOS there is always one; elsewhere a display server has to be named.
fn has_display() -> bool {
    if cfg!(any(windows, target_vendor = "apple")) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn run(renderer: eframe::Renderer, start: Start, runtime: tokio::runtime::Handle) -> eframe::Result {
    let title = if start.setup.demonstration {
        "Child protection information (demonstration)"
    } else {
        "Child protection information"
    };
    let options = eframe::NativeOptions {
        renderer,
        viewport: egui::ViewportBuilder::default()
            .with_title(title)
            .with_app_id("cpis-viewer")
            .with_inner_size([1280.0, 720.0])
            // The record needs the room, and nothing of another program should stand beside it.
            .with_maximized(true)
            .with_min_inner_size([640.0, 360.0]),
        // Nothing is remembered on disk: the default writes to a roaming profile.
        persist_window: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        title,
        options,
        Box::new(move |creation| {
            if let Some(render) = &creation.wgpu_render_state {
                start_again_when_lost(&render.device);
            }
            let (ctx, is_demonstration) = (creation.egui_ctx.clone(), start.setup.demonstration);
            let desktop = Desktop::new(start, runtime.clone(), ctx.clone());
            let closes = Arc::<AtomicBool>::default();
            let told = Told {
                leaves: Arc::new(desktop.leaves()),
                waits: Arc::new(desktop.waits()),
                closes: Arc::clone(&closes),
            };
            if !is_demonstration {
                close_when_told(&runtime, &ctx, &told);
            }
            locked::watch(&hears(&desktop, told));
            clipboard::forget_earlier();
            Ok(Box::new(App { desktop, closes }))
        }),
    )
}

/// What the system says of itself, and what is done then.
fn hears(desktop: &Desktop, told: Told) -> locked::Hears {
    let waits = Arc::clone(&told.waits);
    locked::Hears {
        tell: Arc::new(desktop.hears()),
        waits: Arc::new(move || {
            // Where the hub is late, it ends the session in time.
            let _ = waits();
        }),
        ends: Arc::new(move || {
            (told.leaves)();
            clipboard::forget_ours();
            let _ = (told.waits)();
        }),
    }
}

/// How a session is ended from outside the window.
#[derive(Clone)]
struct Told {
    leaves: Arc<dyn Fn() + Send + Sync>,
    /// For the hub to hear of it.
    waits: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The window is closing in order.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no signal meets it there"))]
    closes: Arc<AtomicBool>,
}

/// For so long a window that was told to close may take. One that stands still does not keep a computer from shutting down.
#[cfg(unix)]
const CLOSES_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Whoever logs out of the computer ends its programs so: the session ends at once, and then the window closes. Told again, or
/// where the window does not, the program ends without it, as soon as the hub has heard of the end.
#[cfg(unix)]
fn close_when_told(runtime: &tokio::runtime::Handle, ctx: &egui::Context, how: &Told) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
        let (ctx, how) = (ctx.clone(), how.clone());
        runtime.spawn(async move {
            let Ok(mut told) = signal(kind) else { return };
            if told.recv().await.is_none() {
                return;
            }
            (how.leaves)();
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            ctx.request_repaint();
            // Told again or late, it is the same.
            let _ = tokio::time::timeout(CLOSES_WITHIN, told.recv()).await;
            let waits = Arc::clone(&how.waits);
            // Where nobody can wait, nobody does.
            let _ = tokio::task::spawn_blocking(move || waits()).await;
            if how.closes.load(Ordering::SeqCst) {
                // It does the same, and then ends by itself.
                tokio::time::sleep(CLOSES_WITHIN).await;
            }
            end_without_window();
        });
    }
}

#[cfg(unix)]
#[expect(clippy::exit, reason = "the window stands still: nothing of it can be ended in order")]
fn end_without_window() {
    std::process::exit(4);
}

/// Windows sends no signals: it asks windows (`locked::session`).
#[cfg(not(unix))]
fn close_when_told(_: &tokio::runtime::Handle, _: &egui::Context, _: &Told) {}

/// A lost graphics device (a remote desktop that was cut, a driver update) freezes the last frame: the old
/// patient's answer would stay on screen (H16). The program starts anew, without the patient.
fn start_again_when_lost(device: &eframe::wgpu::Device) {
    let is_first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    device.set_device_lost_callback(move |reason, _| {
        let is_loss = match reason {
            eframe::wgpu::DeviceLostReason::Unknown => true,
            eframe::wgpu::DeviceLostReason::Destroyed => false,
        };
        if is_loss && is_first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            start_again();
        }
    });
}

#[expect(clippy::exit, reason = "the frozen window can only be taken away by ending the process")]
fn start_again() {
    if let Ok(program) = std::env::current_exe() {
        // Without arguments that name a patient: the search begins empty.
        let kept = std::env::args().skip(1).collect::<Vec<_>>();
        let arguments = without_patient(&kept);
        let _ = std::process::Command::new(program).args(arguments).spawn();
    }
    std::process::exit(3);
}

/// The command line without `--nhs-number` and `--date-of-birth` and their values.
fn without_patient(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut skip_value = false;
    for argument in arguments {
        let name = argument.split('=').next().unwrap_or_default();
        if skip_value {
            skip_value = false;
        } else if matches!(name, "--nhs-number" | "--date-of-birth") {
            skip_value = !argument.contains('=');
        } else {
            kept.push(argument.clone());
        }
    }
    kept
}

struct App {
    desktop: Desktop,
    closes: Arc<AtomicBool>,
}

impl eframe::App for App {
    fn logic(&mut self, _ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.desktop.logic();
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.desktop.frame(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.closes.store(true, Ordering::SeqCst);
        self.desktop.close();
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_again_never_carries_a_patient_along() {
        let check = |given: &[&str], expected: &[&str]| {
            let given: Vec<String> = given.iter().map(|&a| a.to_owned()).collect();
            assert_eq!(without_patient(&given), expected);
        };
        check(&["--demo", "--nhs-number", "999", "--date-of-birth", "1.1.2019"], &["--demo"]);
        check(&["--nhs-number=999", "--config", "a.toml", "--date-of-birth=1"], &["--config", "a.toml"]);
    }
}
