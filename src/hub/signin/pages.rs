//! The hub's own pages in the browser: plain, without scripts, nothing from elsewhere, nobody's frame. Everything that
//! somebody else wrote is escaped.

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::text;
use crate::hub::provider::{Person, Role};

const STYLE: &str = "\
*{box-sizing:border-box}\
body{margin:0;font:19px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;color:#0b0c0c;background:#fff}\
header{background:#003087;color:#fff;font-weight:700}header div{padding:12px 16px}\
header div,main{max-width:640px;margin:0 auto}\
main{padding:20px 16px 32px}\
h1{font-size:28px;line-height:1.2;margin:0 0 16px}\
dl{margin:0 0 16px;border-top:1px solid #b1b4b6}\
dl div{display:flex;flex-wrap:wrap;border-bottom:1px solid #b1b4b6;padding:6px 0}\
dt{font-weight:700;flex:0 0 30%;min-width:8em;padding-right:16px}\
dd{margin:0;flex:1 1 55%;overflow-wrap:anywhere}\
fieldset{border:0;margin:0 0 16px;padding:0}\
legend{font-weight:700;font-size:21px;margin-bottom:4px;padding:0}\
.choice{display:flex;align-items:flex-start;padding:8px 0}\
.choice input{width:28px;height:28px;margin:0 14px 0 2px;flex:none;accent-color:#003087}\
.choice label{flex:1;overflow-wrap:anywhere}\
.note{border-left:8px solid #003087;padding:4px 0 4px 16px;margin:0 0 16px}\
small{display:block;font-size:16px;line-height:1.3}\
.error{border:4px solid #d4351c;padding:12px;margin:0 0 16px}\
.buttons{display:flex;flex-wrap:wrap;gap:16px}\
button,a.button{display:inline-block;font:inherit;font-weight:700;min-height:48px;padding:10px 22px;border:2px solid #003087;border-radius:4px;cursor:pointer;text-decoration:none}\
.first{background:#003087;color:#fff}\
.second{background:#fff;color:#003087}\
:focus-visible{outline:4px solid #ffdd00;outline-offset:0;box-shadow:0 0 0 8px #0b0c0c}\
@media (forced-colors:active){:focus-visible{outline-color:Highlight}}\
@media (prefers-color-scheme:dark){body{background:#111;color:#f3f2f1}.second,a.button.second{background:#111;color:#9bc1ff;border-color:#9bc1ff}.note{border-color:#9bc1ff}dl,dl div{border-color:#505a5f}}";

