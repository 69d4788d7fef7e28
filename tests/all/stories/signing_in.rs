//! Signing in with the browser: at the hub's page, with what comes back from there, and with what must not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cpis::viewer::run::Browser;

use super::desk::Desk;
use super::town::{AMELIA, Town};

/// Follows from the hub to the address that leads back to the viewer, with cookies by name for each host and port, and presses
/// on the page between.
pub(super) async fn follow(address: &str) -> String {
    let http =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let (mut at, mut cookies) = (reqwest::Url::parse(address).unwrap(), HashMap::new());
    while at.path() != "/signed-in" {
        let origin = at.origin().ascii_serialization();
        let own = cookies
            .iter()
            .filter(|((of, _), _)| *of == origin)
            .map(|((_, name), value)| format!("{name}={value}"));
        let own: Vec<String> = own.collect();
        let own = own.join("; ");
        let mut answer = http.get(at.clone()).header("Cookie", &own).send().await.unwrap();
        if answer.status() == 200 {
            let page = answer.text().await.unwrap();
            let secret =
                page.split("name=\"form\" value=\"").nth(1).unwrap_or_else(|| panic!("{at}: {page}"));
            let form = format!("form={}&answer=sign-in", secret.split('"').next().unwrap());
            let press = http.post(at.clone()).header("Cookie", &own).header("Origin", &origin);
            let press = press.header("Content-Type", "application/x-www-form-urlencoded").body(form);
            answer = press.send().await.unwrap();
        }
        for set in answer.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert((origin.clone(), name.to_owned()), value.to_owned());
        }
        let next = answer.headers().get("location").unwrap_or_else(|| panic!("{at}: {}", answer.status()));
        at = at.join(next.to_str().unwrap()).unwrap();
    }
    at.to_string()
}

/// What the browser does with the page that it is to open.
pub(super) type Does = fn(&str) -> Vec<String>;

/// A browser that signs in as the demonstration's nurse, which asks nothing, and comes back as it is told to.
pub(super) struct Scripted {
    pub(super) is_there: bool,
    pub(super) does: Does,
    /// The address that was to be opened, and what it was shown at the end.
    pub(super) seen: Arc<Mutex<(String, Vec<String>)>>,
}

impl Browser for Scripted {
    fn open(&self, address: &str) -> bool {
        address.clone_into(&mut self.seen.lock().unwrap().0);
        if self.is_there && address.contains("/authorize?") {
            self.go(address);
        }
        self.is_there
    }
}

impl Scripted {
    fn go(&self, address: &str) {
        let (address, does, seen) = (address.to_owned(), self.does, Arc::clone(&self.seen));
        let browse = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // The demonstration's own viewer says who it is.
            let whose = if address.contains("&login_hint=") { "" } else { "&login_hint=0" };
            let landed = runtime.block_on(follow(&format!("{address}{whose}")));
            for back in does(&landed) {
                let page = runtime.block_on(async {
                    match reqwest::get(&back).await {
                        Ok(page) => page.text().await.unwrap_or_default(),
                        Err(_) => NOBODY.to_owned(),
                    }
                });
                seen.lock().unwrap().1.push(page);
            }
        };
        std::thread::Builder::new().name("browser".to_owned()).spawn(browse).unwrap();
    }
}

/// What the browser shows where nobody listens.
const NOBODY: &str = "nobody listens";

struct Scene {
    town: Town,
    desk: Desk,
    seen: Arc<Mutex<(String, Vec<String>)>>,
}

fn scene(is_there: bool, does: Does) -> Scene {
    let town = Town::at(super::town::now());
    let seen = Arc::default();
    let browser = Scripted { is_there, does, seen: Arc::clone(&seen) };
    let desk = town.desk_signing_in(Arc::new(browser));
    Scene { town, desk, seen }
}

pub(super) fn as_it_is(landed: &str) -> Vec<String> {
    vec![landed.to_owned()]
}

