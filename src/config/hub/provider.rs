//! `[provider]`: the organisation's OpenID Connect provider, at which people sign in.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use openidconnect::url::{Host, Url};
use serde::Deserialize;

use super::{ConfigError, non_empty, setting};

/// Whether an address is one to ask in the clear: on the same computer, by its number.
#[must_use]
pub fn is_on_this_computer(url: &str) -> bool {
    let Some(url) = without_user(url).filter(|url| url.scheme() == "http") else { return false };
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

/// An address as whoever asks there reads it; `None` where it names a user, which only hides the host.
fn without_user(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    (url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// The provider. Nothing is read or asked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its name for itself, letter by letter; what it offers is looked up from there.
    pub issuer: String,
    /// The hub's name there.
    pub client_id: String,
    /// How the hub proves itself there.
    pub proof: ClientProof,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What kinds of signing in are taken, with the times of their sessions; the first one is asked for first.
    pub levels: Vec<Level>,
    /// What else has to be so.
    pub demands: Vec<Demand>,
    /// Longest time since the person showed who they are.
    pub max_age: Option<SignedDuration>,
    /// Whether a provider may leave out when that was: then nobody knows how long ago.
    pub may_lack_auth_time: bool,
    /// What is asked for as `acr_values`; the levels' own names where this is not said.
    pub acr_values: Vec<String>,
    /// The PEM file with the authorities of its certificate; the computer's own where there is none.
    pub ca: Option<PathBuf>,
}

/// How the hub proves itself at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// With a key (`private_key_jwt`).
    Key {
        /// The PKCS#8 PEM file.
        file: PathBuf,
        /// The key's name, as the provider knows it.
        id: String,
        /// RS256, RS512, PS256 or ES256.
        algorithm: String,
    },
    /// With a secret, in this file.
    Secret(PathBuf),
}

impl ClientProof {
    /// The file that has the key or the secret.
    #[must_use]
    pub fn file(&self) -> &Path {
        match self {
            Self::Key { file, .. } | Self::Secret(file) => file,
        }
    }
}

/// A kind of signing in (`acr`), and how long a session lasts that began so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The value of `acr`; empty where the provider says none, and none is demanded.
    pub acr: String,
    /// Time without a request after which the session ends.
    pub idle: SignedDuration,
    /// Time after signing in at the provider after which it ends in any case.
    pub whole: SignedDuration,
}

/// A claim that has to have one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Its name.
    pub claim: String,
    /// The values.
    pub values: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    issuer: String,
    client_id: String,
    key: Option<PathBuf>,
    key_id: Option<String>,
    key_algorithm: Option<String>,
    secret: Option<PathBuf>,
    scopes: Option<Vec<String>>,
    acr_values: Option<Vec<String>>,
    max_age_minutes: Option<u32>,
    #[serde(default)]
    auth_time_may_be_missing: bool,
    ca: Option<PathBuf>,
    #[serde(default)]
    level: Vec<LevelTable>,
    #[serde(default)]
    demand: Vec<DemandTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelTable {
    acr: String,
    idle_minutes: u32,
    whole_hours: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandTable {
    claim: String,
    values: Vec<String>,
}

/// What CIS2 has to be asked for.
const SCOPES: [&str; 5] = ["openid", "profile", "nationalrbacaccess", "associatedorgs", "selectedrole"];

const ALGORITHMS: [&str; 4] = ["RS256", "RS512", "PS256", "ES256"];

impl ProviderTable {
    /// Relative paths count from the directory of the configuration; `hub` is the hub's own issuer.
    pub(super) fn resolve(self, directory: &Path, hub: &str) -> Result<ProviderSettings, ConfigError> {
        check_hub(hub)?;
        let is_secure = self.issuer.starts_with("https://") && without_user(&self.issuer).is_some();
        if !(is_secure || is_on_this_computer(&self.issuer)) {
            return Err(setting("provider.issuer", "this must begin with https://, and name no user"));
        }
        if self.client_id.trim().is_empty() {
            return Err(setting("provider.client_id", "this is empty"));
        }
        let proof = proof(self.key, self.key_id, self.key_algorithm, self.secret, directory)?;
        let scopes = self.scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
        let is_word = |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic());
        if !scopes.iter().any(|scope| scope == "openid") || !scopes.iter().all(is_word) {
            return Err(setting("provider.scopes", "words without blanks, \"openid\" among them"));
        }
        let levels = levels(self.level)?;
        let demands = demands(self.demand)?;
        let acr_values = self
            .acr_values
            .unwrap_or_else(|| levels.iter().map(|l| l.acr.clone()).filter(|acr| !acr.is_empty()).collect());
        if !acr_values.iter().all(is_word) {
            return Err(setting("provider.acr_values", "words without blanks"));
        }
        let ca = self.ca.map(|ca| non_empty("provider.ca", ca)).transpose()?;
        Ok(ProviderSettings {
            issuer: self.issuer,
            client_id: self.client_id,
            proof,
            scopes,
            levels,
            demands,
            max_age: self.max_age_minutes.map(|minutes| SignedDuration::from_mins(i64::from(minutes))),
            may_lack_auth_time: self.auth_time_may_be_missing,
            acr_values,
            ca: ca.map(|ca| directory.join(ca)),
        })
    }
}

