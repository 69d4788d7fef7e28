//! People and plans as lines of the load format.

use serde_json::{Map, Value, json};

use super::SamplePerson;
use super::plans::{Council, SamplePlan};
use crate::domain::{BirthDate, Deceased, PersonName};
use crate::fhir::codes;

impl SamplePerson {
    /// Every line about this person: the person, a superseded number, the plans. Each ends with a line break.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines = format!("{}\n", self.person_line());
        for line in self.superseded_line().into_iter().chain(self.plan_lines()) {
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        lines
    }

    /// The person's own line.
    #[must_use]
    pub fn person_line(&self) -> Value {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("resourceType", json!("Patient"));
        if self.restricted {
            put("meta", json!({ "security": [{ "system": codes::CONFIDENTIALITY, "code": "R" }] }));
        }
        put("identifier", json!([{ "system": codes::NHS_NUMBER, "value": self.number.digits() }]));
        let previous = self.previous_names.iter().map(|name| human_name(name, "old"));
        put("name", std::iter::once(human_name(&self.name, "usual")).chain(previous).collect());
        put("gender", json!(self.gender.code()));
        put("birthDate", json!(birth(self.born)));
        match self.deceased {
            Deceased::No => None,
            Deceased::DateNotKnown => put("deceasedBoolean", json!(true)),
            Deceased::On(day) => put("deceasedDateTime", json!(day.to_string())),
        };
        match self.multiple_birth {
            None => None,
            Some(0) => put("multipleBirthBoolean", json!(true)),
            Some(order) => put("multipleBirthInteger", json!(order)),
        };
        put("address", json!([{ "use": "home", "postalCode": self.postcode }]));
        Value::Object(fields)
    }

    /// The line of the number that this person's replaced.
    #[must_use]
    pub fn superseded_line(&self) -> Option<Value> {
        let identifier = |number: String| json!({ "system": codes::NHS_NUMBER, "value": number });
        let old = self.superseded?;
        Some(json!({
            "resourceType": "Patient",
            "identifier": [identifier(old.digits())],
            "active": false,
            "link": [{ "type": "replaced-by", "other": { "identifier": identifier(self.number.digits()) } }],
        }))
    }

    /// A line for each plan.
    #[must_use]
    pub fn plan_lines(&self) -> Vec<Value> {
        self.plans.iter().map(|plan| plan_line(plan, &self.number.digits())).collect()
    }
}

fn human_name(name: &PersonName, used: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("use".to_owned(), json!(used));
    if !name.family.is_empty() {
        fields.insert("family".to_owned(), json!(name.family));
    }
    if !name.given.is_empty() {
        fields.insert("given".to_owned(), json!(name.given));
    }
    if let Some(title) = &name.title {
        fields.insert("prefix".to_owned(), json!([title]));
    }
    Value::Object(fields)
}

fn birth(born: BirthDate) -> String {
    match born {
        BirthDate::Day(day) => day.to_string(),
        BirthDate::Month(year, month) => format!("{year:04}-{month:02}"),
        BirthDate::Year(year) => format!("{year:04}"),
    }
}

fn plan_line(plan: &SamplePlan, number: &str) -> Value {
    let council = Council::of(plan.council);
    let mut period = json!({ "start": plan.period.start.to_string() });
    if let (Some(end), Some(fields)) = (plan.period.end, period.as_object_mut()) {
        fields.insert("end".to_owned(), json!(end.to_string()));
    }
    let mut telecom = vec![json!({ "system": "phone", "use": "work", "value": council.office })];
    let duty = council.emergency_duty;
    telecom.extend(duty.map(|duty| json!({ "system": "phone", "use": "mobile", "value": duty })));
    let mut extension = Vec::new();
    if council.hours_are_known {
        let days = codes::DAYS.iter().take(5).map(|day| json!({ "url": "day", "valueCode": day }));
        let hours = [("from", "08:30:00"), ("to", "17:00:00")];
        let hours = hours.iter().map(|(url, time)| json!({ "url": url, "valueTime": time }));
        let parts: Vec<Value> = days.chain(hours).collect();
        extension.push(json!({ "url": codes::OFFICE_HOURS, "extension": parts }));
    }
    if plan.has_team {
        extension.push(json!({ "url": codes::TEAM_CONTACT, "extension": [
            { "url": "name", "valueString": "Children's assessment team" },
            { "url": "telephone", "valueString": "01632 960999" } ] }));
    }
    json!({
        "resourceType": "CareTeam",
        "meta": { "lastUpdated": plan.sent.to_string() },
        "extension": extension,
        "identifier": [{ "system": codes::LOCAL_ID, "value": plan.local_id }],
        "category": [{ "coding": [{ "system": codes::SNOMED, "code": plan.kind.snomed(),
            "display": plan.kind.snomed_display() }] }],
        "name": council.name,
        "subject": { "identifier": { "system": codes::NHS_NUMBER, "value": number } },
        "period": period,
        "telecom": telecom,
        "managingOrganization": [{ "identifier": { "system": codes::ODS_CODE, "value": council.code } }],
    })
}
