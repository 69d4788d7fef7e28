//! From a local authority's extract to a nurse's screen: the link's own program uploads over TLS, and what the screen says before and
//! after is read as a screen reader reads it.

use std::process::Command;
use std::sync::Arc;

use cpis::client::Limits;
use cpis::hub::clock::Clock;
use cpis::viewer::run::{Browser, Hub, Start};
use cpis::viewer::state::Setup;

use super::desk::{Desk, MemoryClipboard, OPEN};
use crate::authority::desk::{DAY, Said, extract, set_up};
use crate::hub::support::data::{ended, lines, number, person, superseded};
use crate::hub::support::provider::{Provider, Script};
use crate::hub::support::signing_in::Browser as Browsing;
use crate::hub::support::uploads::Exchange;
use crate::hub::support::{ISSUER, NOW, at};

const BORN: &str = "12-Mar-2019";

/// The browser of the nurse's computer: her provider asks nothing, and she presses on the hub's page.
struct Pressing {
    base: String,
    authority: String,
}

impl Browser for Pressing {
    fn open(&self, address: &str) -> bool {
        let (mut browser, base) = (Browsing::trusting(&self.base, &self.authority), self.base.clone());
        let address = address.replacen(ISSUER, &self.base, 1);
        let browse = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let page = browser.open(&address).await;
                assert_eq!(page.status, 200, "{}", page.body);
                let form = format!("form={}&answer=sign-in", page.form());
                let at = page.address.replacen(ISSUER, &base, 1);
                browser.go("POST", &at, Some(&form), &[("Origin", ISSUER)]).await
            });
        };
        std::thread::Builder::new().name("browser".to_owned()).spawn(browse).unwrap();
        true
    }
}

