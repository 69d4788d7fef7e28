//! The OpenAPI document is true: it names what the router serves, what `hub::error` says, and what the
//! CapabilityStatements say, and nothing else.

use std::collections::BTreeSet;

use cpis::hub::{OPENAPI, addresses};
use serde_json::Value;

use super::support::data::{child, number, plans_of};
use super::support::signing_in::SIGNING_IN;
use super::support::{TestHub, nurse};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// Each operation of a document as address, method and what it says.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(|(method, operation)| (path.clone(), method.to_uppercase(), operation.clone()))
    });
    all.collect()
}

/// What of two sets is in one of them only.
fn differences(document: &BTreeSet<String>, program: &BTreeSet<String>) -> Vec<String> {
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>, whose: &str| {
        these.difference(those).map(|what| format!("only in the {whose}: {what}")).collect::<Vec<_>>()
    };
    [only(document, program, "document"), only(program, document, "program")].concat()
}

fn served() -> BTreeSet<String> {
    let methods = |(path, methods): (&str, Vec<&str>)| {
        methods.iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    addresses().flat_map(methods).collect()
}

#[test]
fn the_document_names_every_address_and_method_and_no_other() {
    let named = |document: &Value| -> BTreeSet<String> {
        operations(document).iter().map(|(path, method, _)| format!("{method} {path}")).collect()
    };
    assert_eq!(differences(&named(&document()), &served()), Vec::<String>::new());
    // And it would be noticed.
    let mut broken = document();
    broken["paths"].as_object_mut().unwrap().remove("/healthz");
    broken["paths"]["/metadata"]["post"] = Value::Null;
    let expected = ["only in the document: POST /metadata", "only in the program: GET /healthz"];
    assert_eq!(differences(&named(&broken), &served()), expected);
}

#[tokio::test]
async fn the_program_answers_each_method_as_the_document_says() {
    let hub = TestHub::with(&child()).await;
    let served = served();
    for (path, _) in addresses() {
        let address = path
            .replace("{number}", &number(1).digits())
            .replace("{reference}", "ABCD-EFGH")
            .replace("{sequence}", "17");
        for method in METHODS {
            let answer = hub.send(method, &address, Some(&nurse()), &[], None).await;
            let is_served = served.contains(&format!("{method} {path}"));
            assert_eq!(answer.status != 405, is_served, "{method} {path}: {}", answer.told());
            assert_ne!(answer.code(), "NO_SUCH_ENDPOINT", "{method} {path}");
        }
    }
}

/// The pairs of status and code in the source of `hub::error`, whatever constants and functions it has.
fn errors_of_the_program() -> BTreeSet<String> {
    let source = include_str!("../../../src/hub/error.rs");
    let made = source.split("Self::new(").skip(1).filter_map(|after| {
        let mut words = after.split(',').map(|word| word.trim().trim_matches('"'));
        let status = words.next()?.strip_prefix("StatusCode::")?;
        let code = words.nth(1)?;
        Some(format!("{status} {code}"))
    });
    made.collect()
}

/// The pairs that the document names for any of its operations.
fn errors_of(document: &Value) -> BTreeSet<String> {
    let mut pairs = BTreeSet::new();
    for (_, _, operation) in operations(document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(name) =
                response["$ref"].as_str().and_then(|r| r.strip_prefix("#/components/responses/"))
            else {
                continue;
            };
            let status: u16 = status.parse().unwrap();
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            let word = status.canonical_reason().unwrap().to_uppercase().replace(' ', "_");
            let codes = codes_of(&document["components"]["schemas"][format!("OutcomeOf{name}")]);
            assert!(!codes.is_empty(), "{name} has no codes");
            pairs.extend(codes.iter().map(|code| format!("{word} {code}")));
        }
    }
    pairs
}