/// The browser has to find the hub where its tokens say it is, letter by letter as browsers write it: what they say of where
/// a form comes from is held against it. A cookie that only the hub may set (`__Host-`) has no path. Without TLS cookies are
/// shared by all programs of a computer, whatever their ports: each of them could press for whoever sits there.
fn check_hub(hub: &str) -> Result<(), ConfigError> {
    let Some(origin) = Url::parse(hub).ok().map(|url| url.origin().ascii_serialization()) else {
        return Err(setting(
            "issuer",
            "with [provider] this must be scheme and host, such as https://cpis.example",
        ));
    };
    if !hub.starts_with("https://") {
        return Err(setting("issuer", "with [provider] this must begin with https://, in small letters"));
    }
    if origin != hub {
        return Err(setting(
            "issuer",
            "with [provider] this must have no path: only https://, the host in small letters, and the port where it is not 443; nothing after it",
        ));
    }
    Ok(())
}

fn proof(
    key: Option<PathBuf>,
    id: Option<String>,
    algorithm: Option<String>,
    secret: Option<PathBuf>,
    directory: &Path,
) -> Result<ClientProof, ConfigError> {
    match (key, secret) {
        (Some(key), None) => {
            let id = id.filter(|id| !id.trim().is_empty()).ok_or_else(|| {
                setting("provider.key_id", "name the key as the provider knows it (its `kid`)")
            })?;
            let algorithm = algorithm.unwrap_or_else(|| "RS512".to_owned());
            if !ALGORITHMS.contains(&algorithm.as_str()) {
                return Err(setting(
                    "provider.key_algorithm",
                    "\"RS256\", \"RS512\", \"PS256\" or \"ES256\"",
                ));
            }
            Ok(ClientProof::Key { file: directory.join(non_empty("provider.key", key)?), id, algorithm })
        }
        (None, Some(secret)) if id.is_none() && algorithm.is_none() => {
            Ok(ClientProof::Secret(directory.join(non_empty("provider.secret", secret)?)))
        }
        (None, Some(_)) => Err(setting("provider.secret", "`key_id` and `key_algorithm` belong to a key")),
        (None, None) | (Some(_), Some(_)) => Err(setting(
            "provider.key",
            "name either the file with the hub's key for the provider (`key`), or the one with its secret (`secret`)",
        )),
    }
}

/// A viewer tells every two minutes that somebody is at work: in less than twice that, and a renewal that takes its time, a
/// session would end under their hands.
const IDLE_MINUTES: std::ops::RangeInclusive<u32> = 5..=24 * 60;

fn levels(tables: Vec<LevelTable>) -> Result<Vec<Level>, ConfigError> {
    if tables.is_empty() {
        return Err(setting(
            "provider.level",
            "add a [[provider.level]] for each `acr` that is taken: how somebody has signed in, and how long that lasts",
        ));
    }
    let mut levels: Vec<Level> = Vec::with_capacity(tables.len());
    for table in tables {
        if levels.iter().any(|level| level.acr == table.acr) {
            return Err(setting("provider.level", "there are two of one `acr`"));
        }
        let fits = IDLE_MINUTES.contains(&table.idle_minutes) && (1..=24).contains(&table.whole_hours);
        if !fits {
            return Err(setting(
                "provider.level",
                "`idle_minutes` from 5 to 1440 (viewers say every two minutes that somebody is typing), `whole_hours` from 1 to 24",
            ));
        }
        levels.push(Level {
            acr: table.acr,
            idle: SignedDuration::from_mins(i64::from(table.idle_minutes)),
            whole: SignedDuration::from_hours(i64::from(table.whole_hours)),
        });
    }
    Ok(levels)
}