fn changed(landed: &str, name: &str, value: &str) -> String {
    let (before, query) = landed.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((known, _)) if known == name => format!("{name}={value}"),
        _ => pair.to_owned(),
    });
    format!("{before}?{}", pairs.collect::<Vec<_>>().join("&"))
}

pub(super) fn sessions(town: &Town) -> Vec<String> {
    town.book().column("SELECT coalesce(ended_by, 'goes on') FROM session ORDER BY begun_ms", [])
}

#[test]
fn a_nurse_signs_in_with_her_browser_works_and_signs_out() {
    let Scene { town, mut desk, seen } = scene(true, as_it_is);
    assert!(desk.text_with("No password is typed here").is_some(), "{}", desk.tree());
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    let (address, pages) = seen.lock().unwrap().clone();
    assert!(address.contains("code_challenge_method=S256") && address.contains("dpop_jkt="));
    assert!(pages[0].contains("You can close this page"), "{pages:?}");
    desk.press("Sign out");
    desk.until("the hub to hear of it", |_| (sessions(&town) == ["signed-out"]).then_some(()));
    // Where she signed in, she is signed out by her browser.
    desk.wait_for("You are signed out. Nothing of the last session is left in this viewer. If your web browser asks whether to sign you out");
    let ends_there = seen.lock().unwrap().0.clone();
    assert!(
        ends_there.starts_with(&format!("{}/sign-out?ticket=", town.demonstration.address())),
        "{ends_there}"
    );
    let page = town.call(async { reqwest::get(ends_there).await.unwrap() });
    assert_eq!(page.url().path(), "/signed-out", "over the provider, and back");
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
}

#[test]
fn what_is_not_an_answer_to_this_sign_in_is_not_heard() {
    fn first_strays(landed: &str) -> Vec<String> {
        let home = landed.split_once("/signed-in").unwrap().0;
        vec![
            format!("{home}/"),
            format!("{home}/favicon.ico"),
            changed(landed, "state", "x"),
            changed(&changed(landed, "state", "x"), "code", "y"),
            format!("{landed}&state=twice"),
            landed.to_owned(),
        ]
    }
    let Scene { town: _town, mut desk, seen } = scene(true, first_strays);
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    desk.until("all pages", |_| (seen.lock().unwrap().1.len() == 6).then_some(()));
    let pages = seen.lock().unwrap().1.clone();
    assert!(pages[..5].iter().all(|page| page.contains("There is nothing here")), "{pages:?}");
}

#[test]
fn whoever_connects_and_says_nothing_holds_up_no_sign_in() {
    fn after_fifty_that_are_silent(landed: &str) -> Vec<String> {
        let at = landed.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap();
        let silent = (0..50).map(|_| std::net::TcpStream::connect(at).unwrap());
        // For as long as the test lasts.
        Box::leak(silent.collect::<Box<[_]>>());
        vec![landed.to_owned()]
    }
    let Scene { town: _town, mut desk, seen: _seen } = scene(true, after_fifty_that_are_silent);
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
}

#[test]
fn after_the_first_answer_no_second_one_is_heard_whatever_is_in_it() {
    fn again_and_another(landed: &str) -> Vec<String> {
        let refused = landed.replace("code=", "error=access_denied&was=");
        vec![landed.to_owned(), landed.to_owned(), changed(landed, "code", "x"), refused]
    }
    let Scene { town, mut desk, seen } = scene(true, again_and_another);
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    desk.until("all pages", |_| (seen.lock().unwrap().1.len() == 4).then_some(()));
    let pages = seen.lock().unwrap().1.clone();
    assert!(pages[0].contains("You can close this page"), "{pages:?}");
    for page in &pages[1..] {
        assert!(page == NOBODY || page.contains("There is nothing here"), "{pages:?}");
    }
    // The session is the one of the first, and its code was shown once.
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    assert_eq!(sessions(&town), ["goes on"]);
}