/// A page for the browser, which may send its form to the hub and, if the answer leads there, to `redirect`.
fn page(status: StatusCode, title: &str, main: &str, redirect: Option<&str>) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><header><div>Child Protection - Information Sharing</div></header><main>{main}</main></body></html>\n"
    );
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    // A browser holds the address that a form's answer leads to against `form-action` too; a number in brackets it
    // does not know there.
    let target = match redirect.and_then(origin) {
        Some(origin) if origin.contains('[') => " http:".to_owned(),
        Some(origin) => format!(" {origin}"),
        None => String::new(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not "no-referrer": then the browser would hide where the form was sent from.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> Option<&str> {
    let begin = address.find("://")? + "://".len();
    let end = address.get(begin..)?.find(['/', '?']).map_or(address.len(), |length| begin + length);
    address.get(..end)
}

/// What cannot go on, and why; with a way back where it is known: to what, and its address.
pub(super) fn refusal(
    status: StatusCode,
    heading: &str,
    words: &str,
    back: Option<(&str, &str)>,
) -> Response {
    let way = match back {
        Some((whom, address)) => format!(
            "<p><a class=\"button first\" href=\"{}\">Go back to {}</a></p>",
            escaped(address),
            escaped(whom)
        ),
        None => "<p>You can close this page. To sign in, go to the viewer, or to the program from which you came, and begin again there.</p>"
            .to_owned(),
    };
    let main = format!("<h1>{}</h1><p>{}</p>{way}", escaped(heading), escaped(words));
    page(status, &escaped(heading), &main, None)
}

/// Nothing is left to do here.
pub(super) fn done(heading: &str, words: &str) -> Response {
    let main = format!("<h1>{}</h1><p>{}</p>", escaped(heading), escaped(words));
    page(StatusCode::OK, &escaped(heading), &main, None)
}

/// For whom the page asks.
#[derive(Clone, Copy)]
pub(super) enum Program<'a> {
    /// The viewer at this computer, which shows this number of its key while it waits.
    Viewer { device: &'a str, number: &'a str },
    /// A registered one, of this name.
    Registered(&'a str),
}

/// What the page asks.
pub(super) struct Question<'a> {
    pub(super) hub: &'a str,
    pub(super) person: &'a Person,
    /// From which they can choose, where none is chosen.
    pub(super) roles: &'a [Role],
    pub(super) program: Program<'a>,
    pub(super) form: &'a str,
    /// Where the program waits.
    pub(super) redirect: &'a str,
    /// It was sent without a role.
    pub(super) lacks_role: bool,
    /// Nobody in the hub is real.
    pub(super) is_synthetic: bool,
}

/// Asks whether to go on, and in which role where none is chosen.
pub(super) fn question(question: &Question<'_>) -> Response {
    let Question { hub, person, roles, program, form, redirect, lacks_role, is_synthetic } = question;
    let row = |term: &str, value: &str| format!("<div><dt>{term}</dt><dd>{}</dd></div>", escaped(value));
    let chosen = person.selected.as_deref().and_then(|id| person.role(id).ok());
    let mut rows = row("Name", &person.name);
    if let Some(role) = chosen {
        rows += &row("Role", &role.name);
        rows += &row("Organisation", &role.organisation);
    }
    let (heading, note) = match program {
        Program::Viewer { device, number } => {
            rows += &format!(
                "<div><dt>Computer</dt><dd><span>{}</span><small>as the viewer names it</small></dd></div>",
                escaped(device)
            );
            rows += &row("Number in the viewer", number);
            (
                "Sign in at this computer?",
                "Go on only if you have just asked to sign in, at the computer that is named here, and its viewer shows this number.",
            )
        }
        Program::Registered(name) => {
            rows += &row("Program", name);
            (
                "Sign in to this program?",
                "Go on only if you have just asked to sign in, in the program that is named here. It can then look up patients as you.",
            )
        }
    };
    rows += &row("Service", hub);
    if *is_synthetic {
        rows += &row("Patients", "For practice: nobody here is real");
    }
    let (choice, problem) = match chosen {
        Some(_) => (String::new(), ""),
        None if *lacks_role => (
            choices(roles),
            "<div class=\"error\" role=\"alert\"><strong>Choose a role.</strong> Choose the role in which you work now.</div>",
        ),
        None => (choices(roles), ""),
    };
    let main = format!(
        "<h1>{heading}</h1>{problem}<dl>{rows}</dl>\
         <p class=\"note\">{note} What you look at is recorded under your name.</p>\
         <form method=\"post\" action=\"/sign-in\" autocomplete=\"off\">\
         <input type=\"hidden\" name=\"form\" value=\"{}\">{choice}\
         <div class=\"buttons\"><button class=\"first\" name=\"answer\" value=\"sign-in\">Sign in</button>\
         <button class=\"second\" name=\"answer\" value=\"no\" formnovalidate>Do not sign in</button></div></form>",
        escaped(form)
    );
    let title = if *lacks_role { format!("Error: {heading}") } else { heading.to_owned() };
    page(StatusCode::OK, &title, &main, Some(redirect))
}

fn choices(roles: &[Role]) -> String {
    let one = |(place, role): (usize, &Role)| {
        format!(
            "<div class=\"choice\"><input type=\"radio\" name=\"role\" id=\"role-{place}\" value=\"{}\" required>\
             <label for=\"role-{place}\">{}<br>{}</label></div>",
            escaped(&role.id),
            escaped(&role.name),
            escaped(&role.organisation)
        )
    };
    let all: String = roles.iter().enumerate().map(one).collect();
    format!("<fieldset><legend>In which role do you work now?</legend>{all}</fieldset>")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text::visible(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn person(selected: Option<&str>) -> Person {
        let role = |id: &str, name: &str| Role {
            id: id.to_owned(),
            name: name.to_owned(),
            organisation_code: "RN3".to_owned(),
            organisation: "St \"Mary's\" & <All>".to_owned(),
            activities: Vec::new(),
        };
        Person {
            user: "1".to_owned(),
            name: "<script>alert(1)</script>".to_owned(),
            roles: vec![role("1", "Nurse"), role("\"><b>", "Doctor")],
            unusable: Vec::new(),
            selected: selected.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn whatever_others_wrote_is_text_on_the_page() {
        for selected in [None, Some("1")] {
            let person = person(selected);
            let asked = question(&Question {
                hub: "hub'",
                person: &person,
                roles: &person.roles,
                program: Program::Viewer { device: "<img src=x>", number: "012 345" },
                form: "f\"",
                redirect: "http://127.0.0.1:4711/signed-in",
                lacks_role: false,
                is_synthetic: true,
            });
            let policy = asked.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert!(
                policy.contains("form-action 'self' http://127.0.0.1:4711; frame-ancestors 'none'"),
                "{policy}"
            );
            let page = text(asked).await;
            for never in ["<script", "<img", "<b>", "<All>", "value=\"f\"\"", "javascript"] {
                assert!(!page.contains(never), "{never}: {page}");
            }
            assert_eq!(page.contains("type=\"radio\""), selected.is_none());
            assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
            assert!(page.contains("as the viewer names it"), "nobody has checked it");
        }
    }

    #[tokio::test]
    async fn a_registered_program_is_named_and_its_own_address_is_where_the_answer_may_lead() {
        let person = person(None);
        let asked = question(&Question {
            hub: "hub",
            person: &person,
            roles: &person.roles[..1],
            program: Program::Registered("Wexcombe <record>"),
            form: "f",
            redirect: "https://record.example:8443/back?a=b",
            lacks_role: false,
            is_synthetic: false,
        });
        let policy = asked.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("form-action 'self' https://record.example:8443; frame"), "{policy}");
        let page = text(asked).await;
        assert!(
            page.contains("Wexcombe &lt;record&gt;") && page.contains("Sign in to this program?"),
            "{page}"
        );
        assert!(
            !page.contains("Computer") && !page.contains("Doctor"),
            "roles of others are no choice: {page}"
        );
        assert_eq!(origin("https://a"), Some("https://a"));
        assert_eq!((origin("https://a?b"), origin("a")), (Some("https://a"), None));
    }
}
