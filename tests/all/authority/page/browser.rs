//! The page in a real browser: started by `tests/run page`, which has Chromium and what drives it.

use std::process::Command;

use super::program::{place, serve};

/// Beside the packages of Node that it needs lies the script; it says how many of its stories went well.
#[test]
#[ignore = "needs Chromium and packages of Node: tests/run page"]
fn the_page_in_chromium_without_scripts_and_before_an_accessibility_checker() {
    // The hours of an office would make the night's list depend on when this runs.
    let changed = |text: String| {
        text.replace("# synthetic = true ", "synthetic = true ").replace("office_hours =", "# hours =")
    };
    let place = place(changed);
    let serving = serve(&place, &["--as", "jo.marsh"]);
    let node = std::env::var("PAGE_NODE").unwrap();
    let script = std::env::var("PAGE_SCRIPT").unwrap();
    let status = Command::new(node).arg(script).arg(&serving.address).status().unwrap();
    assert!(status.success());
}
