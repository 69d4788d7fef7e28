//! Who has signed in: the provider's claims about a person and their roles, read strictly. Pure.

use serde_json::{Map, Value};

use crate::domain::{Activity, Caller, text};
use crate::hub::limits;

/// What a provider says of somebody.
pub(in crate::hub) type Claims = Map<String, Value>;

/// Somebody whom the provider knows, and their roles. `Debug` shows nothing of them.
#[derive(Clone)]
pub(in crate::hub) struct Person {
    pub(in crate::hub) user: String,
    pub(in crate::hub) name: String,
    pub(in crate::hub) roles: Vec<Role>,
    /// The ids of roles that cannot be read: nobody works in one of these, and the others are as good as before.
    pub(in crate::hub) unusable: Vec<String>,
    /// The id of the role that was chosen at the provider.
    pub(in crate::hub) selected: Option<String>,
}

/// One of somebody's roles.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::hub) struct Role {
    pub(in crate::hub) id: String,
    pub(in crate::hub) name: String,
    pub(in crate::hub) organisation_code: String,
    pub(in crate::hub) organisation: String,
    pub(in crate::hub) activities: Vec<Activity>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(hidden)")
    }
}

impl std::fmt::Debug for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Role(hidden)")
    }
}

/// Why nobody can be made of the claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Unclear {
    /// User id or name is missing, too long, or holds what cannot be printed.
    Person,
    /// The roles cannot be read as roles.
    Roles,
    /// There is none.
    NoRole,
    /// The one that is named is none of the person's.
    NotTheirs,
    /// The one that is named is there twice.
    Doubled,
    /// What the two answers of the provider say differs.
    Contradiction,
}

/// What a provider says in both its answers of itself and of the answer, not of the person.
const OF_THE_ANSWER: [&str; 13] =
    ["iss", "aud", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "azp", "auth_time", "acr", "amr", "sid"];

/// The id token's claims and those of the other answer in one; what stands in both must be the same.
pub(in crate::hub) fn joined(token: Claims, more: Claims) -> Result<Claims, Unclear> {
    let mut all = token;
    for (name, value) in more {
        if OF_THE_ANSWER.contains(&name.as_str()) {
            continue;
        }
        match all.get(&name) {
            Some(known) if *known != value => return Err(Unclear::Contradiction),
            Some(_) => {}
            None => {
                all.insert(name, value);
            }
        }
    }
    Ok(all)
}

impl Person {
    pub(in crate::hub) fn of(claims: &Claims) -> Result<Self, Unclear> {
        let user = plain(claims.get("nhsid_useruid")).ok_or(Unclear::Person)?;
        let name = plain(claims.get("name")).ok_or(Unclear::Person)?;
        let selected = match claims.get("selected_roleid") {
            None | Some(Value::Null) => None,
            named @ Some(_) => Some(plain(named).ok_or(Unclear::Roles)?),
        };
        let listed = match claims.get("nhsid_nrbac_roles") {
            None | Some(Value::Null) => return Err(Unclear::NoRole),
            Some(Value::Array(roles)) if roles.len() <= limits::ROLES => roles,
            Some(_) => return Err(Unclear::Roles),
        };
        if listed.is_empty() {
            return Err(Unclear::NoRole);
        }
        let (mut roles, mut unusable) = (Vec::new(), Vec::new());
        for role in listed {
            match Role::of(role, claims) {
                Some(role) => roles.push(role),
                None => unusable.extend(id_of(role)),
            }
        }
        if roles.is_empty() {
            return Err(Unclear::Roles);
        }
        Ok(Self { user, name, roles, unusable, selected })
    }

    /// The one role of this id.
    pub(in crate::hub) fn role(&self, id: &str) -> Result<&Role, Unclear> {
        if self.unusable.iter().any(|unusable| unusable == id) {
            return Err(Unclear::Roles);
        }
        let mut found = self.roles.iter().filter(|role| role.id == id);
        match (found.next(), found.next()) {
            (Some(role), None) => Ok(role),
            (None, _) => Err(Unclear::NotTheirs),
            (Some(_), Some(_)) => Err(Unclear::Doubled),
        }
    }

