//! What must hold of the configurations, whatever is in the file (see [`crate::fuzzing`]).

use std::path::Path;

use super::authority::{AuthorityConfig, Column, Way};
use super::hub::HubConfig;
use super::mesh::{MeshSettings, MeshWay};
use super::viewer::ViewerConfig;

pub(crate) fn hub(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match HubConfig::parse(text, Path::new("/etc/cpis/hub.toml")) {
        Ok(config) => {
            assert!(config.tls.is_some() || config.listen.ip().is_loopback());
            let operators = config.operator.is_none_or(|operator| operator.ip().is_loopback());
            assert!(operators, "what the operator sees leaves the machine");
            assert!(config.issuer.starts_with("http") && !config.issuer.ends_with('/'));
            let asks = config.tls.as_ref().is_some_and(|tls| tls.clients.authorities().is_some());
            assert!(config.authorities.is_empty() || asks, "a sender who proves nothing");
            assert!(config.tails.child <= 366 && config.tails.unborn <= 366);
            assert!(config.database.has_root() && config.signing_key.has_root());
            for (index, site) in config.sites.iter().enumerate() {
                assert!((1..=40).contains(&site.id.len()) && !site.organisation_code.trim().is_empty());
                let same = |other: &&crate::domain::Site| {
                    other.id == site.id && other.organisation_code == site.organisation_code
                };
                assert_eq!(config.sites.iter().skip(index).filter(same).count(), 1);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub(crate) fn viewer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match ViewerConfig::resolve(text) {
        Ok((config, _)) => {
            let local = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
            let is_local = local.iter().any(|start| config.hub.starts_with(start));
            assert!(config.hub.starts_with("https://") || is_local, "a hub that is reached in the clear");
            let host = config.hub.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
            assert!(host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '\\', ' '])));
            let advice = &config.advice;
            for contact in [&advice.lead, &advice.local_authority, &advice.it_help].into_iter().flatten() {
                assert!(!contact.name.is_empty() && contact.telephone.looks_like_a_number());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub(crate) fn authority(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match AuthorityConfig::parse(text, Path::new("authority.toml")) {
        Ok(config) => {
            if let Some(link) = &config.link {
                let address = match &link.hub.way {
                    Way::Https(https) => Some(&https.address),
                    Way::Mesh(MeshSettings { way: MeshWay::Rest(rest), .. }) => Some(&rest.address),
                    Way::Mesh(MeshSettings { way: MeshWay::Folder(_), .. }) => None,
                };
                let is_secure = address.is_none_or(|address| address.starts_with("https://"));
                assert!(is_secure, "children's names in the clear");
                assert!(link.authority.code.as_ref() == Some(&link.code) && !link.authority.name.is_empty());
                assert!(link.authority.office.is_some() && link.authority.emergency_duty.is_some());
            }
            let mapping = &config.extract;
            assert!(!mapping.kinds.is_empty());
            for (place, column) in Column::ALL.into_iter().enumerate() {
                let name = mapping.name(column);
                assert!(!name.is_empty() && column.place() == place);
                assert_eq!(mapping.columns.iter().filter(|other| *other == name).count(), 1);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