fn codes_of(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(parts) => match parts.get("enum") {
            Some(Value::Array(codes)) => {
                codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect()
            }
            Some(_) | None => parts.values().flat_map(codes_of).collect(),
        },
        Value::Array(items) => items.iter().flat_map(codes_of).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[test]
fn the_document_names_every_error_code_with_its_status_and_no_other() {
    let mut named = errors_of(&document());
    // An address that is not there belongs to no operation.
    let nowhere = &document()["components"]["schemas"]["OutcomeOfNoSuchAddress"];
    named.extend(codes_of(nowhere).iter().map(|code| format!("NOT_FOUND {code}")));
    assert_eq!(differences(&named, &errors_of_the_program()), Vec::<String>::new());
    let mut broken = document();
    broken["components"]["schemas"]["OutcomeOfTooLate"] = serde_json::json!({ "enum": ["TOO_SOON"] });
    let found = differences(&errors_of(&broken), &errors_of_the_program());
    assert!(found.contains(&"only in the document: CONFLICT TOO_SOON".to_owned()), "{found:?}");
    assert!(found.contains(&"only in the program: CONFLICT TOO_LATE".to_owned()), "{found:?}");
}

/// Names of query parameters of an operation, without FHIR's own modifier and without what only shapes the answer.
fn parameters(document: &Value, operation: &Value) -> BTreeSet<String> {
    let parameters = operation["parameters"].as_array().unwrap().iter().map(|parameter| {
        let reference = parameter["$ref"].as_str();
        let name = reference.and_then(|r| r.strip_prefix("#/components/parameters/"));
        name.map_or(parameter, |name| &document["components"]["parameters"][name])
    });
    let in_query = parameters.filter(|parameter| parameter["in"] == "query");
    in_query
        .map(|parameter| parameter["name"].as_str().unwrap().trim_end_matches(":identifier").to_owned())
        .filter(|name| name != "_format" && name != "_include")
        .collect()
}

#[tokio::test]
async fn the_capability_statements_say_what_the_document_says() {
    let hub = TestHub::with(&child()).await;
    let document = document();
    let mut said = BTreeSet::new();
    for (path, _) in addresses().filter(|(path, _)| path.ends_with("/FHIR/R4/metadata")) {
        let base = path.trim_end_matches("/metadata");
        let statement = hub.get(path, &nurse(), &[]).await.json();
        assert!(statement["implementation"]["url"].as_str().unwrap().ends_with(base));
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let address = format!("{base}/{}", resource["type"].as_str().unwrap());
            for interaction in resource["interaction"].as_array().unwrap() {
                said.insert(match interaction["code"].as_str().unwrap() {
                    "read" => format!("GET {address}/{{number}}"),
                    "create" => format!("POST {address}"),
                    "search-type" => format!("GET {address}"),
                    other => panic!("{other} is served?"),
                });
            }
            let names = resource["searchParam"].as_array().unwrap().iter();
            let names: BTreeSet<_> = names.map(|p| p["name"].as_str().unwrap().to_owned()).collect();
            let search = &document["paths"][&address]["get"];
            assert_eq!(names, parameters(&document, search), "{address}");
        }
    }
    let is_about_the_hub = |what: &str| what.ends_with("/metadata") || what.contains("/.well-known/");
    let fhir = served().into_iter().filter(|what| what.contains("/FHIR/R4/") && !is_about_the_hub(what));
    assert_eq!(differences(&said, &fhir.collect()), Vec::<String>::new());
}

/// Whether the document says of an operation that nothing has to be shown there.
fn is_open(says: &Value) -> bool {
    let is_nothing = |one: &Value| one.as_object().is_some_and(serde_json::Map::is_empty);
    says.as_array().is_some_and(|all| all.is_empty() || all.iter().any(is_nothing))
}

