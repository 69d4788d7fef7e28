//! `cpis-authority serve`: the page for social workers, beside the link that listens. `looks`: who opened which child's page.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use axum::http::HeaderName;
use cpis::authority::notices::CasesOfExtract;
use cpis::authority::page::door::{SECRET_CHARACTERS, Way};
use cpis::authority::page::guard::Address;
use cpis::authority::page::{self, Page, Settings};
use cpis::authority::register::{Reader, Register};
use cpis::config::authority::{PageSettings, ProxySettings, Routing};
use cpis::domain::dates;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::common::linked;
use super::listen::{Signals, now};
use super::upload::print;

/// Bytes of a secret's file.
const SECRET_BYTES: u64 = 4096;

#[derive(clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: super::WithConfig,
    /// Who works at this computer: their user name as the authority's systems have it. Not behind a proxy, which says so itself
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct Looks {
    #[command(flatten)]
    config: super::WithConfig,
    /// Only of this case
    #[arg(long, value_name = "LOCAL_ID")]
    case: Option<String>,
    /// As this user: with restricted cases that they hold, and that are left out without it
    #[arg(long = "as", value_name = "USER")]
    asks: Option<String>,
    /// Only by this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

pub(super) fn serve(what: &Serve) -> Result<ExitCode, String> {
    let (config, link) = linked(&what.config.config)?;
    let notes = config.notes.ok_or("the configuration does not say where accesses are kept: add [notes]")?;
    let of = config.page.ok_or("the configuration does not say where the page is served: add [page]")?;
    // Whatever is wrong with it is said here, and not to everybody who opens the page.
    drop(Register::look(&notes.register, &link.code).map_err(|error| error.to_string())?);
    let way = way(&of, what.user.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(page::limits::PAGE_READERS)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    runtime.block_on(async {
        let signals = Signals::new()?;
        let listener = TcpListener::bind(of.listen)
            .await
            .map_err(|error| format!("cannot listen at {}: {}", of.listen, error.kind()))?;
        let listen = listener.local_addr().map_err(|error| format!("cannot listen: {}", error.kind()))?;
        let origin = of.address.clone().unwrap_or_else(|| format!("http://{listen}"));
        let address = Address::new(&origin).ok_or("`page.address` is no address of a page")?;
        let settings = Settings {
            register: notes.register.clone(),
            authority_code: link.code.clone(),
            authority: link.authority.name.clone(),
            hours: link.authority.hours.clone(),
            address,
            known_as: config.routing.as_ref().map(Routing::names_of_users).unwrap_or_default(),
            cases: CasesOfExtract { memory: link.memory.clone(), is_partial: notes.has_partial_extract },
            is_synthetic: config.extract.takes_test_numbers,
        };
        let page = Page::new(settings, way, Arc::new(now)).map_err(|error| error.to_string())?;
        match page.start_address().map_err(|error| error.to_string())? {
            Some(start) => print(&format!(
                "cpis-authority serves its page. Open this address, in one browser, within ten minutes; it works once:\n{}\n",
                start.as_str()
            ))?,
            None => print(&format!("cpis-authority serves its page at {origin}\n"))?,
        }
        page::serve(listener, page, signals.wait()).await.map_err(|error| error.to_string())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// How people get in.
fn way(of: &PageSettings, user: Option<&str>) -> Result<Way, String> {
    match (&of.proxy, user) {
        (Some(_), Some(_)) => {
            Err("--as: behind a proxy ([page.proxy]) it is the proxy that says who somebody is".to_owned())
        }
        (None, None) => Err(
            "say who works at this computer: --as USER, their user name as the authority's systems have it"
                .to_owned(),
        ),
        (None, Some(user)) => {
            let reader =
                Reader::named(user).ok_or("--as: a user name without blanks, at most 100 characters")?;
            Ok(Way::Start { reader })
        }
        (Some(proxy), None) => {
            let header = |name: &str| {
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name}: not a header's name"))
            };
            Ok(Way::Proxy {
                user_header: header(&proxy.user_header)?,
                secret_header: header(&proxy.secret_header)?,
                secret: secret(proxy)?,
            })
        }
    }
}

fn secret(proxy: &ProxySettings) -> Result<Zeroizing<String>, String> {
    let path = &proxy.secret_file;
    let wrong = |why: &str| format!("`page.proxy.secret_file` ({}): {why}", path.display());
    let file = std::fs::metadata(path).map_err(|error| wrong(&error.kind().to_string()))?;
    if file.len() > SECRET_BYTES {
        return Err(wrong("it is longer than a secret"));
    }
    if is_for_everybody(&file) {
        return Err(wrong("everybody on this computer can read it: chmod o-rwx"));
    }
    let text =
        Zeroizing::new(std::fs::read_to_string(path).map_err(|error| wrong(&error.kind().to_string()))?);
    let secret = Zeroizing::new(text.trim().to_owned());
    let fits = secret.len() >= SECRET_CHARACTERS && secret.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(secret).ok_or_else(|| {
        wrong("at least 32 letters, digits and signs without blanks, for example of `openssl rand -hex 32`")
    })
}

#[cfg(unix)]
fn is_for_everybody(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o007 != 0
}

#[cfg(not(unix))]
fn is_for_everybody(_file: &std::fs::Metadata) -> bool {
    false
}

pub(super) fn looks(what: &Looks) -> Result<ExitCode, String> {
    let register = looked(&what.config.config)?;
    let reader = match what.user.as_deref() {
        None => None,
        Some(user) => Some(Reader::named(user).ok_or("--user: a user name without blanks")?),
    };
    let asks = match what.asks.as_deref() {
        None => Reader::nobody(),
        Some(user) => Reader::named(user).ok_or("--as: a user name without blanks")?,
    };
    let looks = register.looks(&asks, what.case.as_deref(), reader.as_ref());
    let (looks, hidden) = looks.map_err(|error| error.to_string())?;
    let mut said = format!("Children's pages that were opened, the newest first: {}.\n", looks.len());
    // That a case has looks which are left out would say that it is restricted: so it is said of every one.
    if what.case.is_some() {
        said.push_str("Looks at restricted cases are not in this list, but for their holders (`--as`).\n");
    }
    if hidden > 0 && what.case.is_none() {
        said.push_str(&format!("Of restricted cases, for their holders (`--as`): {hidden} more.\n"));
    }
    for look in &looks {
        let case = if look.local_id.is_empty() { "nobody known" } else { &look.local_id };
        said.push_str(&format!("{} {} case {case}\n", dates::day_and_time(look.at), look.reader));
    }
    print(&said)?;
    Ok(ExitCode::SUCCESS)
}

fn looked(config: &Path) -> Result<Register, String> {
    let (link, notes, _) = super::listen::settings(config)?;
    Register::look(&notes.register, &link.code).map_err(|error| error.to_string())
}
