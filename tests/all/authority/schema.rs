//! As much of JSON Schema as the manual's schema uses. A keyword that is not known here fails, so that nothing in the
//! schema is only decoration.

use serde_json::Value;

/// Everything in a document that a schema does not allow, with where it is.
pub(super) fn complaints(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(schema, schema, document, "", &mut found);
    found
}

fn look(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut wrong = |why: String| found.push(format!("{at}: {why}"));
    let length = value.as_array().map(Vec::len);
    for (keyword, said) in schema.as_object().unwrap() {
        let number = said.as_u64().unwrap_or(0);
        let long = usize::try_from(number).unwrap();
        match keyword.as_str() {
            "$schema" | "title" | "$defs" | "format" | "additionalProperties" | "prefixItems" => {}
            "type" => {
                let fits = match said.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("the type {other} is not known here"),
                };
                if !fits {
                    wrong(format!("it is no {said}"));
                }
            }
            "const" if value != said => wrong(format!("it is not {said}")),
            "enum" if !said.as_array().unwrap().contains(value) => wrong("it is none of those".to_owned()),
            "minItems" if length.is_some_and(|length| length < long) => wrong("too few".to_owned()),
            "maxItems" if length.is_some_and(|length| length > long) => wrong("too many".to_owned()),
            "minimum" if value.as_i64().is_some_and(|value| value < 0) => wrong("too small".to_owned()),
            "maximum" if value.as_u64().is_some_and(|value| value > number) => wrong("too large".to_owned()),
            "maxLength" if value.as_str().is_some_and(|text| text.chars().count() > long) => {
                wrong("too long".to_owned());
            }
            "const" | "enum" | "minItems" | "maxItems" | "minimum" | "maximum" | "maxLength" => {}
            "required" => {
                let missing = said
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|name| value.get(name.as_str().unwrap()).is_none());
                missing.for_each(|name| wrong(format!("{name} is missing")));
            }
            "oneOf" => {
                let fits = |schema: &&Value| {
                    let mut own = Vec::new();
                    look(root, schema, value, at, &mut own);
                    own.is_empty()
                };
                let fitting = said.as_array().unwrap().iter().filter(fits).count();
                if fitting != 1 {
                    wrong(format!("{fitting} of the shapes fit"));
                }
            }
            "$ref" => {
                let definition = root.pointer(said.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                look(root, definition, value, at, found);
                return;
            }
            "anyOf" => {
                let fits = |schema: &Value| {
                    let mut found = Vec::new();
                    look(root, schema, value, at, &mut found);
                    found.is_empty()
                };
                if !said.as_array().unwrap().iter().any(fits) {
                    wrong("it is none of those".to_owned());
                }
            }
            "properties" => {
                for (name, part) in value.as_object().into_iter().flatten() {
                    match said.get(name) {
                        Some(schema) => look(root, schema, part, &format!("{at}/{name}"), found),
                        None if schema["additionalProperties"] == false => {
                            found.push(format!("{at}/{name}: not known"))
                        }
                        None => {}
                    }
                }
                return look_on(root, schema, value, at, found);
            }
            "items" => {
                let first = schema["prefixItems"].as_array().cloned().unwrap_or_default();
                for (place, part) in value.as_array().into_iter().flatten().enumerate() {
                    look(root, first.get(place).unwrap_or(said), part, &format!("{at}/{place}"), found);
                }
                return look_on(root, schema, value, at, found);
            }
            other => panic!("the keyword {other} is not known here"),
        }
    }
}

/// What stands beside `properties` and `items`.
fn look_on(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut rest = schema.clone();
    for done in ["properties", "items", "prefixItems", "additionalProperties"] {
        rest.as_object_mut().unwrap().remove(done);
    }
    look(root, &rest, value, at, found);
}