#[test]
fn each_refusal_is_one_sentence_and_leaves_no_session() {
    let table: [(Does, &str); 9] = [
        (
            |landed| vec![changed(landed, "iss", "http://127.0.0.1:9")],
            "the answer did not come from the CP-IS service that is set up here",
        ),
        (
            |landed| vec![landed.replace("iss=", "other=")],
            "the answer did not come from the CP-IS service that is set up here",
        ),
        (
            |landed| {
                let iss = landed.split('&').find(|pair| pair.starts_with("iss=")).unwrap();
                vec![format!("{landed}&{iss}")]
            },
            "the answer did not come from the CP-IS service that is set up here",
        ),
        (|landed| vec![format!("{landed}&code=y")], "the CP-IS service did not accept it"),
        (|landed| vec![format!("{landed}&error=x")], "the CP-IS service did not accept it"),
        (
            |landed| vec![changed(&changed(landed, "code", "x"), "code", "x")],
            "the CP-IS service did not accept it",
        ),
        (
            |landed| vec![landed.replace("code=", "error=access_denied&was=")],
            "it was declined, or your organisation did not let you in",
        ),
        (
            |landed| vec![landed.replace("code=", "error=temporarily_unavailable&was=")],
            "your organisation's sign-in does not answer just now",
        ),
        (
            |landed| vec![landed.replace("code=", "error=server_error&was=")],
            "the CP-IS service did not accept it",
        ),
    ];
    for (does, words) in table {
        let Scene { town, mut desk, .. } = scene(true, does);
        desk.press("Sign in");
        desk.wait_for("You are not signed in: ");
        assert!(desk.text_with(words).is_some(), "{words}:\n{}", desk.tree());
        assert!(desk.has_button("Sign in"), "{words}");
        assert_eq!(sessions(&town), Vec::<String>::new(), "{words}");
    }
}

#[test]
fn where_no_browser_opens_its_address_can_be_copied_and_used() {
    let Scene { town: _town, mut desk, seen } = scene(false, as_it_is);
    desk.press("Sign in");
    desk.wait_for("No web browser could be opened");
    desk.press("Copy the address");
    let copied = desk.clipboard.text().unwrap();
    let key = copied.split("dpop_jkt=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let number = cpis::identity::dpop::Thumbprint::try_from(key.to_owned()).unwrap().short();
    assert!(
        desk.text(&format!("After you have signed in there, check that the page shows {number}")).is_some(),
        "{}",
        desk.tree()
    );
    assert!(desk.text(&copied).is_some() && copied == seen.lock().unwrap().0, "{copied}");
    Scripted { is_there: true, does: as_it_is, seen }.go(&copied);
    desk.wait_for("Signed in: Sam Okafor, ");
}

#[test]
fn a_sign_in_that_was_given_up_is_over_whatever_the_browser_brings() {
    let Scene { town, mut desk, seen } = scene(false, as_it_is);
    desk.press("Sign in");
    desk.wait_for("No web browser could be opened");
    let address = seen.lock().unwrap().0.clone();
    desk.press("Cancel");
    assert!(desk.text_with("No password is typed here").is_some(), "{}", desk.tree());
    let landed = town.call(follow(&format!("{address}&login_hint=0")));
    assert!(town.call(reqwest::get(landed)).is_err(), "nobody listens there any more");
    assert_eq!(sessions(&town), Vec::<String>::new());
}

#[test]
fn a_hub_that_is_not_there_is_one_sentence() {
    let town = Town::at(super::town::now());
    let seen: Arc<Mutex<(String, Vec<String>)>> = Arc::default();
    let browser = Scripted { is_there: true, does: as_it_is, seen: Arc::clone(&seen) };
    let mut desk = town.desk_signing_in_at("http://127.0.0.1:9", Arc::new(browser));
    desk.press("Sign in");
    desk.wait_for("You are not signed in: there is no connection to the CP-IS service");
    assert_eq!(seen.lock().unwrap().0, "", "no page was opened");
}