    /// The person in a role; without a session yet.
    pub(in crate::hub) fn caller(&self, role: &Role) -> Caller {
        Caller {
            user: self.user.clone(),
            name: self.name.clone(),
            role: role.name.clone(),
            role_profile: role.id.clone(),
            organisation_code: role.organisation_code.clone(),
            organisation: role.organisation.clone(),
            activities: role.activities.clone(),
            session: String::new(),
            client: None,
        }
    }
}

impl Role {
    fn of(value: &Value, claims: &Claims) -> Option<Self> {
        let organisation_code = plain(value.get("org_code"))?;
        // What is no code gives no right; one that is no text means that this is read wrongly.
        let activities = match value.get("activity_codes") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(codes)) if codes.len() <= limits::ROLE_ACTIVITIES => {
                let codes: Vec<&str> = codes.iter().map(Value::as_str).collect::<Option<_>>()?;
                let mut known: Vec<Activity> = codes.into_iter().filter_map(Activity::from_code).collect();
                known.sort();
                known.dedup();
                known
            }
            Some(_) => return None,
        };
        Some(Self {
            id: id_of(value)?,
            name: job(&plain(value.get("role_name"))?),
            organisation: organisation(claims, &organisation_code),
            organisation_code,
            activities,
        })
    }
}

fn id_of(role: &Value) -> Option<String> {
    plain(role.get("person_roleid"))
}

/// The job within `"Clinical":"Clinical Provision":"Nurse Access Role"`.
fn job(name: &str) -> String {
    let last = name.rsplit("\":\"").next().unwrap_or(name).trim().trim_matches('"').trim();
    if last.is_empty() { name.to_owned() } else { last.to_owned() }
}

/// The name of an organisation, where the provider says it; its code otherwise.
fn organisation(claims: &Claims, code: &str) -> String {
    let named = claims.get("nhsid_user_orgs").and_then(Value::as_array).into_iter().flatten();
    let mut named = named.filter(|one| one.get("org_code").and_then(Value::as_str) == Some(code));
    named.find_map(|one| plain(one.get("org_name"))).unwrap_or_else(|| code.to_owned())
}

