//! The other end of the demonstration: a view in the viewer is on the local authority's page a moment later.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpis::viewer::run::Browser;

use super::town::{AMELIA, Town};

/// A browser that only remembers that it was to open the page, and leaves signing in to the demonstration's own.
struct Remembers {
    page: String,
    opened: Arc<Mutex<bool>>,
    others: Arc<dyn Browser>,
}

impl Browser for Remembers {
    fn open(&self, address: &str) -> bool {
        if address != self.page {
            return self.others.open(address);
        }
        *self.opened.lock().unwrap() = true;
        true
    }
}

/// The page as somebody's browser shows it, once it has this.
async fn page_with(http: &reqwest::Client, origin: &str, cookie: &str, part: &str) -> String {
    for _ in 0..600 {
        let asked = http.get(format!("{origin}/")).header("cookie", cookie).send().await.unwrap();
        let page = asked.text().await.unwrap();
        if page.contains(part) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{part} does not come");
}

#[test]
fn a_view_in_the_demonstration_is_on_the_local_authoritys_page_a_moment_later() {
    let mut town = Town::new();
    town.start_link();
    let start = town.demonstration.page().unwrap();
    let origin = start.split("/start/").next().unwrap().to_owned();
    let opened = Arc::new(Mutex::new(false));
    let browser = |others| -> Arc<dyn Browser> {
        Arc::new(Remembers { page: origin.clone(), opened: Arc::clone(&opened), others })
    };
    let mut desk = town.desk_opening(browser).nurse();
    assert_eq!(
        desk.text("Demonstration:"),
        Some(format!("Demonstration: synthetic people. The local authority's page: {origin}"))
    );
    desk.press("See what the local authority sees");
    desk.until("the page is opened", |_| opened.lock().unwrap().then_some(()));
    let http =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let cookie = town.call(async {
        let answer = http.get(&start).send().await.unwrap();
        let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        set.split(';').next().unwrap().to_owned()
    });
    // What was opened in the days before is there already; this was not.
    let before = town.call(page_with(&http, &origin, &cookie, "Case W2304-1"));
    assert!(before.contains("Demonstration: nobody here is real") && !before.contains("Case W0018-1"));
    desk.look_up(AMELIA);
    let page = town.call(page_with(&http, &origin, &cookie, "Case W0018-1"));
    for said in
        ["Sam Okafor", "triage nurse, emergency department", "01632 960210", "Opened 10-Mar-2027 12:00"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    desk.until("it is on the child's record", |desk| desk.text_with("on the child's record"));
}

#[test]
fn without_a_link_the_strip_names_no_page() {
    let town = Town::new();
    let desk = town.desk().nurse();
    assert_eq!(desk.text("Demonstration:").as_deref(), Some("Demonstration: synthetic people"));
    assert!(!desk.has_button("See what the local authority sees"));
}