/// The addresses that a CapabilityStatement's `security` names behind these words.
fn named_behind(said: &str, words: &str) -> BTreeSet<String> {
    let (_, list) = said.split_once(words).unwrap_or_else(|| panic!("{words:?} in {said}"));
    let list = list.split(". ").next().unwrap();
    list.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_the_capability_statements_say_of_security_is_what_is_asked_for() {
    let hub = TestHub::with(&child()).await;
    let document = document();
    let paths_that_want = |wants: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        let all = operations(&document).into_iter();
        all.filter(|(_, _, operation)| wants(&operation["security"])).map(|(path, ..)| path).collect()
    };
    let by_certificate = paths_that_want(&|says| !says[0]["certificate"].is_null());
    let mut open = paths_that_want(&is_open);
    // There a proof alone is wanted: the document says so of the operation's headers.
    let granting: BTreeSet<String> = ["/token", "/revoke"].map(str::to_owned).into();
    open.retain(|path| !granting.contains(path));
    for (path, _) in addresses().filter(|(path, _)| path.ends_with("/metadata")) {
        let security = &hub.get(path, &nurse(), &[]).await.json()["rest"][0]["security"];
        let said = security["description"].as_str().unwrap();
        assert!(
            said.contains("`Authorization: DPoP TOKEN`")
                && said.contains("A token without what it is bound to is refused")
        );
        let alone = "With a proof or a registered program's certificate alone: ";
        assert_eq!(named_behind(said, alone), granting, "{path}");
        assert_eq!(named_behind(said, "and no token: "), by_certificate, "{path}");
        assert_eq!(named_behind(said, "With none of these: "), open, "{path}");
    }
    // And it is so.
    let now = hub.clock.now();
    let token = super::support::token(&hub.database, &hub.key, &nurse(), now);
    let bearer = format!("Bearer {token}");
    let refused = hub.send("GET", "/metadata", None, &[("Authorization", &bearer)], None).await;
    assert_eq!(refused.told(), "401 ACCESS_DENIED");
    for (path, methods) in addresses() {
        let address = path.replace("{sequence}", "17").replace("{number}", "x").replace("{reference}", "x");
        let answer = hub.send(methods[0], &address, None, &[], None).await;
        let wants =
            answer.header("www-authenticate").map(|header| header.split(' ').next().unwrap().to_owned());
        let expected = if by_certificate.contains(path) {
            Some("Certificate")
        } else if open.contains(path) || granting.contains(path) {
            None
        } else {
            Some("DPoP")
        };
        assert_eq!(wants.as_deref(), expected, "{path}: {}", answer.told());
    }
}

#[tokio::test]
async fn what_is_open_to_everybody_is_about_the_hub_and_nothing_else_is() {
    let hub = TestHub::with(&child()).await;
    for (path, methods) in addresses() {
        let address = path
            .replace("{number}", &number(1).digits())
            .replace("{reference}", "ABCD-EFGH")
            .replace("{sequence}", "17");
        let answer = hub.send(methods[0], &address, None, &[], None).await;
        let is_of_signing_in = SIGNING_IN.contains(&path);
        let is_open = ["/healthz", "/openapi.json"].contains(&path);
        let is_about_the_hub = path.ends_with("/metadata") || path.contains("/.well-known/");
        let is_told = is_open || path == "/signed-out" || is_about_the_hub;
        assert_eq!(answer.status == 200, is_told, "{path}: {}", answer.told());
        let says = &document()["paths"][path][methods[0].to_lowercase()]["security"];
        // Where a token is given or ended, a proof alone is wanted.
        let is_granting = ["/token", "/revoke"].contains(&path);
        let is_without_token = is_open || is_of_signing_in || is_granting || path.ends_with("/metadata");
        assert_eq!(super::document::is_open(says), is_without_token, "{path}");
        if path == "/openapi.json" {
            assert_eq!(answer.body, OPENAPI);
        }
    }
    let view = hub.send("GET", &plans_of(number(1)), None, &[("Accept", "text/xml")], None).await;
    assert_eq!(view.told(), "401 ACCESS_DENIED", "who is nobody does not cause another answer");
}
