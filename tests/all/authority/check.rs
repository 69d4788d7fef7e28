//! `cpis-authority check`: each defect of an extract has its message, at its row and column, and the rows beside it are
//! right all the same.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const HEAD: &str = "Person ID,NHS Number,Surname,Forenames,Date of Birth,Legal Status,Start Date,End Date";

/// The day on which the extracts are looked at.
const DAY: &str = "2026-11-22";

/// A row, of which a test says only what it is about. Real-looking numbers: nobody has them, their check digits fit.
#[derive(Clone)]
struct Row([String; 8]);

fn row() -> Row {
    let usual = ["4711", "4010232137", "Brien", "Ava", "12/03/2015", "C1", "01/02/2020", ""];
    Row(usual.map(str::to_owned))
}

/// Somebody else, whose row is right.
fn right() -> Row {
    row().with(0, "1").with(1, "7960190127").with(2, "Jones")
}

impl Row {
    fn with(mut self, column: usize, text: &str) -> Self {
        text.clone_into(&mut self.0[column]);
        self
    }

    fn line(&self) -> String {
        self.0.join(",")
    }
}

const ID: usize = 0;
const NUMBER: usize = 1;
const FAMILY: usize = 2;
const GIVEN: usize = 3;
const BORN: usize = 4;
const KIND: usize = 5;
const START: usize = 6;
const END: usize = 7;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::write(desk.path("authority.toml"), include_str!("../../../packaging/authority.toml")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn configured(self, from: &str, to: &str) -> Self {
        let file = self.path("authority.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        fs::write(file, text.replace(from, to)).unwrap();
        self
    }

    fn check(&self, extract: impl AsRef<[u8]>) -> Said {
        fs::write(self.path("extract.csv"), extract).unwrap();
        self.run(&["extract.csv"])
    }

    fn run(&self, more: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(["check", "--config", "authority.toml", "--day", DAY]).args(more);
        Said::of(&command.current_dir(Path::new(self.0.path())).output().unwrap())
    }
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    text: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        Self { code: output.status.code(), text: String::from_utf8(text).unwrap() }
    }

    fn has(&self, part: &str) {
        assert!(self.text.contains(part), "{part:?} is not said in\n{}", self.text);
    }
}

fn csv(rows: &[Row]) -> String {
    rows.iter().fold(format!("{HEAD}\r\n"), |mut text, row| {
        let _ = write!(text, "{}\r\n", row.line());
        text
    })
}

#[test]
fn each_defect_is_said_at_its_row_and_column_and_the_rows_beside_it_are_right() {
    let desk = Desk::new();
    let check = |bad: Row, place: &str, said: &str| {
        let told = desk.check(csv(&[right(), bad]));
        assert_eq!(told.code, Some(1), "{}", told.text);
        told.has("1 of 2 rows cannot be sent: no hospital will see the plan in it.");
        told.has("Can be sent: 1 row, for 1 people.");
        told.has(&format!("row 3, {place}"));
        told.has(said);
        assert!(!told.text.contains("Brien") && !told.text.contains("4010232137"), "{}", told.text);
    };
    check(row().with(ID, ""), "Person ID:", "something must");
    check(row().with(ID, "\u{7}"), "Person ID:", "cannot be seen");
    check(row().with(NUMBER, ""), "NHS Number (local id 4711):", "no hospital can see this plan");
    check(row().with(NUMBER, "4010232138"), "NHS Number", "its last digit does not fit");
    check(row().with(NUMBER, "401023213"), "NHS Number", "this has 9");
    check(row().with(NUMBER, "401O232137"), "NHS Number", "only digits");
    check(row().with(NUMBER, "4.01023E+09"), "NHS Number", "a spreadsheet has rounded");
    check(row().with(NUMBER, "9990000018"), "NHS Number", "for tests");
    check(row().with(FAMILY, " "), "Surname", "something must");
    check(row().with(GIVEN, ""), "Forenames", "something must");
    check(row().with(GIVEN, &"x".repeat(101)), "Forenames", "longer than 100 characters");
    check(row().with(BORN, "12/03/15"), "Date of Birth", "four digits");
    check(row().with(BORN, "42075"), "Date of Birth", "a spreadsheet's own number");
    check(row().with(BORN, "31/02/2015"), "Date of Birth", "not a day");
    check(row().with(BORN, "23/11/2026"), "Date of Birth", "has not come yet");
    check(row().with(BORN, "12/03/1815"), "Date of Birth", "longer ago than anybody lives");
    check(row().with(KIND, "Z9"), "Legal Status", "[extract.kinds]");
    check(row().with(KIND, ""), "Legal Status", "something must");
    check(row().with(START, ""), "Start Date", "something must");
    check(row().with(START, "11/03/2015"), "Start Date", "before the date of birth");
    check(row().with(START, "12/03/2033"), "Start Date", "the day before the 18th birthday");
    check(row().with(BORN, "22/11/2008"), "End Date", "the day before the 18th birthday");
    check(row().with(END, "31/01/2020"), "End Date", "ends before it starts");
    check(row().with(END, "01/01/2206"), "End Date", "twenty years ahead");
}

