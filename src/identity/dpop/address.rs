//! When two ways of writing an address mean the same one (RFC 3986, 6.2.2 and 6.2.3): what a proof says of the
//! request is written by somebody else's software.

/// The address in its one normal form, without query and fragment. `None` where it is none of HTTP's.
pub(super) fn normal(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let usual_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let rest = rest.split(['?', '#']).next()?;
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(usual_port).unwrap_or(&host);
    // A name before the host is a way to make one address look like another.
    if host.is_empty() || host.contains('@') {
        return None;
    }
    Some(format!("{scheme}://{host}{}", normal_path(path)))
}

/// Letters that need no escape stand as themselves, other escapes in capitals.
fn normal_path(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    let mut parts = path.split('%');
    normal.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let escaped = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
            }
            Some(byte) => normal.push_str(&format!("%{byte:02X}")),
            None => normal.push('%'),
        }
        normal.push_str(if escaped.is_some() { part.get(2..).unwrap_or_default() } else { part });
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_written_and_another_is_another() {
        let check = |written: &str, expected: Option<&str>| {
            assert_eq!(normal(written).as_deref(), expected, "{written}");
        };
        let hub = Some("https://hub.example/cpis/FHIR/R4/CareTeam");
        check("https://hub.example/cpis/FHIR/R4/CareTeam", hub);
        check("HTTPS://Hub.Example:443/cpis/FHIR/R4/CareTeam?patient=1#x", hub);
        check("https://hub.example/cpis/FHIR/R4/C%61reTeam", hub);
        check("https://hub.example", Some("https://hub.example/"));
        check("https://hub.example/a%2fb%e2", Some("https://hub.example/a%2Fb%E2"));
        check("https://hub.example/%zz%", Some("https://hub.example/%zz%"));
        check("http://hub.example:80/x", Some("http://hub.example/x"));
        check("http://hub.example:443/x", Some("http://hub.example:443/x"));
        check("https://hub.example@other.example/x", None);
        check("ftp://hub.example/x", None);
        check("https:///x", None);
        check("/cpis/FHIR/R4/CareTeam", None);
        check("", None);
    }
}
