//! The link's settings (`authority.toml`): which local authority it is, and how its case management system's
//! extract is to be read, since every vendor's differs.

mod contacts;
mod link;
mod mail;
mod mapping;
mod notes;
mod page;
mod routing;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::PlanKind;

pub use super::file::ConfigError;
use super::file::{self, setting};
use super::mesh::MeshTable;
pub use contacts::Contacts;
pub use link::{HttpsSettings, HubSettings, LinkSettings, Way};
pub use mail::{MailSecurity, MailSettings};
pub use mapping::{Column, Encoding, Form, Kinds, Mapping, More, Named};
pub use notes::{CaseSystemSettings, Into, NoteSettings};
pub use page::{PageSettings, ProxySettings};
pub use routing::{Person, Restricted, Routing, Team};

/// What the link runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityConfig {
    /// How the extract is to be read.
    pub extract: Mapping,
    /// What sending needs; checking does not.
    pub link: Option<LinkSettings>,
    /// What hearing of accesses needs.
    pub notes: Option<NoteSettings>,
    /// Who is alerted of them; always there beside `notes`.
    pub routing: Option<Routing>,
    /// The page for social workers.
    pub page: Option<PageSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    extract: ExtractTable,
    authority: Option<link::AuthorityTable>,
    hub: Option<link::HubTable>,
    mesh: Option<MeshTable>,
    memory: Option<PathBuf>,
    notes: Option<notes::NoteTable>,
    routing: Option<routing::RoutingTable>,
    page: Option<page::PageTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtractTable {
    format: Option<FormatWord>,
    encoding: Option<EncodingWord>,
    delimiter: Option<String>,
    #[serde(default)]
    multi_line: Vec<String>,
    #[serde(default)]
    ends_without_line_end: bool,
    #[serde(default)]
    synthetic: bool,
    columns: ColumnTable,
    kinds: KindTable,
}

#[derive(Deserialize)]
enum FormatWord {
    #[serde(rename = "csv")]
    Csv,
    #[serde(rename = "ndjson")]
    Ndjson,
}

#[derive(Deserialize)]
enum EncodingWord {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    local_id: String,
    nhs_number: String,
    family_name: String,
    given_names: String,
    date_of_birth: String,
    plan_kind: String,
    start: String,
    end: String,
    worker: Option<String>,
    worker_away: Option<String>,
    team: Option<String>,
    restricted: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KindTable {
    #[serde(default)]
    child_protection: Vec<String>,
    #[serde(default)]
    looked_after: Vec<String>,
    #[serde(default)]
    unborn_child_protection: Vec<String>,
}

impl AuthorityConfig {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// One sentence that says what to mend.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&file::read(path)?, path)
    }

    /// The configuration to start from.
    #[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
    pub(crate) fn starting() -> Result<Self, ConfigError> {
        Self::parse(include_str!("../../packaging/authority.toml"), Path::new("authority.toml"))
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut file: File = file::parse(text, path)?;
        let teams = file.authority.as_mut().map(|table| std::mem::take(&mut table.team)).unwrap_or_default();
        let directory = path.parent().unwrap_or(Path::new("."));
        let link = link::resolve(file.authority, file.hub, file.mesh, file.memory, directory)?;
        let notes = notes::resolve(file.notes, link.is_some(), directory)?;
        if let (Some(notes), Some(routing)) = (&notes, &file.routing) {
            routing.fits(&notes.into, directory)?;
        }
        let routing = match (file.routing, &notes) {
            (Some(table), Some(_)) => {
                let hours = link.as_ref().and_then(|link| link.authority.hours.clone());
                Some(routing::resolve(table, hours, directory)?)
            }
            (None, Some(_)) => {
                return Err(setting("routing", "`[notes]` needs it: say at least who is the `fall_back`"));
            }
            (Some(_), None) => return Err(setting("routing", "`[routing]` needs `[notes]` too")),
            (None, None) => None,
        };
        let page = page::resolve(file.page, notes.is_some(), directory)?;
        let mut extract = mapping(file.extract)?;
        extract.contacts = contacts::resolve(teams, &extract)?;
        extract.named = routing.as_ref().map(|table| Named::of(table.people.keys(), table.teams.keys()));
        Ok(Self { extract, link, notes, routing, page })
    }

