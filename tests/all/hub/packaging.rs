//! What is installed beside the program: alert rules that name what there is, and units that systemd understands.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use cpis::config::hub::{ClientCertificates, ClientProof, HubConfig, TlsSettings};
use serde_json::Value;

use super::metrics::series;
use super::support::TestHub;
use super::support::certificates::{Authority, ask};
use super::support::data::{child, number};
use super::support::nurse;
use super::support::program::{Place, is_there};
use crate::source::none_of;

const ALERTS: &str = include_str!("../../../packaging/alerts.yml");
const ALERTS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/alerts.yml");
const OPERATIONS: &str = include_str!("../../../src/manual/operations.md");
const SERVICE: &str = include_str!("../../../packaging/cpis-hub.service");
const SOCKET: &str = include_str!("../../../packaging/cpis-hub.socket");
const CONFIG: &str = include_str!("../../../packaging/hub.toml");
const CIS2: &str = include_str!("../../../packaging/hub-cis2.toml");
const PROVIDER: &str = include_str!("../../../packaging/cpis-hub-provider.conf");
const SIGNIN: &str = include_str!("../../../src/manual/signin.md");

/// Every file that the manual's chapter on threats names as showing something is there.
#[test]
fn what_the_chapter_on_threats_names_is_there() {
    let chapter = include_str!("../../../src/manual/threats.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named: Vec<&str> =
        chapter.split('`').filter(|word| word.starts_with("tests/") || word.starts_with("src/")).collect();
    assert!(named.len() > 30, "{named:?}");
    let lacking = named.into_iter().filter(|name| {
        let (folder, file) = name.rsplit_once('/').unwrap();
        let (before, after) = file.split_once('*').unwrap_or((file, ""));
        let mut files = std::fs::read_dir(root.join(folder)).unwrap();
        !files.any(|one| {
            let one = one.unwrap().file_name().into_string().unwrap();
            one.starts_with(before) && one.ends_with(after)
        })
    });
    none_of(lacking.map(str::to_owned).collect());
}

/// The words of a text that begin like one of the hub's metrics.
fn metrics_named(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("cpis_hub_"))
        .map(|word| word.replace("_bucket", "_count"))
        .collect()
}

/// The address of a heading, as it is written behind `#`.
fn slug(heading: &str) -> String {
    heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace(',', "")
}

#[tokio::test]
async fn every_alert_is_about_a_metric_that_there_is_and_has_a_heading_that_says_what_to_do() {
    let hub = TestHub::with(&child()).await;
    hub.view(&nurse(), number(1)).await;
    let directory = tempfile::tempdir().unwrap();
    Authority::new("Trust").for_hub().put(directory.path());
    let secure = TestHub::with_tls(TlsSettings {
        certificate: directory.path().join("hub.pem"),
        key: directory.path().join("hub-key.pem"),
        clients: ClientCertificates::Off,
    });
    let secure = series(&secure.await.hub.metrics_text().await);
    let known: Vec<String> = series(&hub.hub.metrics_text().await)
        .into_keys()
        .chain(secure.into_keys())
        .map(|series| series.split('{').next().unwrap().to_owned())
        .collect();
    let named = metrics_named(ALERTS);
    assert!(named.len() > 15);
    let of_chapter: Vec<String> = metrics_named(OPERATIONS)
        .into_iter()
        .filter(|named| !known.iter().any(|known| known.starts_with(named.as_str())))
        .collect();
    none_of(of_chapter);
    none_of(named.into_iter().filter(|named| !known.contains(named)).collect());
    let rules = rules(ALERTS).unwrap();
    let said = |rule: &Value, name: &str| rule["annotations"][name].as_str().unwrap().to_owned();
    let runbooks: Vec<String> = rules.iter().map(|rule| said(rule, "runbook")).collect();
    let runbooks: Vec<&str> =
        runbooks.iter().map(|link| link.strip_prefix("operations.md#").unwrap()).collect();
    let headings: Vec<String> = OPERATIONS.lines().filter(|line| line.starts_with("## ")).map(slug).collect();
    let alerts: Vec<&str> = rules.iter().map(|rule| rule["alert"].as_str().unwrap()).collect();
    assert_eq!(runbooks.len(), alerts.len(), "each alert has its runbook");
    none_of(
        runbooks
            .iter()
            .filter(|link| !headings.iter().any(|heading| heading == **link))
            .map(|link| (*link).to_owned())
            .collect(),
    );
    // And each alert is named below the heading that it leads to.
    for (alert, runbook) in alerts.iter().zip(&runbooks) {
        let mut chapters = OPERATIONS.split("\n## ");
        let chapter = chapters.find(|chapter| slug(chapter.lines().next().unwrap()) == **runbook).unwrap();
        assert!(chapter.contains(&format!("`{alert}`")), "{alert} under {runbook}");
        for part in ["*You see*", "*Clinicians see*", "Do", "Over:"] {
            assert!(chapter.contains(part), "{part} under {runbook}");
        }
    }
}

