//! The real `cpis-hub` as a process of its own, with its configuration, key and log.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use cpis::domain::Caller;
use cpis::hub::clock::Clock;
use cpis::identity::token::SigningKey;
use rusqlite::Connection;
use tempfile::TempDir;

use super::ISSUER;

/// A directory with all that the program needs.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) key: SigningKey,
}

impl Place {
    /// With these lines loaded as synthetic people.
    pub(crate) fn with(lines: &[String]) -> Self {
        let place = Self::empty("");
        fs::write(place.path("people.ndjson"), lines.join("\n")).unwrap();
        let loaded = place.run(&["load", "people.ndjson", "--config", "hub.toml", "--synthetic"]);
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
        // Now, since a test may lock the database before its first caller asks.
        place.token(&super::nurse());
        place
    }

    /// With more lines in its configuration.
    pub(crate) fn empty(more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pem = private_key_pem();
        fs::write(directory.path().join("key.pem"), &pem).unwrap();
        #[cfg(unix)]
        fs::set_permissions(
            directory.path().join("key.pem"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        let place = Self { directory, key: SigningKey::from_pem(&pem).unwrap() };
        place.configure(more);
        place
    }

    /// Within limits that no test reaches without meaning to, unless `more` has some.
    pub(crate) fn configure(&self, more: &str) {
        let generous = "[limits]\nviews_at_once = 1000000\nretrieves_at_once = 1000000\nsearches_at_once = 1000000\n\
                        others_at_once = 1000000\nsearches_per_hour = 1000000\npeople_per_hour = 1000000\n";
        let limits = if more.contains("[limits]") { "" } else { generous };
        let config = format!(
            "listen = \"127.0.0.1:0\"\nissuer = \"{ISSUER}\"\ndatabase = \"hub.db\"\nsigning_key = \"key.pem\"\n\
             rights = {{ B0264 = [\"search-people\"], B0107 = [\"view-and-notify\"], B0170 = [\"view-silently\"] }}\n\
             {more}\n{limits}\n[[site]]\nid = \"ed\"\norganisation_code = \"RN3\"\nsetting = \"Emergency department\"\n\
             name = \"Great Western Hospital\"\ndepartment = \"ED\"\ncontact = \"in-person\"\n"
        );
        fs::write(self.path("hub.toml"), config).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A caller's token for an hour from now.
    pub(crate) fn token(&self, caller: &Caller) -> String {
        // Where a test has the database on a disk of its own.
        let elsewhere = self.path("disk/hub.db");
        let database = if elsewhere.exists() { elsewhere } else { self.path("hub.db") };
        super::token(&database, &self.key, caller, Clock::system().now())
    }

    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.path("hub.db")).unwrap()
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-hub"));
        command.args(arguments).current_dir(self.directory.path()).output().unwrap()
    }

    pub(crate) fn serve(&self) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-hub"));
        command.args(["serve", "--config", "hub.toml"]);
        self.serve_with(command)
    }

    /// Starts a command that becomes the serving hub. It logs all that it can to the file `log`.
    pub(crate) fn serve_with(&self, mut command: Command) -> Program {
        command.stdin(Stdio::null());
        self.start(command)
    }

    /// On a listening socket that it is handed as a service manager would: as file 3, said in its environment.
    #[cfg(unix)]
    pub(crate) fn serve_on(&self, socket: &std::net::TcpListener, environment: &[(&str, &str)]) -> Program {
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --config hub.toml";
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_cpis-hub")]);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(socket.try_clone().unwrap())));
        self.start(command)
    }

    fn start(&self, mut command: Command) -> Program {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut child = command
            .current_dir(self.directory.path())
            .env("RUST_LOG", "trace")
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("cpis-hub listens on ").map(str::to_owned);
        let Some(base) = base else {
            let _ = child.wait();
            panic!("the hub did not start: {}", fs::read_to_string(self.path("log")).unwrap());
        };
        Program { child, base }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }
}

/// The serving process; killed when dropped.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) base: String,
}

impl Program {
    /// Tells it to stop.
    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends a signal, such as `-HUP`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it as a power switch would, as far as a process can tell.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a program can be run; tests that need one say so instead of passing.
pub(crate) fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|directory: PathBuf| Path::new(&directory).join(program).is_file())
}

/// A fresh key as `openssl genpkey` would write it.
pub(crate) fn private_key_pem() -> String {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64(der.as_ref()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (i, byte)| word | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let index = (word >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { char::from(LETTERS[index as usize]) } else { '=' });
        }
    }
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).map(|start| &text[start..(start + 64).min(text.len())]).collect();
    lines.join("\n")
}