    /// For tests of what is configured.
    #[cfg(test)]
    pub(crate) fn parse_for_tests(text: &str, path: &Path) -> Result<Self, ConfigError> {
        Self::parse(text, path)
    }
}

fn mapping(table: ExtractTable) -> Result<Mapping, ConfigError> {
    let form = match table.format {
        Some(FormatWord::Ndjson) if table.delimiter.is_some() => {
            return Err(setting("extract.delimiter", "only a file of format \"csv\" has one"));
        }
        Some(FormatWord::Ndjson) => Form::Ndjson,
        Some(FormatWord::Csv) | None => Form::Csv { delimiter: delimiter(table.delimiter.as_deref())? },
    };
    let encoding = match (&table.encoding, form) {
        (Some(EncodingWord::Windows1252), Form::Ndjson) => {
            return Err(setting("extract.encoding", "NDJSON is always UTF-8"));
        }
        (Some(EncodingWord::Windows1252), Form::Csv { .. }) => Encoding::Windows1252,
        (Some(EncodingWord::Utf8) | None, _) => Encoding::Utf8,
    };
    let columns = Column::ALL.map(|column| {
        let table = &table.columns;
        let name = match column {
            Column::LocalId => &table.local_id,
            Column::NhsNumber => &table.nhs_number,
            Column::FamilyName => &table.family_name,
            Column::GivenNames => &table.given_names,
            Column::DateOfBirth => &table.date_of_birth,
            Column::PlanKind => &table.plan_kind,
            Column::Start => &table.start,
            Column::End => &table.end,
        };
        name.trim().to_owned()
    });
    for (place, (column, name)) in Column::ALL.iter().zip(&columns).enumerate() {
        let key = format!("extract.columns.{}", column.key());
        if name.is_empty() {
            return Err(setting(&key, "this is empty"));
        }
        if columns.iter().take(place).any(|other| other == name) {
            return Err(setting(&key, "another key names the same column"));
        }
    }
    let more =
        [&table.columns.worker, &table.columns.worker_away, &table.columns.team, &table.columns.restricted];
    let more: [Option<String>; 4] = more.map(|name| name.as_ref().map(|name| name.trim().to_owned()));
    for (place, (which, name)) in More::ALL.iter().zip(&more).enumerate() {
        let Some(name) = name else { continue };
        let is_twice =
            columns.contains(name) || more.iter().take(place).any(|other| other.as_ref() == Some(name));
        if name.is_empty() || is_twice {
            let why = if is_twice { "another key names the same column" } else { "this is empty" };
            return Err(setting(&format!("extract.columns.{}", which.key()), why));
        }
    }
    let kinds = kinds(&table.kinds)?;
    let multi_line = multi_line(&table, form, &columns, &more)?;
    let (ends_without_line_end, takes_test_numbers) = (table.ends_without_line_end, table.synthetic);
    Ok(Mapping {
        form,
        encoding,
        columns,
        more,
        kinds,
        multi_line,
        ends_without_line_end,
        takes_test_numbers,
        contacts: Contacts::default(),
        named: None,
    })
}

/// Columns that are not read, and whose texts may go over several lines.
fn multi_line(
    table: &ExtractTable,
    form: Form,
    columns: &[String; 8],
    more: &[Option<String>; 4],
) -> Result<Vec<String>, ConfigError> {
    let refused = |why: &str| Err(setting("extract.multi_line", why));
    let names: Vec<String> = table.multi_line.iter().map(|name| name.trim().to_owned()).collect();
    let is_read = |name: &String| columns.contains(name) || more.contains(&Some(name.clone()));
    if names.iter().any(|name| name.is_empty() || is_read(name)) {
        return refused("columns that are not read; what is read stands on one line");
    }
    if form == Form::Ndjson && (table.ends_without_line_end || !names.is_empty()) {
        return refused("`multi_line` and `ends_without_line_end` are of \"csv\" only");
    }
    Ok(names)
}

