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
    let empty = desk.check(csv(&[]));
    empty.has("There are no rows in this file");
    assert!(!empty.text.contains("Every row"), "{}", empty.text);
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
    // A mother in care, and the plan for her unborn child under another local id: it belongs under hers.
    let unborn = row().with(ID, "4712").with(KIND, "UCPP").with(END, "22/12/2026");
    let said = "has the same NHS number under another local id. A plan for an unborn child is the mother's";
    check([row(), unborn.clone()], "NHS Number", said);
    check([unborn.clone().with(ID, "4713").with(START, "02/02/2026"), unborn], "NHS Number", said);
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
    check(endless.as_bytes(), "row 3 is longer than any can be: look for a quote that is not closed");
    let told = desk.run(&["nowhere.csv"]);
    assert_eq!(told.code, Some(2));
    told.has("cannot read nowhere.csv");
}

/// What a table of the manual says that is said of something.
pub(super) fn said_of(what: &str) -> Vec<&'static str> {
    include_str!("../../../src/manual/extract.md")
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| Wrong with {what} |")))
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.split_once(" | `")?.1.strip_suffix("` |"))
        .collect()
}

#[test]
fn the_manuals_tables_of_contradictions_and_of_files_are_what_is_said() {
    let unborn = row().with(ID, "4712").with(KIND, "UCPP").with(END, "22/12/2026");
    let contradicting = [
        row().with(NUMBER, "4010232145"),
        row().with(BORN, "12/03/2014"),
        row().with(FAMILY, "Other"),
        row().with(ID, "4712"),
        unborn,
        row().with(END, "01/03/2020"),
    ];
    let table = said_of("two rows");
    assert_eq!(table.len(), contradicting.len());
    for (other, said) in contradicting.into_iter().zip(table) {
        let told = Desk::new().check(csv(&[row(), other, right()]));
        assert_eq!(told.code, Some(1));
        assert_eq!(told.text.matches(said).count(), 2, "{said:?} is not said of each in\n{}", told.text);
        told.has("Can be sent: 1 row");
    }
    let whole = csv(&[right(), row()]);
    let files: [Vec<u8>; 8] = [
        Vec::new(),
        row().line().into(),
        whole.replace("NHS Number", "NHS No").into(),
        whole.replace(',', ";").into(),
        [0xfeff].into_iter().chain(whole.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        csv(&[right(), row().with(FAMILY, "\"Brien")]).into(),
        csv(&[right().with(FAMILY, "\"Jones"), row().with(FAMILY, "Brien\"")]).into(),
        whole.trim_end().into(),
    ];
    let table = said_of("the file");
    assert_eq!(table.len(), files.len());
    for (file, said) in files.iter().zip(table) {
        Desk::new().check(file).has(said);
    }
}

/// Rows with a further column behind those that are read.
fn commented(rows: &[(Row, &str)]) -> String {
    rows.iter().fold(format!("{HEAD},Comments\r\n"), |mut text, (row, comment)| {
        let _ = write!(text, "{},{comment}\r\n", row.line());
        text
    })
}

#[test]
fn h26_a_quote_that_is_not_closed_swallows_nobody() {
    let third = || row().with(ID, "9").with(NUMBER, "4010232145");
    let desk = Desk::new();
    let told = Desk::new().configured("# multi_line = [\"Comments\"]", "multi_line = [\"Comments\"]");
    let refused = |desk: &Desk, text: &str, said: &str| {
        let checked = desk.check(text);
        assert_eq!(checked.code, Some(2), "{}", checked.text);
        checked.has(said);
        for word in ["Every row", "Can be sent", "Brien", "4010232137"] {
            assert!(!checked.text.contains(word), "{}", checked.text);
        }
    };
    // Never closed: in the last column, in a middle one, in the last row, in a row with fewer columns.
    for desk in [&desk, &told] {
        let open = |rows: &[(Row, &str)], said: &str| refused(desk, &commented(rows), said);
        open(
            &[(right(), "\"a note"), (row(), ""), (third(), "")],
            "a quote is opened in row 2 and never closed",
        );
        open(
            &[(right(), ""), (row().with(GIVEN, "\"Ava"), ""), (third(), "")],
            "opened in row 3 and never closed",
        );
        open(&[(right(), ""), (row(), ""), (third(), "\"a note")], "opened in row 4 and never closed");
        open(
            &[(right(), "\"she said \"\"no"), (row(), ""), (third(), "")],
            "opened in row 2 and never closed",
        );
    }
    // Closed by a quote in a row behind it: in the same column, in another, and by the first quote of a text.
    let rows = [(right(), "\"a note"), (row(), ""), (third(), "a 5\" scar")];
    refused(&desk, &commented(&rows), "row 2: the text in the column \"Comments\" goes over several lines");
    refused(
        &told,
        &commented(&rows),
        "row 2: a text in quotes goes over several lines, and they look like further rows",
    );
    let rows = [(right(), "\"a note"), (row().with(GIVEN, "Ava \"Bella\""), ""), (third(), "")];
    refused(&told, &commented(&rows), "row 2: a text in quotes goes over several lines");
    let rows = [(right(), "\"a note"), (row(), "\"another\""), (third(), "")];
    refused(&told, &commented(&rows), "row 2: a text in quotes goes over several lines");
    // The row between two such quotes would get the other's plan.
    let rows = [(right().with(GIVEN, "\"Ava"), ""), (row().with(GIVEN, "Bella\""), "")];
    refused(&told, &commented(&rows), "row 2: the text in the column \"Forenames\" goes over several lines");
    refused(
        &desk,
        &format!("{HEAD},\"Comments\r\n{},\"\r\n{},\r\n", right().line(), row().line()),
        "row 1: a text",
    );
}

#[test]
fn what_is_no_open_quote_is_none() {
    let well = |desk: &Desk, text: &str| {
        let checked = desk.check(text);
        assert_eq!(checked.code, Some(0), "{}", checked.text);
        checked.has("Can be sent: 2 rows, for 2 people.");
    };
    let desk = Desk::new();
    let with = |comment: &str| commented(&[(right(), comment), (row(), "")]);
    well(&desk, &with("\"she said \"\"no\"\", twice\""));
    well(&desk, &with("a 5\" scar"));
    well(&desk, &with("\"line ends around it\r\n\""));
    let head = with("").replacen("Comments", "\"Comments\nof the worker\"", 1);
    well(&desk, &head);
    let long =
        with("\"Seen on Monday.\r\nAnd on 12/03/2026, with the mother, the aunt, and others, at home.\"");
    let refused = desk.check(&long);
    assert_eq!(refused.code, Some(2));
    refused.has("row 2: the text in the column \"Comments\"");
    refused.has("name it in `extract.multi_line`; or leave it out of the extract");
    let desk = desk.configured("# multi_line = [\"Comments\"]", "multi_line = [\"Comments\"]");
    well(&desk, &long);
    desk.check(csv(&[right()])).has("none of them is called \"Comments\"");
    let before = format!("Comments,{HEAD}\r\n,{}\r\n", right().line());
    desk.check(before).has("has to stand behind all columns that are read");
}

#[test]
fn a_row_in_which_the_file_ends_is_not_taken_for_whole() {
    let desk = Desk::new();
    let (whole, last) =
        (csv(&[right(), row()]), "row 3 (local id 4711): the file ends in this row, without a line end");
    let cut = |text: &str, code: i32, said: &str| {
        let checked = desk.check(text);
        assert_eq!(checked.code, Some(code), "{}", checked.text);
        checked.has(said);
    };
    cut(whole.trim_end(), 1, last);
    cut(whole.strip_suffix("/02/2020,\r\n").unwrap(), 1, "row 3: the file ends in this row");
    cut(whole.strip_suffix("\n").unwrap(), 0, "Can be sent: 2 rows");
    // Where a column follows those that are read, or the last one is in quotes, it is seen that they are whole.
    let more = commented(&[(right(), "a note"), (row(), "a note")]);
    cut(more.strip_suffix("te\r\n").unwrap(), 0, "Can be sent: 2 rows");
    cut(more.strip_suffix(",a note\r\n").unwrap(), 1, "row 3: the file ends in this row");
    let quoted = csv(&[right(), row().with(END, "\"20/11/2026\"")]);
    cut(quoted.trim_end(), 0, "Can be sent: 2 rows");
    cut(quoted.strip_suffix("26\"\r\n").unwrap(), 2, "a quote is opened in row 3 and never closed");
    let told = desk.configured("# ends_without_line_end = true", "ends_without_line_end = true");
    assert_eq!(told.check(whole.trim_end()).code, Some(0));
    assert_eq!(told.check(whole.strip_suffix("/02/2020,\r\n").unwrap()).code, Some(1));
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
    // Letters that Windows has where others have signs that cannot be seen.
    let own = csv(&[right().with(FAMILY, "Du~ek"), row().with(FAMILY, "O^Brien")]);
    let windows_letter = |byte: u8| match byte {
        b'~' => 0x9a,
        b'^' => 0x92,
        other => other,
    };
    let own: Vec<u8> = own.bytes().map(windows_letter).collect();
    let told = desk.check(&own);
    assert_eq!(told.code, Some(0), "{}", told.text);
    told.has("Can be sent: 2 rows, for 2 people.");
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