/// A council with its link, a hospital with its viewer, and the hub between them.
struct Region {
    desk: Desk,
    exchange: Exchange,
    link: tempfile::TempDir,
    _secret: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Region {
    /// In which a nurse is signed in, and these people are known.
    fn of(people: &[String]) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (secret, link) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let exchange = runtime.block_on(async {
            let clock = Clock::running_from(at(NOW));
            let provider = Provider::start(clock.clone()).await;
            // She has just put her card in: the desk is shared.
            let fresh = |claims: &mut serde_json::Value| claims["auth_time"] = claims["iat"].clone();
            provider.says(Script { token: Box::new(fresh), ..Script::default() });
            Exchange::with_people(people, provider.settings(&secret), clock).await
        });
        set_up(link.path(), &exchange.hub.base, &exchange.ours, &exchange.theirs);
        let file = link.path().join("authority.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("# issuer = ", &format!("issuer = \"{ISSUER}\" # "))).unwrap();
        std::fs::create_dir(link.path().join("case-notes")).unwrap();
        std::fs::write(link.path().join("case-notes/.cpis-folder"), "wexcombe").unwrap();
        let clipboard = MemoryClipboard::default();
        let base = exchange.hub.base.clone();
        let start = Start {
            setup: Setup { hub: Some(base.clone()), ..Setup::default() },
            hub: Some(Hub {
                address: base.clone(),
                known_as: ISSUER.to_owned(),
                site: Some("ed".to_owned()),
                limits: Limits::default(),
                authorities: vec![exchange.ours.der()],
            }),
            clipboard: Box::new(clipboard.clone()),
            browser: Arc::new(Pressing { base, authority: exchange.ours.pem() }),
        };
        let mut desk = Desk::new(start, runtime.handle().clone(), clipboard);
        desk.press("Sign in");
        desk.wait_for("Signed in: Sam Okafor, ");
        Self { desk, exchange, link, _secret: secret, runtime }
    }

    /// What has become known of people since.
    fn load(&self, people: &[serde_json::Value]) {
        self.runtime.block_on(self.exchange.hub.load(&lines(people)));
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(arguments).args(["--config", "authority.toml"]).current_dir(self.link.path());
        Said::of(&command.output().unwrap())
    }

    /// The night's upload of these rows.
    #[track_caller]
    fn upload(&self, rows: &[&str], expected: &str) {
        std::fs::write(self.link.path().join("extract.csv"), extract(rows)).unwrap();
        self.run(&["upload", "extract.csv", "--day", DAY]).has(expected);
    }

    /// Writes something else into the link's configuration.
    fn configure(&self, from: &str, to: &str) {
        let file = self.link.path().join("authority.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    /// The headline of a child's screen, once it is opened.
    #[track_caller]
    fn sees(&mut self, seed: u64) -> String {
        self.desk.new_search();
        // Stories' people are few and known before: leaked, because it is a test.
        let typed: &'static str = Box::leak(number(seed).grouped().into_boxed_str());
        self.desk.look_up((typed, BORN))
    }
}

fn ava(seed: u64) -> serde_json::Value {
    person(seed, "Bennett", "Ava", "2019-03-12")
}

fn row(local_id: &str, seed: u64, plan: &str) -> String {
    format!("{local_id},{},Bennett,Ava,12/03/2019,{plan}", number(seed).digits())
}

#[test]
fn h2_h10_a_number_is_superseded_after_the_upload_and_the_plan_is_seen_and_ends_under_the_new_one() {
    let mut region = Region::of(&lines(&[ava(1)]));
    assert!(region.sees(1).starts_with("Nothing held"), "before anything was uploaded");
    region.upload(&[&row("A1", 1, "CPP,05/01/2026,")], "1 taken");
    assert_eq!(region.sees(1), "Alert: Child Protection Plan");
    region.load(&[ava(8), superseded(1, 8)]);
    assert_eq!(region.sees(8), "Alert: Child Protection Plan");
    assert!(region.desk.text_with("5 January 2026").is_some(), "{}", region.desk.tree());
    // Whoever still has the old number gets there too, and sees which one it is now.
    assert_eq!(region.sees(1), "Alert: Child Protection Plan");
    assert!(region.desk.text_with(&number(8).grouped()).is_some(), "{}", region.desk.tree());
    // The council does not know the new number yet, and ends the plan: it is past on the screen.
    region.upload(&[&row("A1", 1, "CPP,05/01/2026,20/11/2026")], "1 taken");
    assert!(region.sees(8).starts_with("Past plan"), "{}", region.desk.tree());
    // The plan goes on after all. For that the number has to be mended, which the council is told.
    region.upload(&[&row("A1", 1, "CPP,05/01/2026,")], "1 rejected");
    assert!(region.sees(8).starts_with("Past plan"));
    region.run(&["fetch"]).has("NHS numbers that are no longer in use: 1 record");
    region.run(&["not-visible"]).has(&format!("Record the new one: {}", number(8).digits()));
    region.upload(&[&row("A1", 8, "CPP,05/01/2026,")], "Hospitals see every current plan");
    assert_eq!(region.sees(8), "Alert: Child Protection Plan");
}

#[test]
fn h26_a_wrong_number_is_corrected_and_the_flag_leaves_the_wrong_childs_screen() {
    // Two of one name and one day of birth: only the number tells them apart.
    let mut region = Region::of(&lines(&[ava(1), ava(4)]));
    region.upload(&[&row("A1", 1, "CPP,05/01/2026,")], "1 taken");
    assert_eq!(region.sees(1), "Alert: Child Protection Plan");
    assert!(region.sees(4).starts_with("Nothing held"));
    region.upload(&[&row("A1", 4, "CPP,05/01/2026,")], "1 taken");
    assert!(region.sees(1).starts_with("Nothing held"), "{}", region.desk.tree());
    assert_eq!(region.desk.text_with("5 January 2026"), None);
    assert_eq!(region.sees(4), "Alert: Child Protection Plan");
}

#[test]
fn h10_a_start_date_is_corrected_and_one_plan_is_on_the_screen_with_its_right_day() {
    let mut region = Region::of(&lines(&[ava(1)]));
    region.upload(&[&row("A1", 1, "CPP,05/01/2026,")], "1 taken");
    assert_eq!(region.sees(1), "Alert: Child Protection Plan");
    assert!(region.desk.text_with("5 January 2026").is_some(), "{}", region.desk.tree());
    region.upload(&[&row("A1", 1, "CPP,06/01/2026,")], "1 taken");
    assert_eq!(region.sees(1), "Alert: Child Protection Plan");
    assert!(region.desk.text_with("6 January 2026").is_some(), "{}", region.desk.tree());
    assert_eq!(region.desk.text_with("5 January 2026"), None, "{}", region.desk.tree());
}

#[test]
fn h3_an_adopted_child_is_seen_with_what_is_theirs_now_and_nothing_of_before() {
    let mut region = Region::of(&lines(&[ava(1)]));
    let before = row("A1", 1, "C2,05/01/2026,");
    region.upload(&[&before], "1 taken");
    assert_eq!(region.sees(1), "Alert: Looked After Child");
    region.load(&[ended(1), person(9, "Newname", "Amy", "2019-03-12")]);
    let now = format!("A9,{},Newname,Amy,12/03/2019,CPP,01/11/2026,", number(9).digits());
    region.upload(&[&before, &now], "1 taken");
    assert_eq!(region.sees(9), "Alert: Child Protection Plan");
    for word in ["Looked After", "5 January 2026", "BENNETT", &number(1).grouped()] {
        assert_eq!(region.desk.text_with(word), None, "{word} in\n{}", region.desk.tree());
    }
    // Of the old number nothing can be opened, and nothing leads to the new one.
    region.desk.new_search();
    let typed: &'static str = Box::leak(number(1).grouped().into_boxed_str());
    region.desk.ask((typed, BORN));
    let headline = region.desk.wait_for_answer();
    assert!(headline.starts_with("Not checked"), "{headline}");
    assert!(!region.desk.has_button(OPEN));
    for word in ["Amy", "NEWNAME", "Looked After", "Child Protection Plan", &number(9).grouped()] {
        assert_eq!(region.desk.text_with(word), None, "{word} in\n{}", region.desk.tree());
    }
    // The council is told that the identity has ended, and nothing else.
    region.run(&["fetch"]).has("NHS numbers that are no longer in use: 1 record");
    region
        .run(&["not-visible"])
        .has("the identity of the NHS number in this record has ended")
        .has_not(&number(9).digits());
}

#[test]
fn the_team_that_knows_the_child_stands_beside_the_plan_with_the_number_that_it_has_now() {
    let mut region = Region::of(&lines(&[ava(1)]));
    let before = "\n# The hub, and the certificate";
    let team = "[[authority.team]]\nname = \"North children's team\"\ntelephone = \"01793 460077\"\n";
    region.configure(before, &format!("\n{team}{before}"));
    // The extract's last column has the team.
    region.configure("# team = \"Team\"", "team = \"Team\"");
    let upload = |region: &Region| {
        let text = extract(&[&row("A1", 1, "CPP,05/01/2026,,North Children's Team")]);
        let text = text.replacen("End Date", "End Date,Team", 1);
        std::fs::write(region.link.path().join("extract.csv"), text).unwrap();
        region.run(&["upload", "extract.csv", "--day", DAY]).has("1 record sent, 1 taken");
    };
    upload(&region);
    assert_eq!(region.sees(1), "Alert: Child Protection Plan");
    assert!(region.desk.text_with("Team: North children's team").is_some(), "{}", region.desk.tree());
    assert!(region.desk.text_with("01793 460077").is_some(), "{}", region.desk.tree());
    // The team has moved house: that alone goes up, and the nurse has the new number.
    region.configure("01793 460077", "01793 460078");
    upload(&region);
    region.sees(1);
    assert!(region.desk.text_with("01793 460078").is_some(), "{}", region.desk.tree());
    assert!(region.desk.text_with("01793 460077").is_none(), "{}", region.desk.tree());
}