/// A text that can be shown, logged and sent on: not empty, not long, and without anything that changes how a line reads.
fn plain(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let fits = !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(text::is_unprintable);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn nurse() -> Value {
        json!({
            "nhsid_useruid": "910000000001", "name": "OKAFOR Sam (Mr)", "selected_roleid": "555021935107",
            "nhsid_nrbac_roles": [
                { "person_orgid": "1", "person_roleid": "555021935107", "org_code": "RN3",
                  "role_name": "\"Clinical\":\"Clinical Provision\":\"Nurse Access Role\"",
                  "role_code": "S8000:G8000:R8001", "activity_codes": ["B0107", "B9999", "no code", "B0264", "B0107"] },
                { "person_roleid": "2", "org_code": "RA9", "role_name": "Receptionist" },
            ],
            "nhsid_user_orgs": [{ "org_code": "RN3", "org_name": "GREAT WESTERN HOSPITAL" }],
        })
    }

    #[test]
    fn a_person_with_roles_as_cis2_says_them_is_read() {
        let person = Person::of(&claims(nurse())).unwrap();
        assert_eq!((person.user.as_str(), person.roles.len()), ("910000000001", 2));
        let caller = person.caller(person.role(person.selected.as_deref().unwrap()).unwrap());
        assert_eq!(
            (caller.role.as_str(), caller.organisation.as_str()),
            ("Nurse Access Role", "GREAT WESTERN HOSPITAL")
        );
        let codes: Vec<&str> = caller.activities.iter().map(Activity::code).collect();
        assert_eq!(codes, ["B0107", "B0264", "B9999"]);
        let other = person.caller(person.role("2").unwrap());
        assert_eq!((other.organisation.as_str(), other.activities.len()), ("RA9", 0));
        assert_eq!(format!("{person:?}{:?}", person.roles), "Person(hidden)[Role(hidden), Role(hidden)]");
    }

    #[test]
    fn claims_that_make_nobody_say_why() {
        let check = |pointer: &str, to: Value, expected: Unclear| {
            let mut value = nurse();
            *value.pointer_mut(pointer).unwrap() = to;
            assert_eq!(Person::of(&claims(value)).map(|_| ()), Err(expected), "{pointer}");
        };
        check("/nhsid_useruid", Value::Null, Unclear::Person);
        check("/name", json!(" "), Unclear::Person);
        check("/name", json!("Sam\u{202e}"), Unclear::Person);
        check("/name", json!("x".repeat(201)), Unclear::Person);
        check("/selected_roleid", json!(["555021935107"]), Unclear::Roles);
        check("/nhsid_nrbac_roles", json!([]), Unclear::NoRole);
        check("/nhsid_nrbac_roles", Value::Null, Unclear::NoRole);
        check("/nhsid_nrbac_roles", json!("B0107"), Unclear::Roles);
        check("/nhsid_nrbac_roles", json!([{ "person_roleid": 7 }]), Unclear::Roles);
        let many = vec![nurse()["nhsid_nrbac_roles"][0].clone(); limits::ROLES + 1];
        check("/nhsid_nrbac_roles", json!(many), Unclear::Roles);
    }

    #[test]
    fn a_role_that_cannot_be_read_is_worked_in_by_nobody_and_keeps_nobody_from_another() {
        let check = |pointer: &str, to: Value, nurse_works: bool, other_works: bool| {
            let mut value = nurse();
            *value.pointer_mut(pointer).unwrap() = to;
            let person = Person::of(&claims(value)).unwrap();
            let works = |id| person.role(id).is_ok();
            assert_eq!((works("555021935107"), works("2")), (nurse_works, other_works), "{pointer}");
            assert_eq!(person.roles.len(), 1, "{pointer}: only what can be worked in is offered");
        };
        check("/nhsid_nrbac_roles/1/person_roleid", json!(7), true, false);
        check("/nhsid_nrbac_roles/1/org_code", Value::Null, true, false);
        check("/nhsid_nrbac_roles/0/activity_codes", json!("B0107"), false, true);
        check("/nhsid_nrbac_roles/0/activity_codes", json!([7]), false, true);
        // Of two with one id, one of which cannot be read, nobody knows which is meant.
        let mut value = nurse();
        value["nhsid_nrbac_roles"][1] = json!({ "person_roleid": "555021935107" });
        let person = Person::of(&claims(value)).unwrap();
        assert_eq!(person.role("555021935107").map(|_| ()), Err(Unclear::Roles));
    }

    #[test]
    fn a_role_joins_to_exactly_one_or_to_none() {
        let mut value = nurse();
        value["nhsid_nrbac_roles"][1]["person_roleid"] = json!("555021935107");
        let person = Person::of(&claims(value)).unwrap();
        assert_eq!(person.role("555021935107").map(|_| ()), Err(Unclear::Doubled));
        assert_eq!(person.role("2").map(|_| ()), Err(Unclear::NotTheirs));
    }

    #[test]
    fn two_answers_that_differ_make_nobody() {
        let (token, more) =
            (json!({ "sub": "1", "iat": 5, "acr": "a" }), json!({ "sub": "1", "iat": 6, "name": "x" }));
        let all = joined(claims(token.clone()), claims(more)).unwrap();
        assert_eq!((&all["iat"], &all["name"]), (&json!(5), &json!("x")));
        let other = json!({ "sub": "2" });
        assert_eq!(joined(claims(token), claims(other)), Err(Unclear::Contradiction));
    }
}
