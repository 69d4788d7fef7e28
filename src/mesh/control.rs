//! The control file of MESH's own file client: what stands beside a `.dat` in a `.ctl`. Read as from a stranger: no document type, each field
//! once, and nothing believed that does not end.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use super::limits::{MESH_CONTROL_BYTES, MESH_HEADER_CHARACTERS};
use super::{Header, Kind, MailboxId};

/// What a control file says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) header: Header,
    pub(super) to: Option<MailboxId>,
}

/// The parts of a control file that are read.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    workflow: Option<String>,
    local_id: Option<String>,
}

impl Fields {
    fn of(&mut self, name: &[u8]) -> Option<&mut Option<String>> {
        match name {
            b"MessageType" => Some(&mut self.kind),
            b"From_DTS" => Some(&mut self.from),
            b"To_DTS" => Some(&mut self.to),
            b"WorkflowId" => Some(&mut self.workflow),
            b"LocalId" => Some(&mut self.local_id),
            _ => None,
        }
    }
}

/// Reads a control file; nothing where it is none, or not yet whole.
pub(super) fn read(text: &str) -> Option<Control> {
    if text.len() > MESH_CONTROL_BYTES {
        return None;
    }
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut fields, mut path): (Fields, Vec<Vec<u8>>) = (Fields::default(), Vec::new());
    let mut is_whole = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                let name = tag.name().as_ref().to_vec();
                if is_whole || path.len() > 4 || (path.is_empty() && name != b"DTSControl") {
                    return None;
                }
                path.push(name);
                if let [_, field] = path.as_slice()
                    && let Some(value) = fields.of(field)
                    && value.replace(String::new()).is_some()
                {
                    return None;
                }
            }
            Event::End(_) => {
                path.pop()?;
                is_whole = path.is_empty();
            }
            Event::Text(text) => {
                let [_, field] = path.as_slice() else { continue };
                let Some(value) = fields.of(field).and_then(Option::as_mut) else { continue };
                value.push_str(&text.decode().ok()?);
                if value.len() > MESH_HEADER_CHARACTERS {
                    return None;
                }
            }
            // In what is read nothing has to be written so.
            Event::GeneralRef(_) | Event::CData(_) => {
                if let [_, field] = path.as_slice()
                    && fields.of(field).is_some()
                {
                    return None;
                }
            }
            Event::DocType(_) | Event::PI(_) => return None,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    if !is_whole {
        return None;
    }
    let said =
        |value: Option<String>| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let kind = match said(fields.kind)?.to_ascii_uppercase().as_str() {
        "DATA" => Kind::Data,
        "REPORT" => Kind::Report { of: None, local_id: said(fields.local_id) },
        _ => return None,
    };
    let mailbox = |value| said(value).and_then(|text| MailboxId::parse(&text));
    let header = Header {
        kind,
        from: mailbox(fields.from),
        workflow: said(fields.workflow).unwrap_or_default(),
        chunks: 1,
    };
    Some(Control { header, to: mailbox(fields.to) })
}

/// Writes one for a message that goes out.
pub(super) fn write(from: &MailboxId, to: &MailboxId, workflow: &str, local_id: &str) -> String {
    let mut text = String::from("<DTSControl>\n");
    for (name, value) in [
        ("Version", "1.0"),
        ("AddressType", "DTS"),
        ("MessageType", "Data"),
        ("From_DTS", from.as_str()),
        ("To_DTS", to.as_str()),
        ("Subject", ""),
        ("LocalId", local_id),
        ("WorkflowId", workflow),
        ("Compress", "Y"),
        ("Encrypted", "N"),
        ("AllowChunking", "Y"),
    ] {
        // Writing into a String does not fail.
        let _ = writeln!(text, "<{name}>{}</{name}>", escape(value));
    }
    text.push_str("</DTSControl>\n");
    text
}