fn delimiter(text: Option<&str>) -> Result<u8, ConfigError> {
    match text.map(str::as_bytes) {
        None => Ok(b','),
        Some(&[byte @ (b',' | b';' | b'\t' | b'|')]) => Ok(byte),
        Some(_) => Err(setting("extract.delimiter", r#"one of ",", ";", "|" and "\t""#)),
    }
}

fn kinds(table: &KindTable) -> Result<Kinds, ConfigError> {
    let mut kinds = Kinds::default();
    for (key, kind, words) in [
        ("child-protection", PlanKind::ChildProtection, &table.child_protection),
        ("looked-after", PlanKind::LookedAfter, &table.looked_after),
        ("unborn-child-protection", PlanKind::UnbornChildProtection, &table.unborn_child_protection),
    ] {
        let key = format!("extract.kinds.{key}");
        for word in words {
            if word.trim().is_empty() {
                return Err(setting(&key, "one of the words is empty"));
            }
            if !kinds.add(word, kind) {
                return Err(setting(&key, &format!("{word:?} is named twice")));
            }
        }
    }
    if kinds.is_empty() {
        return Err(setting("extract.kinds", "no word of the extract stands for any kind of plan"));
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTING: &str = include_str!("../../packaging/authority.toml");

    fn parse(text: &str) -> Result<AuthorityConfig, String> {
        AuthorityConfig::parse(text, Path::new("authority.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_configuration_to_start_from_is_taken() {
        let config = parse(STARTING).unwrap();
        assert_eq!(config.extract.kinds.of("c1"), Some(PlanKind::LookedAfter));
        assert_eq!(config.extract.kinds.of("nothing"), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_key() {
        let check = |from: &str, to: &str, said: &str| {
            let text = STARTING.replace(from, to);
            assert_ne!(text, STARTING, "{from}");
            let error = parse(&text).unwrap_err();
            assert!(error.contains(said), "{from} as {to}: {error}");
        };
        check("delimiter = \",\"", "delimiter = \"and\"", "`extract.delimiter`");
        check("format = \"csv\"", "format = \"ndjson\"", "`extract.delimiter`");
        check("\"NHS Number\"", "\"\"", "`extract.columns.nhs_number`");
        check("\"NHS Number\"", "\"Surname\"", "another key names the same column");
        check("\"C1\"", "\"C2\"", "is named twice");
        check("# multi_line = [\"Comments\"]", "multi_line = [\"Surname\"]", "`extract.multi_line`");
        check("\"C1\"", "\" \"", "`extract.kinds.looked-after`");
        check("format", "formta", "unknown field");
        check("memory =", "# memory =", "`memory`");
        check("[hub]", "[hub]\nproxy = 1", "unknown field");
        check("https://hub", "http://hub", "`hub.address`");
        check("https://hub.example", "https://user@hub.example", "`hub.address`");
        check("\"E06000030\"", "\"E06 30\"", "`authority.code`");
        check("\"01793 466903\"", "\"switchboard\"", "`authority.office`");
        check("\"Wexcombe Council\"", "\" \"", "`authority.name`");
        check("\"08:30\"", "\"half past eight\"", "`authority.office_hours`");
        check("\"08:30\"", "\"18:30\"", "`authority.office_hours`");
        check("\"mon\"", "\"Monday\"", "`authority.office_hours`");
        // Nothing may come before nobody.
        check("fall_back = [\"Safeguarding lead\"]", "", "fall_back");
        check("fall_back = [\"Safeguarding lead\"]", "fall_back = []", "`routing.fall_back`");
        check("fall_back = [\"Safeguarding lead\"]", "fall_back = [\" \"]", "`routing.fall_back`");
        check(
            "fall_back = [\"Safeguarding lead\"]",
            "fall_back = [\"X\"]",
            "no [[routing.person]] has the name \"X\"",
        );
        check("emergency_duty = [\"Em", "emergency_duty = [\"Im", "`routing.emergency_duty`");
        check("# email = \"edt@wexcombe.example\"", "email = \"edt@a b\"", "`routing.person.email`");
        check("# page = \"https://", "page = \"http://", "`routing.page`");
        check("# unread_hours = 4", "unread_hours = 41", "`routing.unread_hours`");
        check("# kinds = { looked-after = ", "kinds = { looked-after = ", "`routing.kinds.looked-after`");
        let mail = |security: &str, more: &str| {
            format!(
                "[routing.mail]\nserver = \"mail.example\"\nfrom = \"a@b.example\"\nsecurity = \"{security}\"\n{more}\n[extract]\n"
            )
        };
        check("[extract]\n", &mail("none", ""), "`routing.mail.security`");
        check("[extract]\n", &mail("tls", "user = \"a\""), "`user` and `password_file` belong together");
        let here = mail("none", "user = \"a\"\npassword_file = \"b\"").replace("mail.example", "127.0.0.1");
        check("[extract]\n", &here, "a password is not sent without encryption");
        let held = |more: &str| format!("[routing.restricted]\nholders = [{more}]\n[extract]\n");
        check("[extract]\n", &held("\"Emergency duty team\""), "needs a `user`");
        let common = "[routing.restricted]\nfolder = \"case-notes\"\n[extract]\n";
        check("[extract]\n", common, "`routing.restricted.folder`");
        check("# worker = \"Allocated Worker\"", "worker = \"Surname\"", "`extract.columns.worker`");
        let (before, after) = (
            STARTING.split_once("\n[routing]\n").unwrap().0,
            STARTING.split_once("\n[extract]\n").unwrap().1,
        );
        let error = parse(&format!("{before}\n[extract]\n{after}")).unwrap_err();
        assert!(error.contains("`routing`"), "{error}");
        let alone = STARTING.split_once("\n[extract]\n").unwrap().1;
        assert_eq!(
            parse(&format!("[extract]\n{alone}")).unwrap().link,
            None,
            "to check, nothing more is needed"
        );
    }

    #[test]
    fn a_page_that_would_be_reached_from_elsewhere_or_believe_anybody_is_refused() {
        for (from, to, said) in [
            ("listen = \"127.0.0.1:8480\"", "listen = \"0.0.0.0:8480\"", "`page.listen`"),
            ("listen = \"127.0.0.1:8480\"", "listen = \"localhost\"", "`page.listen`"),
            ("# [page.proxy]", "[page.proxy]", "missing field"),
        ] {
            let error = parse(&STARTING.replace(from, to)).unwrap_err();
            assert!(error.contains(said), "{from} as {to}: {error}");
        }
        let proxied =
            STARTING.replace("# [page.proxy]", "[page.proxy]").replace("# user_header", "user_header");
        let proxied = proxied
            .replace("# secret_", "secret_")
            .replace("# address = \"https://cpis", "address = \"https://cpis");
        assert!(parse(&proxied).unwrap().page.unwrap().proxy.is_some());
        for (from, to, said) in [
            ("https://cpis.council.example", "http://cpis.council.example", "`page.address`"),
            ("https://cpis.council.example", "https://cpis.council.example/page", "`page.address`"),
            ("https://cpis.council.example", "https://cpis.council.example:443", "`page.address`"),
            ("\"X-Remote-User\"", "\"Cookie\"", "`page.proxy.user_header`"),
            ("\"X-Remote-User\"", "\"X-Cpis-Proxy\"", "`page.proxy.secret_header`"),
            ("address = \"https://cpis", "# address = \"https://cpis", "`page.address`"),
        ] {
            assert!(proxied.contains(from), "{from}");
            let error = parse(&proxied.replace(from, to)).unwrap_err();
            assert!(error.contains(said), "{from} as {to}: {error}");
        }
    }
}