#[test]
fn nobody_is_woken_by_a_caller_and_views_that_fail_are_counted_among_views() {
    let expression = |alert: &str| {
        let rule = ALERTS.split("- alert: ").find(|rule| rule.starts_with(&format!("{alert}\n"))).unwrap();
        rule.split("expr:").nth(1).unwrap().split("labels:").next().unwrap().to_owned()
    };
    assert!(expression("ManyRefused").contains("outcome!=\"too-many-requests\""));
    assert!(expression("WorkTurnedAway").contains("{reason=~\"writer-.*\"}"));
    assert!(expression("NobodyHeld").contains("cpis_hub_people == 0"));
    let failing = expression("ViewsFailing");
    // How many fail, and of how many: one that fails at night is a part of few, and wakes nobody.
    for (label, sides) in [("status=~\"5xx|408\"", 2), ("status=~\"2xx|5xx|408\"", 1), ("route=~\"", 3)] {
        assert_eq!(failing.matches(label).count(), sides, "{label}");
    }
    let words: Vec<&str> = failing.split_whitespace().collect();
    let rule = words.join(" ");
    assert!(rule.contains("cpis_hub_writing == 0 or ( sum(increase("), "{rule}");
    assert!(
        rule.contains("[5m])) >= 5 and sum(increase(") && rule.contains("[5m])) > 0.02 * sum("),
        "{rule}"
    );
    let said = "five views in five minutes, and more than one in fifty";
    assert!(OPERATIONS.split_whitespace().collect::<Vec<_>>().join(" ").contains(said));
    for route in
        failing.split("route=~\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split('|'))
    {
        assert!(cpis::hub::addresses().any(|(address, _)| address == route), "{route}");
    }
}

/// The rules as a YAML reader that is not ours has them; else what it says is wrong.
fn rules(text: &str) -> Result<Vec<Value>, String> {
    let python = "/usr/bin/python3";
    let script = "import json, sys, yaml\njson.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|_| panic!("{python} is needed (Debian package python3-yaml)"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("ModuleNotFoundError"), "Debian package python3-yaml is needed: {said}");
    if !output.status.success() {
        return Err(said);
    }
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    Ok(read["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .cloned()
        .collect())
}

#[test]
fn the_alert_rules_are_read_by_who_reads_yaml_and_each_says_what_prometheus_wants_of_it() {
    let rules = rules(ALERTS).unwrap();
    let written = ALERTS.lines().filter(|line| line.trim().starts_with("- alert: ")).count();
    assert_eq!(rules.len(), written);
    for rule in &rules {
        let alert = rule["alert"].as_str().unwrap();
        let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
        assert!(
            keys.iter().all(|key| ["alert", "annotations", "expr", "for", "labels"].contains(&&***key)),
            "{alert}: {keys:?}"
        );
        assert!(rule["expr"].as_str().unwrap().contains("cpis"), "{alert}");
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["page", "ticket"].contains(&severity), "{alert}: {severity}");
        assert!(rule["annotations"]["summary"].as_str().unwrap().len() > 10, "{alert}");
        let is_time = |time: &str| time.trim_end_matches(['m', 'h']).parse::<u32>().is_ok();
        assert!(rule.get("for").is_none_or(|time| is_time(time.as_str().unwrap())), "{alert}");
    }
    // Where Prometheus' own reader is, it reads the expressions too.
    if is_there("promtool") {
        let checked = Command::new("promtool").args(["check", "rules", ALERTS_FILE]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn alert_rules_that_are_no_yaml_are_noticed() {
    // A text that begins with a brace is no text.
    let broken = ALERTS
        .replace("summary: \"{{ $labels.authority }}", "summary: {{ $labels.authority }}")
        .replace("to be told\"", "to be told");
    assert_ne!(broken, ALERTS);
    let said = rules(&broken).unwrap_err();
    assert!(said.contains("yaml"), "{said}");
}

fn directives(unit: &str) -> Vec<(&str, &str)> {
    let lines = unit.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
    lines.map(|line| line.split_once('=').unwrap_or_else(|| panic!("no directive: {line}"))).collect()
}

#[test]
fn the_units_run_commands_that_there_are_on_the_address_that_is_configured() {
    for (name, value) in directives(SERVICE).into_iter().chain(directives(SOCKET)) {
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        if name == "ExecReload" {
            assert_eq!(value, "/bin/kill -HUP $MAINPID");
        } else if name.starts_with("Exec") {
            let mut words = value.split_whitespace();
            assert_eq!(words.next(), Some("/usr/bin/cpis-hub"));
            let command = words.next().unwrap();
            let help =
                Command::new(env!("CARGO_BIN_EXE_cpis-hub")).args([command, "--help"]).output().unwrap();
            assert!(help.status.success(), "{value}");
            assert_eq!(words.collect::<Vec<_>>(), ["--config", "/etc/cpis/hub.toml"]);
        }
    }
    let socket = directives(SOCKET);
    let listens = socket.iter().find(|(name, _)| *name == "ListenStream").unwrap().1;
    assert!(CONFIG.contains(&format!("\nlisten = \"{listens}\"")), "{listens}");
    for word in
        ["NoNewPrivileges=yes", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes", "IPAddressDeny=any"]
    {
        assert!(SERVICE.contains(word), "{word}");
    }
}

#[test]
fn systemd_understands_the_units_and_finds_them_shut() {
    // Where there is no systemd (a container), the directives are read above and no more.
    if !is_there("systemd-analyze") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_cpis-hub");
    let service = directory.path().join("cpis-hub.service");
    std::fs::write(&service, SERVICE.replace("/usr/bin/cpis-hub", program)).unwrap();
    std::fs::write(directory.path().join("cpis-hub.socket"), SOCKET).unwrap();
    // With what a hub needs at which people sign in.
    std::fs::create_dir(directory.path().join("cpis-hub.service.d")).unwrap();
    std::fs::write(directory.path().join("cpis-hub.service.d/provider.conf"), PROVIDER).unwrap();
    let analyze = |arguments: &[&str], file: &Path| {
        let output = Command::new("systemd-analyze").args(arguments).arg(file).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    let said = analyze(&["verify"], &service);
    assert!(!said.contains("cpis-hub"), "{said}");
    let said = analyze(&["security", "--offline=true", "--no-pager", "--threshold=20"], &service);
    assert!(said.contains("Overall exposure level"), "{said}");
}

/// What systemd hands over to the service, and from where.
fn handed_over() -> Vec<(&'static str, &'static str)> {
    let all = directives(SERVICE).into_iter().chain(directives(PROVIDER));
    all.filter(|(name, _)| *name == "LoadCredential")
        .map(|(_, value)| value.split_once(':').unwrap())
        .collect()
}

#[test]
fn the_service_of_a_hub_with_a_provider_has_its_key_and_reaches_it() {
    assert_eq!(directives(PROVIDER)[1..], [("IPAddressDeny", ""), ("IPAddressAllow", "")]);
    for named in CIS2.split("/run/credentials/cpis-hub.service/").skip(1) {
        let named = named.split('"').next().unwrap();
        assert!(handed_over().iter().any(|(name, _)| *name == named), "{named}");
    }
    // The commands that make the keys make them where systemd takes them from.
    for (_, file) in handed_over() {
        assert!(CIS2.contains(&format!("-out {}\n", file.rsplit('/').next().unwrap())), "{file}");
    }
}

#[test]
fn the_configuration_to_start_from_with_a_provider_starts_with_the_keys_that_it_says_how_to_make() {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust"));
    let here = place.directory.path();
    for command in CIS2.lines().filter_map(|line| line.strip_prefix("#   openssl ")) {
        let made = Command::new("openssl").args(command.split(' ')).current_dir(here).output().unwrap();
        assert!(made.status.success(), "{command}");
    }
    authority.for_hub().put(here);
    // Where systemd and the deployer have put them, as far as this machine is concerned.
    let mut config = CIS2.replace("listen = \"10.20.1.5:8443\"", "listen = \"127.0.0.1:0\"");
    assert_ne!(config, CIS2);
    config = config.replace("[operator]\nlisten = \"127.0.0.1:9470\"\n", "");
    for (name, file) in handed_over() {
        let file = here.join(file.rsplit('/').next().unwrap());
        config = config.replace(
            &format!("/run/credentials/cpis-hub.service/{name}\""),
            &format!("{}\"", file.display()),
        );
    }
    let config = config.replace("/etc/cpis/tls", here.to_str().unwrap());
    let config = config.replace("/var/lib/cpis-hub", here.to_str().unwrap());
    assert!(!config.contains("\"/run/") && !config.contains("\"/var/"), "{config}");
    std::fs::write(place.path("hub.toml"), config).unwrap();

    let checked = place.run(&["check-config", "--config", "hub.toml"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let program = place.serve();
    let head = "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: hub\r\n";
    let said = ask(&program.base, &authority.usual(), head);
    assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
    assert!(said.contains("\"issuer\":\"https://cpis-hub.example.nhs.uk:8443\""), "{said}");

    // A key that is not one, or that everybody can read, is noticed before anybody signs in.
    drop(program);
    let key = std::fs::read(place.path("provider-key.pem")).unwrap();
    std::fs::write(place.path("provider-key.pem"), "nothing of the kind").unwrap();
    let refused = || {
        let checked = place.run(&["check-config", "--config", "hub.toml"]);
        assert!(!checked.status.success());
        String::from_utf8_lossy(&checked.stderr).into_owned()
    };
    let said = refused();
    assert!(said.contains("no PEM file for its algorithm"), "{said}");
    std::fs::write(place.path("provider-key.pem"), key).unwrap();
    #[cfg(unix)]
    {
        let mode = |mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(place.path("provider-key.pem"), mode).unwrap();
        };
        mode(0o604);
        let said = refused();
        assert!(said.contains("open to every user"), "{said}");
        mode(0o600);
    }
    assert!(place.run(&["check-config", "--config", "hub.toml"]).status.success());
}

#[test]
fn what_the_manual_has_of_a_provider_can_be_read_and_is_what_the_file_to_start_from_says() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.toml");
    let read = |config: &str| {
        std::fs::write(&file, config).unwrap();
        HubConfig::read(&file).unwrap_or_else(|error| panic!("{error}")).provider.unwrap()
    };
    let example = SIGNIN.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let base = "listen = \"127.0.0.1:0\"\nissuer = \"https://hub.example\"\ndatabase = \"hub.db\"\nsigning_key = \"k\"\n";
    let (manual, starting) = (read(&format!("{base}{example}")), read(CIS2));
    assert_eq!(
        (&manual.issuer, &manual.levels, &manual.demands, manual.max_age),
        (&starting.issuer, &starting.levels, &starting.demands, starting.max_age)
    );
    let proofs = [manual.proof, starting.proof].map(|proof| match proof {
        ClientProof::Key { id, algorithm, .. } => (id, algorithm),
        ClientProof::Secret(_) => panic!("a key"),
    });
    assert_eq!(proofs[0], proofs[1]);
    // What is left out there, and may be taken in, can be read too: instead of the level that is there, and what is asked for
    // is what is taken.
    let level = CIS2.find("[[provider.level]]").unwrap();
    let left_out = CIS2.find("# [[provider.level]]").unwrap();
    let ends = left_out + CIS2[left_out..].find("\n\n").unwrap();
    let lower = CIS2[left_out..ends].replace("# ", "");
    let lower = read(&format!("{}{lower}{}", &CIS2[..level], &CIS2[ends..]));
    let levels: Vec<_> = lower
        .levels
        .iter()
        .map(|level| (level.acr.as_str(), level.idle.as_mins(), level.whole.as_hours()))
        .collect();
    assert_eq!(levels, [("AAL2_OR_AAL3_ANY", 15, 12)]);
    assert_eq!(lower.acr_values, ["AAL2_OR_AAL3_ANY"]);
    // And the chapter's commands let systemd listen where the file says.
    let listens = CIS2.lines().find_map(|line| line.strip_prefix("listen = \"")?.strip_suffix('"')).unwrap();
    assert!(
        OPERATIONS.contains(&format!("[Socket]\\nListenStream=\\nListenStream={listens}\\n'")),
        "{listens}"
    );
}
