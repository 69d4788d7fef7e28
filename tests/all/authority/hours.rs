//! Who is alerted at which hour, from a nurse's view to the page: the real hub, TLS, register and page, with their clocks in the test's
//! hands. The office closes, is closed on bank holidays and through the weekend; clocks change, or are an hour off.

use std::fs;
use std::sync::{Arc, Mutex};

use cpis::domain::dates;
use jiff::{SignedDuration, Timestamp};

use crate::hub::support::data::number;
use crate::hub::support::{NOW, at, caller};

use super::desk::{DAY, Desk, extract};
use super::noting::{AVA, desk, row};
use super::noting_lost::round;
use super::page::room::{Browser, Room, Through};

const WORKER: &str = "worker P. Shaw";
const TEAM: &str = "team North duty";
const MANAGER: &str = "manager North manager";
const LAST: &str = "fall-back Safeguarding lead";
const NIGHT: &str = "emergency-duty Emergency duty team";

/// The authority's people, with a case of P. Shaw's in the team North.
const PEOPLE: &str = "\
[[routing.person]]
name = \"P. Shaw\"
user = \"p.shaw\"

[[routing.person]]
name = \"North duty\"

[[routing.person]]
name = \"North manager\"

[[routing.team]]
name = \"North\"
duty = [\"North duty\"]
manager = [\"North manager\"]

";

struct Week {
    desk: Desk,
    clock: Arc<Mutex<Timestamp>>,
}

impl Week {
    async fn begin() -> Self {
        let desk = desk().await;
        desk.configure("# worker = \"Allocated Worker\"", "worker = \"Worker\"");
        desk.configure("# team = \"Team\"", "team = \"Team\"");
        desk.configure("[extract]\nformat", &format!("{PEOPLE}[extract]\nformat"));
        let own = row("A1", 1, AVA);
        let text = extract(&[&own, &row("B2", 2, AVA)])
            .replace("End Date\r\n", "End Date,Worker,Team\r\n")
            .replace(&format!("{own}\r\n"), &format!("{own},P. Shaw,North\r\n"))
            .replace(&format!("{}\r\n", row("B2", 2, AVA)), &format!("{},,\r\n", row("B2", 2, AVA)));
        fs::write(desk.path("extract.csv"), text).unwrap();
        desk.run(&["upload", "extract.csv", "--day", DAY]).await.has("0 records sent");
        // The register is made.
        round(&desk, None, None, at(NOW)).await;
        Self { desk, clock: Arc::new(Mutex::new(at(NOW))) }
    }

    fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    /// Turns all clocks to a moment of London's.
    fn turn_to(&self, london: &str) {
        let to: jiff::civil::DateTime = london.parse().unwrap();
        let to = to.to_zoned(dates::london()).unwrap().timestamp();
        let by = to.duration_since(self.now());
        assert!(!by.is_negative(), "{london} is over");
        self.desk.exchange.hub.turn(by.as_mins());
        *self.clock.lock().unwrap() = to;
    }

    async fn view(&self, name: &str) {
        self.desk.exchange.hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    }

    /// Who is alerted by a round of the link whose clock is so far off.
    async fn alerted_by(&self, off: SignedDuration) -> Vec<String> {
        let before = self.desk.noted("SELECT count(*) FROM alert").concat();
        let (_, round) = round(&self.desk, None, None, self.now() + off).await;
        assert!(round.is_well(), "{round:?}");
        self.desk
            .noted(&format!("SELECT role || ' ' || name FROM alert ORDER BY id LIMIT -1 OFFSET {before}"))
    }

    /// The same at a moment, by a clock that is right.
    async fn at(&self, london: &str, alerted: &[&str]) {
        self.turn_to(london);
        assert_eq!(self.alerted_by(SignedDuration::ZERO).await, alerted, "{london}");
    }

    /// Somebody at the page.
    async fn page(&self, user: &str) -> Browser {
        let (register, memory) = (self.desk.path("cpis-notes.db"), self.desk.path("cpis-authority.db"));
        let room = Room::before(register, memory, Through::Proxy, Arc::clone(&self.clock)).await;
        room.proxied(user)
    }

    fn note(&self) -> String {
        self.desk.noted("SELECT id FROM note").concat()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h22_h27_over_christmas_what_nobody_reads_goes_on_by_hours_of_the_office_alone() {
    let week = Week::begin().await;
    week.turn_to("2026-12-24T16:00");
    week.view("Sam Okafor").await;
    week.at("2026-12-24T16:00", &[WORKER]).await;
    // An hour of Thursday counts; Christmas Day, the weekend and the Monday that stands for Boxing Day do not.
    for quiet in [
        "2026-12-24T16:59",
        "2026-12-24T23:00",
        "2026-12-25T12:00",
        "2026-12-26T12:00",
        "2026-12-28T16:59",
        "2026-12-29T08:30",
        "2026-12-29T11:29",
    ] {
        week.at(quiet, &[]).await;
    }
    week.at("2026-12-29T11:30", &[TEAM]).await;
    week.at("2026-12-29T15:29", &[]).await;
    week.at("2026-12-29T15:30", &[MANAGER]).await;
    week.at("2026-12-30T10:59", &[]).await;
    week.at("2026-12-30T11:00", &[LAST]).await;
    week.at("2027-01-12T12:00", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h22_h27_at_closing_the_night_begins_and_what_emergency_duty_reads_waits_for_the_worker() {
    let week = Week::begin().await;
    // A minute before the office closes on a Friday it is the worker's; at that minute, emergency duty's too.
    week.turn_to("2026-11-27T16:59");
    week.view("Sam Okafor").await;
    week.at("2026-11-27T16:59", &[WORKER]).await;
    let lead = week.note();
    let shaw = week.page("p.shaw").await;
    let form = shaw.form(&format!("/child/{lead}")).await;
    let seen = format!("form={form}&seen={lead}:1");
    assert_eq!(shaw.post(&format!("/child/{lead}/read"), &seen).await.status, 303);
    week.turn_to("2026-11-27T17:00");
    week.view("Lee Marsh").await;
    week.at("2026-11-27T17:00", &[NIGHT, WORKER]).await;
    // The night's list begins with the closing; what emergency duty marks there the worker has not read.
    week.turn_to("2026-11-28T03:00");
    let duty = week.page("edt").await;
    let page = duty.read("/duty").await;
    assert!(page.contains("From <strong>27-Nov-2026 17:00</strong> until now, 28-Nov-2026 03:00"), "{page}");
    assert!(page.contains("Case A1") && page.contains("Lee Marsh") && !page.contains("Sam Okafor"), "{page}");
    let form = duty.form("/duty").await;
    assert_eq!(duty.post("/duty/seen", &format!("form={form}&seen={lead}:2")).await.status, 303);
    week.at("2026-11-30T12:29", &[]).await;
    week.at("2026-11-30T12:30", &[TEAM]).await;
    // The worker reads it before the manager's hour.
    week.turn_to("2026-11-30T16:29");
    let form = shaw.form(&format!("/child/{lead}")).await;
    let seen = format!("form={form}&seen={lead}:2");
    assert_eq!(shaw.post(&format!("/child/{lead}/read"), &seen).await.status, 303);
    week.at("2026-12-08T12:00", &[]).await;
    // The list begins with each closing anew.
    let page = week.page("edt").await.read("/duty").await;
    assert!(page.contains("From <strong>07-Dec-2026 17:00</strong>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h22_h27_over_easter_the_clocks_change_and_the_hours_are_londons() {
    let week = Week::begin().await;
    // The Thursday before Good Friday; on Easter Day the clocks go forward, and Easter Monday is a bank holiday.
    week.turn_to("2027-03-25T16:00");
    week.view("Sam Okafor").await;
    week.at("2027-03-25T16:00", &[WORKER]).await;
    for quiet in ["2027-03-26T12:00", "2027-03-28T02:30", "2027-03-29T16:00", "2027-03-30T08:30"] {
        week.at(quiet, &[]).await;
    }
    let page = week.page("edt").await.read("/duty").await;
    assert!(page.contains("From <strong>25-Mar-2027 17:00</strong> until now, 30-Mar-2027 08:30"), "{page}");
    week.at("2027-03-30T11:29", &[]).await;
    week.at("2027-03-30T11:30", &[TEAM]).await;
    // The night on which they go back has an hour twice: it is night in both.
    week.turn_to("2027-10-31T00:30");
    for _ in 0..2 {
        week.desk.exchange.hub.turn(60);
        *week.clock.lock().unwrap() += SignedDuration::from_hours(1);
        assert_eq!(dates::in_london(week.now()).strftime("%H:%M").to_string(), "01:30");
        let page = week.page("edt").await.read("/duty").await;
        assert!(page.contains("until now, 31-Oct-2027 01:30"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_h22_a_link_whose_clock_is_an_hour_off_leaves_nobody_out_and_nothing_lying() {
    let hour = SignedDuration::from_hours(1);
    // Behind, after closing: it would be the office's by that clock, and is emergency duty's by the hub's.
    let week = Week::begin().await;
    week.turn_to("2026-11-23T17:30");
    week.view("Sam Okafor").await;
    assert_eq!(week.alerted_by(-hour).await, [NIGHT, WORKER]);
    // Once it is right nothing is overdue, and the hours go on.
    week.at("2026-11-23T17:31", &[]).await;
    week.at("2026-11-24T11:29", &[]).await;
    week.at("2026-11-24T12:30", &[TEAM]).await;
    // Ahead, in the office's hours: the next step comes four hours after it was noticed, and no later.
    let week = Week::begin().await;
    week.turn_to("2026-11-23T10:00");
    week.view("Sam Okafor").await;
    assert_eq!(week.alerted_by(hour).await, [WORKER]);
    week.at("2026-11-23T10:05", &[]).await;
    week.at("2026-11-23T13:59", &[]).await;
    week.at("2026-11-23T14:05", &[TEAM]).await;
}
