//! Windows tells a window: of its session (locked, disconnected, another user's, logged off), of sleep, and of its own end.
//!
//! The viewer's window is the toolkit's, which hands on none of it. So there is a second one that nobody sees, on a thread of its
//! own. It stands beside the others and not under `HWND_MESSAGE`, where neither sleep nor log-off is told.
//!
//! This file and `centre` are the only ones with `unsafe`: these are calls of C, and no maintained crate makes them.

#![expect(
    unsafe_code,
    reason = "Windows tells none of this but to a procedure of C, and no safe crate has it"
)]

use std::cell::OnceCell;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Power::RegisterSuspendResumeNotification;
use windows_sys::Win32::System::RemoteDesktop::{NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DEVICE_NOTIFY_WINDOW_HANDLE, DefWindowProcW, DispatchMessageW, GetMessageW, KillTimer,
    MSG, PBT_APMSUSPEND, RegisterClassW, SetTimer, WM_CLOSE, WM_ENDSESSION, WM_POWERBROADCAST, WM_TIMER,
    WM_WTSSESSION_CHANGE, WNDCLASSW, WTS_CONSOLE_DISCONNECT, WTS_REMOTE_DISCONNECT, WTS_SESSION_LOCK,
    WTS_SESSION_LOGOFF,
};
use windows_sys::core::{PCWSTR, w};

use super::Hears;
use crate::viewer::event::Event;

/// The window's class; it has no name. What tests the viewer finds it by that.
const CLASS: PCWSTR = w!("cpis-viewer-session");

/// Windows refuses to tell until the services for it have started: asked again after so many milliseconds.
const ASK_AGAIN_MS: u32 = 5_000;

const TIMER: usize = 1;

thread_local! {
    /// Whom the procedure tells: Windows calls it on the thread that made the window, and on no other.
    static HEARS: OnceCell<Hears> = const { OnceCell::new() };
}

/// Listens on a thread of its own, as long as the program runs.
pub(in crate::viewer::run) fn watch(hears: &Hears) {
    // Until it has told for the first time: that Windows promises it is no proof.
    (hears.tell)(Event::TellsLock(false));
    let hears = hears.clone();
    let listens = move || {
        let tell = std::sync::Arc::clone(&hears.tell);
        HEARS.with(|own| own.set(hears)).ok();
        listen();
        // There is no window, or none any more.
        tell(Event::TellsLock(false));
    };
    // Where no thread starts, nobody tells.
    let _ = std::thread::Builder::new().name("cpis-session".to_owned()).spawn(listens);
}

/// What a message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Nobody is at this session's screen, or somebody else may be.
    Left,
    /// The computer is about to sleep.
    Sleeps,
    /// The session ends, and every program in it.
    Ends,
    /// It is time to ask again whether Windows will tell.
    AskAgain,
    /// Somebody wants the program to close. The window that people see does, and this one is there until then.
    Close,
}

fn said(message: u32, word: WPARAM) -> Option<Said> {
    let word = u32::try_from(word).unwrap_or_default();
    let (said, is_so) = match message {
        WM_WTSSESSION_CHANGE if word == WTS_SESSION_LOGOFF => (Said::Ends, true),
        WM_WTSSESSION_CHANGE => {
            (Said::Left, [WTS_SESSION_LOCK, WTS_CONSOLE_DISCONNECT, WTS_REMOTE_DISCONNECT].contains(&word))
        }
        WM_POWERBROADCAST => (Said::Sleeps, word == PBT_APMSUSPEND),
        // Not where another program has kept the session from ending.
        WM_ENDSESSION => (Said::Ends, word != 0),
        WM_TIMER => (Said::AskAgain, true),
        WM_CLOSE => (Said::Close, true),
        _ => return None,
    };
    is_so.then_some(said)
}

fn listen() {
    let Some(window) = window() else { return };
    // Computers in modern standby tell those alone who ask; all others tell every window, and where this is refused they still do.
    // SAFETY: the window is this thread's, and there for as long as the program.
    let _ = unsafe { RegisterSuspendResumeNotification(window, DEVICE_NOTIFY_WINDOW_HANDLE) };
    ask_to_be_told(window);
    let mut message = MSG::default();
    // SAFETY: `message` is written by the one call and read by the other; both are this thread's own.
    while unsafe { GetMessageW(&raw mut message, null_mut(), 0, 0) } > 0 {
        // SAFETY: as above.
        unsafe { DispatchMessageW(&raw const message) };
    }
}

/// A window that is never shown.
fn window() -> Option<HWND> {
    // SAFETY: without a name it is this program itself, which is there for as long as it runs.
    let program = unsafe { GetModuleHandleW(null()) };
    let class = WNDCLASSW {
        lpfnWndProc: Some(procedure),
        hInstance: program,
        lpszClassName: CLASS,
        ..WNDCLASSW::default()
    };
    // SAFETY: the class names a procedure of this program and a constant.
    if unsafe { RegisterClassW(&raw const class) } == 0 {
        return None;
    }
    // SAFETY: the class is there; nothing else is pointed to.
    let window =
        unsafe { CreateWindowExW(0, CLASS, null(), 0, 0, 0, 0, 0, null_mut(), null_mut(), program, null()) };
    (!window.is_null()).then_some(window)
}