fn demands(tables: Vec<DemandTable>) -> Result<Vec<Demand>, ConfigError> {
    tables
        .into_iter()
        .map(|DemandTable { claim, values }| {
            if claim.trim().is_empty() || values.is_empty() {
                return Err(setting("provider.demand", "a claim's name, and at least one value"));
            }
            Ok(Demand { claim, values })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "issuer = \"https://login.example\"\nclient_id = \"hub\"\nsecret = \"s\"\n\
                        [[level]]\nacr = \"AAL3_ANY\"\nidle_minutes = 15\nwhole_hours = 12\n";

    fn resolve(text: &str, hub: &str) -> Result<ProviderSettings, String> {
        let table: ProviderTable = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        table.resolve(Path::new("/etc/cpis"), hub).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_what_cis2_wants() {
        let settings = resolve(BASE, "https://hub.example").unwrap();
        assert_eq!(settings.scopes, SCOPES);
        assert_eq!(settings.acr_values, ["AAL3_ANY"]);
        assert_eq!(settings.proof, ClientProof::Secret(PathBuf::from("/etc/cpis/s")));
        assert!(settings.max_age.is_none());
        let key = BASE.replace("secret = \"s\"", "key = \"k\"\nkey_id = \"one\"");
        let key = resolve(&key, "https://hub.example").unwrap();
        let expected = PathBuf::from("/etc/cpis/k");
        assert!(
            matches!(key.proof, ClientProof::Key { file, algorithm, .. } if file == expected && algorithm == "RS512")
        );
    }

    #[test]
    fn what_would_protect_nobody_is_refused_in_a_sentence() {
        let level = BASE.split_once("[[").unwrap().1;
        for (from, to, hub, expected) in [
            ("https://login", "http://login", "https://hub.example", "must begin with https://"),
            ("", "", "http://hub.example", "must begin with https://"),
            ("", "", "http://127.0.0.1:8470", "must begin with https://"),
            ("", "", "HTTPS://hub.example", "must begin with https://"),
            ("", "", "hub.example", "such as https://"),
            ("", "", "https://hub.example/cpis", "must have no path"),
            ("", "", "https://hub.example/", "must have no path"),
            ("", "", "https://Hub.example", "in small letters"),
            ("", "", "https://hub.example:443", "where it is not 443"),
            ("", "", "https://me@hub.example", "must have no path"),
            ("https://login", "https://me@login", "https://hub.example", "name no user"),
            ("secret = \"s\"", "", "https://hub.example", "name either the file"),
            ("secret = \"s\"", "secret = \"s\"\nkey = \"k\"", "https://hub.example", "name either the file"),
            ("secret = \"s\"", "key = \"k\"", "https://hub.example", "provider.key_id"),
            ("secret = \"s\"", "secret = \"s\"\nkey_id = \"k\"", "https://hub.example", "belong to a key"),
            ("idle_minutes = 15", "idle_minutes = 4", "https://hub.example", "from 5 to 1440"),
            (level, "demand]]\nclaim = \"\"\nvalues = []\n", "https://hub.example", "provider.level"),
            ("secret", "scopes = [\"profile\"]\nsecret", "https://hub.example", "\"openid\" among them"),
        ] {
            let error = resolve(&BASE.replacen(from, to, 1), hub).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        }
        assert!(
            resolve(&BASE.replacen("https://login.example", "http://127.0.0.1:9", 1), "https://[::1]:1")
                .is_ok()
        );
    }

    #[test]
    fn this_computer_is_known_by_its_number_alone() {
        for url in ["http://127.0.0.1", "http://127.0.0.1:80/a", "http://[::1]:9/x", "http://127.9.9.9?x"] {
            assert!(is_on_this_computer(url), "{url}");
        }
        for url in [
            "https://127.0.0.1",
            "http://localhost",
            "http://127.0.0.1.example",
            "http://10.0.0.1",
            "http://a@127.0.0.1",
            "http://127.0.0.1:80@evil.example/",
            "http://[::1]@evil.example/",
            "http://[::1]:80@evil.example/",
        ] {
            assert!(!is_on_this_computer(url), "{url}");
        }
    }
}