#[test]
fn what_is_no_defect_is_none() {
    let desk = Desk::new();
    let check = |rows: &[Row], said: &str| {
        let told = desk.check(csv(rows));
        assert_eq!(told.code, Some(0), "{}", told.text);
        told.has("Every row can be sent");
        told.has(said);
    };
    check(&[right(), row()], "Can be sent: 2 rows, for 2 people.");
    // The mother's age never matters.
    check(&[row().with(KIND, "ucpp").with(BORN, "12/03/1988").with(END, "22/12/2026")], "1 row");
    check(&[row().with(NUMBER, "401 023 2137").with(KIND, " looked  AFTER child ")], "1 row");
    check(&[row().with(BORN, "23/11/2008")], "1 row");
    check(&[row(), row().with(KIND, "CPP"), row()], "Said twice: 1 row; nothing to mend.");
    check(&[row(), Row([const { String::new() }; 8]), right()], "Can be sent: 2 rows, for 2 people.");
}

#[test]
fn rows_that_contradict_each_other_are_none_of_them_sent() {
    let desk = Desk::new();
    let check = |rows: [Row; 2], column: &str, said: &str| {
        // In either order, and with another between them.
        for turned in [false, true] {
            let [mut one, mut other] = rows.clone();
            if turned {
                std::mem::swap(&mut one, &mut other);
            }
            let told = desk.check(csv(&[one, right(), other]));
            assert_eq!(told.code, Some(1), "{}", told.text);
            told.has("2 of 3 rows cannot be sent: no hospital will see the plan in any of them.");
            told.has("Can be sent: 1 row, for 1 people.");
            told.has(&format!("row 2, {column}: row 4 {said}"));
            told.has(&format!("row 4, {column}: row 2 {said}"));
        }
    };
    check([row(), row().with(NUMBER, "4010232145")], "Person ID", "has the same local id");
    check([row(), row().with(BORN, "12/03/2014")], "Person ID", "has the same local id");
    check([row(), row().with(FAMILY, "O'Brien")], "Person ID", "has the same local id");
    check([row(), row().with(ID, "4712")], "NHS Number", "has the same NHS number");
    check([row(), row().with(END, "01/03/2020")], "End Date", "says another end");
}

