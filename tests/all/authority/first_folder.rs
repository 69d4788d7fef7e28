//! The first start on a folder: nothing is written into it, and nothing is said to be filed, before somebody has said that it is the
//! right one.

use std::fs;

use crate::hub::support::data::number;
use crate::hub::support::nurse;

use super::desk::Desk;
use super::noting::desk;

const NO_MARK: &str = "has no mark (.cpis-folder): if it is the right one, and its share is mounted, say so once with \
                       `cpis-authority notes --adopt-folder`";

/// A desk whose share was never seen, with a view that is told; what the nurse's access is called.
async fn unseen() -> (Desk, String) {
    let desk = desk().await;
    fs::remove_file(desk.path("case-notes/.cpis-folder")).unwrap();
    let reference = desk.exchange.hub.view(&nurse(), number(1)).await.reference().to_owned();
    (desk, reference)
}

async fn told(desk: &Desk, reference: &str) -> String {
    let answer = desk.exchange.hub.get(&format!("/access/{reference}"), &nurse(), &[]).await;
    answer.json()["notices"][0]["state"].as_str().unwrap().to_owned()
}

fn files(desk: &Desk) -> usize {
    fs::read_dir(desk.path("case-notes")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_a_folder_that_nobody_has_marked_gets_no_note_and_the_hub_no_receipt() {
    let (desk, reference) = unseen().await;
    desk.run(&["check-config"]).await.has("No case note can be filed").has(NO_MARK);
    for _ in 0..2 {
        let said = desk.run(&["fetch"]).await;
        said.has(NO_MARK).has_not("1 part");
        assert_eq!((said.code, files(&desk)), (Some(1), 0), "{}", said.text);
        assert_ne!(told(&desk, &reference).await, "filed");
    }
    let status = desk.run(&["status"]).await;
    status.has("No case note can be filed").has(NO_MARK).has("Not in the record yet: 1");
    assert_eq!(status.code, Some(1));
    // Whoever is responsible is alerted all the same.
    assert!(!desk.noted("SELECT role FROM alert").is_empty());
    // Once somebody has said that it is the right one.
    desk.run(&["notes", "--adopt-folder"])
        .await
        .has("Marked: ")
        .has("case-notes. Case notes go into it from now on.");
    desk.run(&["notes", "--adopt-folder"]).await.has("has a mark already");
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!((told(&desk, &reference).await.as_str(), desk.notes().len()), ("filed", 1));
    desk.run(&["check-config"]).await.has_not("can be filed");
    desk.run(&["status"]).await.has_not("can be filed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_the_configuration_names_is_the_one_that_counts() {
    let (desk, reference) = unseen().await;
    desk.configure("# folder_mark = \"wexcombe-share\"", "folder_mark = \"wexcombe-share\"");
    desk.run(&["fetch"])
        .await
        .has("has no .cpis-folder with `notes.folder_mark` in it: is the share mounted?");
    fs::write(desk.path("case-notes/.cpis-folder"), "another").unwrap();
    desk.run(&["fetch"]).await.has("has another mark (.cpis-folder) than `notes.folder_mark`");
    assert_ne!(told(&desk, &reference).await, "filed");
    fs::remove_file(desk.path("case-notes/.cpis-folder")).unwrap();
    desk.run(&["notes", "--adopt-folder"]).await.has("Marked: ");
    assert_eq!(fs::read_to_string(desk.path("case-notes/.cpis-folder")).unwrap(), "wexcombe-share");
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!(told(&desk, &reference).await, "filed");
}
