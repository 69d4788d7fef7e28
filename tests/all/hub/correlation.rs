//! Every line about a request carries the id that its caller was given.

use serde_json::Value;
use uuid::Uuid;

use super::support::data::{child, number, plans_of};
use super::support::program::Place;
use super::support::{nurse, proofs};

#[tokio::test]
async fn whoever_has_an_answer_finds_every_line_about_it_in_either_format() {
    for format in ["json", "text"] {
        let place = Place::with(&child());
        place.configure(&format!("[log]\nformat = \"{format}\""));
        let program = place.serve();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let bearer = place.token(&nurse());
        let ask = async |headers: &[(&str, &str)]| {
            let mut request = http.get(format!("{}{}", program.base, plans_of(number(1))));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            proofs::send(request, &bearer).await.unwrap()
        };
        let lines_with = |id: &str| -> Vec<String> {
            place.log().lines().filter(|line| line.contains(id)).map(str::to_owned).collect()
        };
        // The first call of a client has a line of its own: it learns what proofs have to carry.
        ask(&[]).await;
        // The caller's own id.
        let (own, trace) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let answer = ask(&[("X-Correlation-ID", &own), ("TraceID", &trace)]).await;
        assert_eq!(answer.headers()["x-correlation-id"], own.as_str());
        assert_eq!(lines_with(&own).len(), 1);
        // Something that is none: not in the log, and the audit log's own id counts.
        let trace = Uuid::new_v4().to_string();
        let answer = ask(&[("X-Correlation-ID", "Ava Bennett"), ("TraceID", &trace)]).await;
        assert_eq!(answer.headers()["x-correlation-id"], trace.as_str());
        assert!(lines_with(&trace).len() == 1 && lines_with("Bennett").is_empty());
        // A failure inside: the line with the error id and the line of the answer, both.
        place.database().execute_batch("DROP TABLE history").unwrap();
        let trace = Uuid::new_v4().to_string();
        let answer = ask(&[("TraceID", &trace)]).await;
        assert_eq!(answer.status(), 500);
        let error_id = answer.headers()["x-error-id"].to_str().unwrap().to_owned();
        let lines = lines_with(&trace);
        assert!(lines.len() == 2 && lines.iter().any(|line| line.contains(&error_id)), "{lines:#?}");
        if format == "json" {
            for line in place.log().lines() {
                let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                assert!(line["target"].as_str().unwrap().starts_with("cpis"), "{line}");
            }
            let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
            assert_eq!((&line["span"]["correlation"], &line["status"]), (&trace.into(), &500.into()));
        }
    }
}

#[tokio::test]
async fn a_log_that_is_set_to_errors_alone_still_says_of_which_request() {
    let place = Place::with(&child());
    let mut command = std::process::Command::new("sh");
    let script = "RUST_LOG=error exec \"$0\" serve --config hub.toml";
    command.args(["-c", script, env!("CARGO_BIN_EXE_cpis-hub")]);
    let program = place.serve_with(command);
    place.database().execute_batch("DROP TABLE history").unwrap();
    let trace = Uuid::new_v4().to_string();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = place.token(&nurse());
    let request = http.get(format!("{}{}", program.base, plans_of(number(1)))).header("TraceID", &trace);
    assert_eq!(proofs::send(request, &bearer).await.unwrap().status(), 500);
    let log = place.log();
    let failed: Vec<&str> = log.lines().filter(|line| line.contains("failed inside")).collect();
    assert!(failed.len() == 1 && failed[0].contains(&trace), "{log}");
    assert!(!log.contains("answered"), "{log}");
}