/// Asks to be told of this session, again and again where Windows refuses.
fn ask_to_be_told(window: HWND) {
    // SAFETY: the window is this thread's, and there for as long as the program: so long it is told.
    let will = unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) } != 0;
    // SAFETY: the window's own timer, without a procedure. One that is not there is not taken away.
    unsafe {
        if will {
            KillTimer(window, TIMER);
        } else {
            SetTimer(window, TIMER, ASK_AGAIN_MS, None);
        }
    }
}

fn tell(event: Event) {
    with_hears(|hears| (hears.tell)(event));
}

fn with_hears(does: impl FnOnce(&Hears)) {
    HEARS.with(|hears| hears.get().map(does));
}

/// What Windows calls with each message.
extern "system" fn procedure(window: HWND, message: u32, word: WPARAM, long: LPARAM) -> LRESULT {
    if message == WM_WTSSESSION_CHANGE {
        tell(Event::TellsLock(true));
    }
    match said(message, word) {
        Some(Said::Left) => tell(Event::ComputerLocked),
        Some(Said::Sleeps) => {
            tell(Event::Slept);
            // It sleeps when this has come back, or after some two seconds.
            with_hears(|hears| (hears.waits)());
        }
        // Whoever has heard of it may be ended as soon as this has come back.
        Some(Said::Ends) => with_hears(|hears| (hears.ends)()),
        Some(Said::AskAgain) => ask_to_be_told(window),
        Some(Said::Close) => {}
        // SAFETY: what Windows handed over goes back to it unchanged.
        None => return unsafe { DefWindowProcW(window, message, word, long) },
    }
    0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windows_sys::Win32::UI::WindowsAndMessaging::{FindWindowW, PostMessageW};

    use super::*;

    #[test]
    fn what_says_that_somebody_left_is_heard_and_what_says_that_they_are_back_is_not() {
        // As the documentation of Windows numbers them: connected, disconnected, each at the console and from afar; logged on and
        // off; locked and unlocked; controlled from afar, made, ended.
        let heard =
            |message| -> Vec<_> { (0..20).filter_map(|word| Some((word, said(message, word)?))).collect() };
        let left = [(2, Said::Left), (4, Said::Left), (6, Said::Ends), (7, Said::Left)];
        assert_eq!(heard(WM_WTSSESSION_CHANGE), left);
        assert_eq!(heard(WM_POWERBROADCAST), [(4, Said::Sleeps)]);
        assert_eq!([said(WM_ENDSESSION, 0), said(WM_ENDSESSION, 1)], [None, Some(Said::Ends)]);
        assert_eq!(said(0x0011, 0), None, "whether it may end: Windows is answered that it may");
    }

    /// The messages that Windows would send, to the real window on its own thread.
    #[test]
    fn what_the_hidden_window_is_told_the_viewer_hears_and_it_outlives_whoever_closes_it() {
        let (says, heard) = std::sync::mpsc::channel();
        let (tell, waits, ends) = (says.clone(), says.clone(), says);
        watch(&Hears {
            tell: Arc::new(move |event| tell.send(format!("{event:?}")).unwrap()),
            waits: Arc::new(move || waits.send("waits".to_owned()).unwrap()),
            ends: Arc::new(move || ends.send("ends".to_owned()).unwrap()),
        });
        let hear = || heard.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        assert_eq!(hear(), "TellsLock(false)");
        // SAFETY: the class is a constant.
        let found = || Some(unsafe { FindWindowW(CLASS, null()) }).filter(|window| !window.is_null());
        let soon = std::iter::repeat_with(|| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            found()
        });
        let window = soon.take(1_000).flatten().next().unwrap();
        let told = [
            (WM_CLOSE, 0),
            (WM_WTSSESSION_CHANGE, 8),
            (WM_WTSSESSION_CHANGE, WTS_SESSION_LOCK),
            (WM_WTSSESSION_CHANGE, WTS_CONSOLE_DISCONNECT),
            (WM_WTSSESSION_CHANGE, WTS_REMOTE_DISCONNECT),
            (WM_POWERBROADCAST, 18),
            (WM_POWERBROADCAST, PBT_APMSUSPEND),
            (WM_ENDSESSION, 0),
            (WM_ENDSESSION, 1),
            (WM_WTSSESSION_CHANGE, WTS_SESSION_LOGOFF),
        ];
        for (message, word) in told {
            // SAFETY: nothing is pointed to.
            assert!(unsafe { PostMessageW(window, message, word as WPARAM, 0) } != 0);
        }
        let all: Vec<String> = std::iter::repeat_with(hear).take(12).collect();
        let (tells, locked) = ("TellsLock(true)", "ComputerLocked");
        let left = [tells, tells, locked, tells, locked, tells, locked];
        assert_eq!(all, [&left[..], &["Slept", "waits", "ends", tells, "ends"]].concat());
        assert!(heard.try_recv().is_err());
    }
}