#[test]
fn a_file_that_cannot_be_believed_is_refused_whole_and_it_is_said_why() {
    let desk = Desk::new();
    let check = |extract: &[u8], said: &str| {
        let told = desk.check(extract);
        assert_eq!(told.code, Some(2), "{}", told.text);
        told.has(said);
        assert!(!told.text.contains("Brien"), "{}", told.text);
    };
    let whole = csv(&[row()]);
    check(b"", "the file is empty");
    check(row().line().as_bytes(), "is the first row not the head?");
    check(whole.replace("NHS Number", "NHS No").as_bytes(), "none of them is called \"NHS Number\"");
    check(whole.replace("Forenames", "surname").as_bytes(), "two columns are called \"Surname\"");
    check(whole.replace(',', ";").as_bytes(), "set `delimiter`");
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(whole.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    check(&utf16, "the file is UTF-16");
    let endless = format!("{whole}4711,\"401{}", "x".repeat(200_000));
    check(endless.as_bytes(), "a quote that is not closed");
    let told = desk.run(&["nowhere.csv"]);
    assert_eq!(told.code, Some(2));
    told.has("cannot read nowhere.csv");
}

#[test]
fn letters_are_read_as_configured() {
    let rows = [right().with(FAMILY, "Jönés"), row()];
    let windows: Vec<u8> = csv(&rows).chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let told = Desk::new().check(&windows);
    told.has("row 2, Surname (local id 1): there are letters here that are not UTF-8");
    told.has("1 of 2 rows");
    let desk = Desk::new().configured("\"utf-8\"", "\"windows-1252\"");
    assert_eq!(desk.check(&windows).code, Some(0));
    let marked = format!("\u{feff}{}", csv(&rows));
    assert_eq!(Desk::new().check(marked).code, Some(0), "with a byte order mark");
    let quoted = format!("\u{feff}\"Person ID\"{}", csv(&rows).strip_prefix("Person ID").unwrap());
    assert_eq!(Desk::new().check(quoted).code, Some(0), "and quoted");
}

#[test]
fn a_row_with_a_delimiter_too_many_is_refused_alone() {
    let told = Desk::new().check(format!("{HEAD}\n{}\n{},more\n", right().line(), row().line()));
    told.has("row 3: this row has 9 fields and the first row has 8");
    told.has("Can be sent: 1 row");
}

#[test]
fn ndjson_has_the_same_names_and_the_same_rules() {
    let desk =
        Desk::new().configured("format = \"csv\"", "format = \"ndjson\"").configured("delimiter = \",\"", "");
    let names: Vec<&str> = HEAD.split(',').collect();
    let object = |row: &Row| {
        let fields = names.iter().zip(&row.0).map(|(name, text)| ((*name).to_owned(), text.clone().into()));
        serde_json::Value::Object(fields.collect()).to_string()
    };
    let check = |line: &str, said: &str| {
        let told = desk.check(format!("{}\n{line}\n", object(&right())));
        assert_eq!(told.code, Some(1), "{}", told.text);
        told.has("Can be sent: 1 row");
        told.has(said);
    };
    assert_eq!(desk.check(format!("{}\n\n{}", object(&right()), object(&row()))).code, Some(0));
    let number = object(&row()).replace("\"4010232137\"", "4010232137");
    assert_eq!(desk.check(&number).code, Some(0), "a number is a text");
    check(
        &object(&row().with(NUMBER, "1")),
        "row 2, NHS Number (local id 4711): an NHS number has 10 digits",
    );
    check("[1]", "row 2: this line is not one JSON object");
    check("{\"Person ID\": {}}", "row 2: this line is not one JSON object");
    // A field that is called otherwise would look like a plan without an end.
    let misnamed = object(&row().with(END, "01/03/2021")).replace("End Date", "Ends");
    check(&misnamed, "row 2, End Date (local id 4711): there is no such field in this line");
    let null = object(&row()).replace("\"End Date\":\"\"", "\"End Date\":null");
    assert!(null.contains("null"));
    assert_eq!(desk.check(&null).code, Some(0), "null is nothing");
    let twice = object(&row()).replacen('{', "{\"NHS Number\":\"7960190127\",", 1);
    check(&twice, "row 2: this line is not one JSON object");
}

#[test]
fn the_report_is_a_table_that_no_spreadsheet_runs() {
    let desk = Desk::new();
    let bad = row().with(ID, "=1+1").with(NUMBER, "");
    fs::write(desk.path("extract.csv"), csv(&[bad])).unwrap();
    let told = desk.run(&["extract.csv", "--report", "report.csv"]);
    assert_eq!(told.code, Some(1));
    let report = fs::read_to_string(desk.path("report.csv")).unwrap();
    assert!(report.starts_with("row,column,local id,what to mend\n2,NHS Number,'=1+1,"), "{report}");
    // What is there already is not written over.
    let told = desk.run(&["extract.csv", "--report", "extract.csv"]);
    assert_eq!(told.code, Some(2));
    assert_eq!(fs::read_to_string(desk.path("extract.csv")).unwrap().lines().count(), 2);
}
