//! macOS tells its notification centres: the distributed one that the screen is locked, the workspace's own that another user has
//! the screen or that the computer goes to sleep.
//!
//! This is compiled for macOS and has run on none: so the viewer goes on saying that nobody tells, and to press Ctrl+L. The first
//! name is in no documentation of Apple's, however many programs live by it.

#![expect(unsafe_code, reason = "macOS calls back through Objective-C, and no safe crate has it")]

use std::ptr::NonNull;
use std::sync::Arc;

use block2::RcBlock;
use objc2_app_kit::{
    NSWorkspace, NSWorkspaceSessionDidResignActiveNotification, NSWorkspaceWillSleepNotification,
};
use objc2_foundation::{NSDistributedNotificationCenter, NSNotification, NSNotificationCenter, NSString};

use super::Hears;
use crate::viewer::event::Event;

const LOCKED: &str = "com.apple.screenIsLocked";

/// Listens on the window's thread, which has called this: there macOS hands out what it has to tell.
pub(in crate::viewer::run) fn watch(hears: &Hears) {
    (hears.tell)(Event::TellsLock(false));
    listen(&NSDistributedNotificationCenter::defaultCenter(), &NSString::from_str(LOCKED), hears, || {
        Event::ComputerLocked
    });
    let workspace = NSWorkspace::sharedWorkspace().notificationCenter();
    // SAFETY: names that the system's own library holds for as long as the program runs.
    let (another, sleep) =
        unsafe { (NSWorkspaceSessionDidResignActiveNotification, NSWorkspaceWillSleepNotification) };
    listen(&workspace, another, hears, || Event::ComputerLocked);
    listen(&workspace, sleep, hears, || Event::Slept);
}

fn listen(centre: &NSNotificationCenter, name: &NSString, hears: &Hears, says: fn() -> Event) {
    let tell = Arc::clone(&hears.tell);
    let block = RcBlock::new(move |_: NonNull<NSNotification>| tell(says()));
    // SAFETY: of any object and on no queue of ours; the block may be called on whatever thread, since all that it holds may be.
    // The centre keeps the observer, and the observer the block, for as long as the program runs.
    let _ = unsafe { centre.addObserverForName_object_queue_usingBlock(Some(name), None, None, &block) };
}
