//! What is looked up when somebody asks for the numbers: sizes, ages, depths.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::kept::{Kept, Places};
use super::{Seconds, Word};
use crate::domain::OdsCode;
use crate::hub::disk::DiskState;
use crate::hub::limits;
use crate::hub::store::{Figures, Waiting};

/// A moment as Prometheus counts time.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// The state of the hub at one moment.
#[derive(Debug, Default)]
pub(in crate::hub) struct Scraped {
    /// The hub's clock.
    pub(in crate::hub) now: Timestamp,
    pub(in crate::hub) started: Timestamp,
    pub(in crate::hub) is_synthetic: bool,
    /// The last thing that was to be written was written.
    pub(in crate::hub) is_writing: bool,
    pub(in crate::hub) views_waiting: usize,
    pub(in crate::hub) others_waiting: usize,
    pub(in crate::hub) searches: usize,
    pub(in crate::hub) disk: DiskState,
    /// Seconds until each certificate ends that the hub depends on.
    pub(in crate::hub) certificates_left: Vec<(&'static str, f64)>,
    /// A newer certificate was refused.
    pub(in crate::hub) certificate_refused: bool,
    /// Whether what is over its time is removed.
    pub(in crate::hub) removes_anything: bool,
    /// Of what there may be only so much: how much there is, and how much there may be.
    pub(in crate::hub) places: [(&'static str, usize, usize); 3],
    /// What the database says; `None` where it could not be read.
    pub(in crate::hub) figures: Option<Figures>,
    /// Resident memory in bytes and open files, where the system tells.
    pub(in crate::hub) process: (Option<u64>, Option<u64>),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AuthorityCode {
    authority: String,
}

/// The gauges that a scrape sets.
#[derive(Debug)]
pub(super) struct Gauges {
    now: Seconds,
    started: Seconds,
    synthetic: Gauge,
    writing: Gauge,
    readable: Gauge,
    waiting: Family<Word, Gauge>,
    waiting_limit: Gauge,
    searches: Gauge,
    searches_limit: Gauge,
    outbox: Family<Word, Gauge>,
    oldest_unsent: Seconds,
    told: Told,
    newest_audit: Seconds,
    upload_age: Family<AuthorityCode, Seconds>,
    people: Gauge,
    authorities: Gauge,
    database: Gauge,
    wal: Gauge,
    disk_free: Gauge,
    disk_total: Gauge,
    disk_low: Gauge,
    disk_reserve: Gauge,
    on_reserve: Gauge,
    /// What has its own way of being said.
    apart: (Certificate, Kept, Places),
    schema: Gauge,
    memory: Gauge,
    files: Gauge,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The program's version", Info::new(version));
        let mut gauge = |name: &'static str, help: &'static str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let synthetic = gauge("synthetic", "1 where the people are synthetic");
        let writing = gauge("writing", "0 where the last thing that was to be written was not");
        let readable = gauge("database_readable", "0 where the database could not be read for these numbers");
        let waiting_limit =
            gauge("writer_queue_limit", "Requests that may wait for the writer, in each line");
        let searches = gauge("searches", "Searches under way");
        let searches_limit = gauge("searches_limit", "Searches that may be under way at once");
        let people = gauge("people", "People held");
        let authorities = gauge("authorities", "Authorities that have sent plans");
        let database = gauge("database_bytes", "Size of the database file");
        let wal = gauge("wal_bytes", "Size of the write-ahead log");
        let disk_free = gauge("disk_free_bytes", "What the hub may still use of the database's disk");
        let disk_total = gauge("disk_total_bytes", "Size of the database's disk");
        let disk_low = gauge("disk_low", "1 where less is free than `disk.alert_percent` says");
        let disk_reserve = gauge("disk_reserve_bytes", "Bytes held in reserve for when the disk is full");
        let on_reserve = gauge("disk_on_reserve", "1 where a part of the reserve is used or was never had");
        let schema = gauge("schema_version", "Version of the database's schema");
        let memory = gauge("resident_memory_bytes", "Memory of the process; 0 where it is not told");
        let files = gauge("open_files", "Open files of the process; 0 where the system does not tell");
        let mut moment = |name: &'static str, help: &'static str| {
            let gauge = Seconds::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let now = moment("clock_timestamp_seconds", "The hub's clock");
        let started = moment("start_timestamp_seconds", "When the hub started, on its own clock");
        let oldest_unsent = moment(
            "outbox_oldest_unsent_seconds",
            "Age of the oldest notification that waits to be sent; 0 where none does",
        );
        let newest_audit = moment("newest_audit_timestamp_seconds", "Time of the newest audit entry");
        let (waiting, outbox, upload_age) = families(registry);
        Self {
            now,
            started,
            synthetic,
            writing,
            readable,
            waiting,
            waiting_limit,
            searches,
            searches_limit,
            outbox,
            oldest_unsent,
            told: Told::register(registry),
            newest_audit,
            upload_age,
            people,
            authorities,
            database,
            wal,
            disk_free,
            disk_total,
            disk_low,
            disk_reserve,
            on_reserve,
            apart: (Certificate::register(registry), Kept::register(registry), Places::register(registry)),
            schema,
            memory,
            files,
        }
    }

    pub(super) fn set(&self, scraped: &Scraped) {
        self.now.set(seconds(scraped.now));
        self.started.set(seconds(scraped.started));
        self.synthetic.set(i64::from(scraped.is_synthetic));
        self.writing.set(i64::from(scraped.is_writing));
        self.readable.set(i64::from(scraped.figures.is_some()));
        self.waiting.get_or_create(&[("line", "views")]).set(whole(scraped.views_waiting));
        self.waiting.get_or_create(&[("line", "others")]).set(whole(scraped.others_waiting));
        self.waiting_limit.set(whole(limits::WRITER_QUEUE));
        self.searches.set(whole(scraped.searches));
        self.searches_limit.set(whole(limits::SEARCHES_AT_ONCE));
        self.disk_free.set(whole(scraped.disk.free_bytes));
        self.disk_total.set(whole(scraped.disk.total_bytes));
        self.disk_low.set(i64::from(scraped.disk.is_low));
        self.disk_reserve.set(whole(scraped.disk.reserve_bytes));
        self.on_reserve.set(i64::from(scraped.disk.is_on_reserve()));
        self.apart.0.set(scraped);
        self.apart.2.set(scraped);
        let (memory, files) = scraped.process;
        self.memory.set(whole(memory.unwrap_or(0)));
        self.files.set(whole(files.unwrap_or(0)));
        // Where the database cannot be read, the last that was read stays, and `database_readable` says so.
        if let Some(figures) = &scraped.figures {
            self.set_figures(figures, scraped);
        }
    }

    fn set_figures(&self, figures: &Figures, scraped: &Scraped) {
        let now = scraped.now;
        self.told.set(&figures.waiting, now);
        self.apart.1.set(figures, scraped);
        let age = |at: Timestamp| (seconds(now) - seconds(at)).max(0.0);
        for (state, rows) in figures.outbox {
            self.outbox.get_or_create(&[("state", state)]).set(whole(rows));
        }
        self.oldest_unsent.set(figures.oldest_unsent.map_or(0.0, age));
        self.newest_audit.set(figures.newest_audit.map_or(0.0, seconds));
        self.upload_age.clear();
        for (authority, at) in &figures.uploads {
            self.upload_age.get_or_create(&AuthorityCode { authority: authority.clone() }).set(age(*at));
        }
        self.people.set(whole(figures.people));
        self.authorities.set(whole(figures.authorities));
        self.database.set(whole(figures.database_bytes));
        self.wal.set(whole(figures.wal_bytes));
        self.schema.set(figures.schema);
    }
}

/// What is said of the hub's certificate.
#[derive(Debug)]
struct Certificate {
    left: Family<Word, Seconds>,
    refused: Gauge,
}

impl Certificate {
    fn register(registry: &mut Registry) -> Self {
        let (left, refused) = (Family::<Word, Seconds>::default(), Gauge::default());
        registry.register(
            "certificate_seconds_left",
            "Time until a certificate ends, below zero where it has: the hub's own, the client certificates' authority's, the one that MESH is shown",
            left.clone(),
        );
        registry.register(
            "certificate_refused",
            "1 where the certificate on the disk was refused and an older one is served",
            refused.clone(),
        );
        Self { left, refused }
    }

    fn set(&self, scraped: &Scraped) {
        self.refused.set(i64::from(scraped.certificate_refused));
        // Without TLS there is no such line, and so no alert.
        self.left.clear();
        for (of, left) in &scraped.certificates_left {
            self.left.get_or_create(&[("of", *of)]).set(*left);
        }
    }
}

/// What is said of notifications that are not over.
#[derive(Debug)]
struct Told {
    overdue: Family<Where, Gauge>,
    triage: Family<AuthorityCode, Gauge>,
    oldest: Family<Word, Seconds>,
}

/// All authorities that have no line of their own.
const OTHER_AUTHORITY: &str = "other";

/// Where something waits. Each authority by itself: one that is silent for a week must not hide the next.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Where {
    authority: String,
    state: &'static str,
}

impl Told {
    fn register(registry: &mut Registry) -> Self {
        let told = Self { overdue: Family::default(), triage: Family::default(), oldest: Family::default() };
        registry.register(
            "outbox_overdue",
            "Notifications that for longer than they may no link has on its disk (unsent), or has and has not filed (unfiled)",
            told.overdue.clone(),
        );
        registry.register(
            "outbox_triage",
            "Notifications on the lists that authorities work off by hand",
            told.triage.clone(),
        );
        registry.register(
            "outbox_oldest_seconds",
            "Age of the oldest notification that no link has on its disk (unsent), or has and has not filed (unfiled)",
            told.oldest.clone(),
        );
        told
    }

    fn set(&self, waiting: &[Waiting], now: Timestamp) {
        let mut by_label: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        for of in waiting {
            let is_full = by_label.len() >= limits::METRIC_AUTHORITIES;
            let said = OdsCode::said(&of.authority_code);
            let label = if is_full && !by_label.contains_key(said) { OTHER_AUTHORITY } else { said };
            let sums = by_label.entry(label.to_owned()).or_default();
            for (sum, more) in sums.iter_mut().zip([of.overdue_unsent, of.overdue_unfiled, of.triage]) {
                *sum = sum.saturating_add(more);
            }
        }
        for (authority, [unsent, unfiled, triage]) in by_label {
            for (state, overdue) in [("unsent", unsent), ("unfiled", unfiled)] {
                self.overdue
                    .get_or_create(&Where { authority: authority.clone(), state })
                    .set(whole(overdue));
            }
            self.triage.get_or_create(&AuthorityCode { authority }).set(whole(triage));
        }
        let oldest = |of: fn(&Waiting) -> Option<Timestamp>| {
            let oldest = waiting.iter().filter_map(of).min();
            oldest.map_or(0.0, |at| (seconds(now) - seconds(at)).max(0.0))
        };
        self.oldest.get_or_create(&[("state", "unsent")]).set(oldest(|waiting| waiting.oldest_unsent));
        self.oldest.get_or_create(&[("state", "unfiled")]).set(oldest(|waiting| waiting.oldest_unfiled));
    }
}

type Families = (Family<Word, Gauge>, Family<Word, Gauge>, Family<AuthorityCode, Seconds>);

fn families(registry: &mut Registry) -> Families {
    let waiting = Family::<Word, Gauge>::default();
    registry.register("writer_queue", "Requests that wait for the writer, by line", waiting.clone());
    let outbox = Family::<Word, Gauge>::default();
    registry.register("outbox", "Messages to local authorities, by state", outbox.clone());
    let upload_age = Family::<AuthorityCode, Seconds>::default();
    registry.register(
        "upload_age_seconds",
        "Time since an authority last sent plans of which any could be taken, by its ODS code; where it never has, since it is expected to",
        upload_age.clone(),
    );
    (waiting, outbox, upload_age)
}

pub(super) fn whole<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
