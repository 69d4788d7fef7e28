//! A round of the link: fetch what the hub has to tell, make notes of it, bring them into the record, and tell the hub what
//! is filed. Each step goes on from what the register holds, so that any of them may be broken off anywhere.

mod alerting;
mod cases;
mod listen;
mod mailing;
mod numbers;

use jiff::Timestamp;

use super::notes::{NotPlaced, Record, Trouble};
use super::register::{Cases, Register, RegisterError, Whose};
use crate::exchange::TransportError;
use crate::exchange::notice::{self, Collected, Heading, Item, Mailbox, NotNotices, Receipts};

pub use alerting::{Alerting, Listed, OpenMailer, restricted_list};
pub use cases::{CasesOfExtract, Fits};
pub use listen::{Listening, Stop, chance};
pub use mailing::{AtWork, Limited, MAIL, send_beside};

/// Documents of one round at most: then notes are made of what has come.
const DOCUMENTS: u32 = 20;

/// Why nothing came of the hub: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum HubTrouble {
    /// It was not reached, or refuses the link.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What came cannot be meant.
    #[error("what the hub sent was not taken: {0}")]
    NotUnderstood(#[from] NotNotices),
    /// What came is from another hub.
    #[error(
        "what came names another hub than `hub.issuer`: nothing of it was taken, and somebody has to look at it"
    )]
    OtherSource,
    /// What came is for somebody else.
    #[error("what came is for another authority: nothing of it was taken, and somebody has to look at it")]
    OtherAuthority,
    /// It says that the link has other numbers, and the link has said none.
    #[error("the hub contradicts itself about where its notifications begin")]
    Contradicts,
    /// Some messages of the hub's were left in the mailbox.
    #[error(
        "{0} of the messages in the mailbox could not be taken: they are looked at again, after an hour at the latest, and MESH gives them back to their sender"
    )]
    Resting(usize),
    /// The numbers of a document run backwards.
    #[error("what the hub sent was not taken: its numbers are not in order")]
    NotInOrder,
}

/// Who the link is and whom it believes.
#[derive(Debug, Clone, Copy)]
pub struct Ends<'a> {
    /// The authority's ODS code.
    pub authority_code: &'a str,
    /// The hub's name.
    pub issuer: &'a str,
}

/// What a round did.
#[derive(Debug, Default)]
pub struct Round {
    /// Notifications that are new.
    pub new: u64,
    /// Numbers that were passed over.
    pub missing: u64,
    /// The hub was put back from a backup.
    pub other_numbers: bool,
    /// Parts of notes that are in the record now.
    pub placed: u64,
    /// What came from somebody else than the hub, a sentence each: nothing of it was taken.
    pub refused: Vec<String>,
    /// Why the hub's part did not come to its end.
    pub hub: Option<HubTrouble>,
    /// That is of documents that were set aside, and of nothing else: there is nothing to slow down for.
    pub is_set_aside: bool,
    /// Why the record's part did not.
    pub notes: Option<String>,
    /// NHS numbers that are no longer in use: how many are on the list, where they are others than before.
    pub numbers: Option<u64>,
    /// Alerts that were made.
    pub alerts: u64,
    /// E-mails that were sent.
    pub sent: u64,
    /// Why it is not known whom to alert.
    pub routing: Option<String>,
    /// Why e-mail did not leave. It keeps nothing else waiting, and so is nothing that the link slows down for.
    pub mail: Option<String>,
}

impl Round {
    /// Whether all of it came to its end.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.hub.is_none() && self.notes.is_none() && self.routing.is_none()
    }

    /// Whether the next is to wait for longer.
    #[must_use]
    pub fn slows_down(&self) -> bool {
        let is_hub_well = self.hub.is_none() || self.is_set_aside;
        !(is_hub_well && self.notes.is_none() && self.routing.is_none())
    }
}

/// The way into the record, opened anew for each round: a folder may come back.
pub type OpenRecord<'a> = &'a mut dyn FnMut(&mut Register) -> Result<Box<dyn Record>, NotPlaced>;

/// Does a round. What is in the way of one step keeps no other from its work.
///
/// # Errors
/// The register cannot be used: nothing that is not on its disk was told to anybody.
pub fn round(
    register: &mut Register,
    mailbox: &mut dyn Mailbox,
    ends: Ends<'_>,
    cases: &dyn Cases,
    open: OpenRecord<'_>,
    alerting: Alerting<'_>,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Round, RegisterError> {
    let mut round = Round::default();
    let fetched = fetch(register, mailbox, ends, clock, &mut round)?;
    round.refused = mailbox.refused();
    // Which cases are restricted has to be known before anything of theirs is placed.
    let known = alerting::refresh(register, cases, alerting.table)?;
    let mut made = None;
    if is_of_another(register, &fetched, clock)? {
        round.hub = fetched.err();
        let why = round.hub.as_ref().map(ToString::to_string);
        register.note_trouble(Whose::Hub, why.as_deref(), clock())?;
        return Ok(round);
    }
    let before = register.count_inactive()?;
    // By what was known before, or a slip in a list would keep every alert of a weekend. Where nothing was, it waits.
    if known.is_ok() || register.knows_cases()? {
        made = register.make_notes(cases, clock())?.err();
        made = made.or(register.settle_inactive(cases, clock())?.err());
        match register.route(alerting.table, cases, clock())? {
            Ok(routed) => round.alerts = routed.alerts,
            Err(why) => round.routing = Some(why),
        }
    }
    let after = register.count_inactive()?;
    round.numbers = (after != before).then_some(after.0);
    round.notes = match known {
        Ok(()) => document(register, open, clock, &mut round)?.err().or(made),
        Err(why) => Some(why),
    };
    // What cannot be taken keeps no receipt from the hub; a hub that is not reached does.
    let is_reached = !matches!(fetched, Err(HubTrouble::Transport(_)));
    let filed = if is_reached { file(register, mailbox, ends, clock)? } else { Ok(()) };
    if matches!(filed, Err(HubTrouble::Transport(TransportError::OtherRegister))) {
        register.note_other_register(true, clock())?;
    }
    round.is_set_aside &= filed.is_ok();
    round.hub = fetched.and(filed).err();
    let (hub, notes) = (round.hub.as_ref().map(ToString::to_string), round.notes.as_deref());
    register.note_trouble(Whose::Hub, hub.as_deref(), clock())?;
    register.note_trouble(Whose::Notes, notes, clock())?;
    if hub.is_none() || round.is_set_aside {
        register.note_heard(clock())?;
    }
    register.note_trouble(Whose::Routing, round.routing.as_deref(), clock())?;
    if let Some(mailer) = alerting.mailer {
        let sent = mailing::send(register, mailer, clock)?;
        round.sent = sent.sent;
        round.mail = sent.away.or(sent.refused);
    }
    Ok(round)
}

type Heard = Result<(), HubTrouble>;

/// Whether the hub tells another register, which documents and alerts in place of this one: said now, or last where it is not reached.
fn is_of_another(
    register: &mut Register,
    fetched: &Heard,
    clock: &dyn Fn() -> Timestamp,
) -> Result<bool, RegisterError> {
    match fetched {
        Err(HubTrouble::Transport(TransportError::OtherRegister)) => {
            register.note_other_register(true, clock())?;
            Ok(true)
        }
        Err(HubTrouble::Transport(_)) => Ok(register.other_register()?.is_some()),
        Ok(()) | Err(_) => {
            register.note_other_register(false, clock())?;
            Ok(false)
        }
    }
}

fn fetch(
    register: &mut Register,
    mailbox: &mut dyn Mailbox,
    ends: Ends<'_>,
    clock: &dyn Fn() -> Timestamp,
    round: &mut Round,
) -> Result<Heard, RegisterError> {
    let (mut documents, mut trouble) = (0, None);
    while documents < DOCUMENTS {
        let have = register.have()?;
        let document = match mailbox.collect(have.as_ref()) {
            Err(error) => return Ok(Err(error.into())),
            Ok(Collected::OtherNumbers) if have.is_none() || round.other_numbers => {
                return Ok(Err(HubTrouble::Contradicts));
            }
            Ok(Collected::OtherNumbers) => {
                register.forget_where(clock())?;
                round.other_numbers = true;
                continue;
            }
            Ok(Collected::NothingMore) => break,
            Ok(Collected::ReceiptsLost(name)) => {
                register.tell_again(name.as_deref())?;
                if let Err(error) = mailbox.is_kept() {
                    return Ok(Err(error.into()));
                }
                continue;
            }
            Ok(Collected::Document(document)) => document,
        };
        let (heading, items) = match believed(&document, ends) {
            Ok(believed) => believed,
            Err(why) if mailbox.set_aside() => {
                trouble.get_or_insert(why);
                continue;
            }
            Err(why) => return Ok(Err(why)),
        };
        documents += 1;
        let taken = if mailbox.is_same() {
            register.take_same(&heading, &items, clock())?
        } else {
            register.take(&heading, &items, clock())?
        };
        round.new += taken.new;
        round.missing += taken.missing;
        if let Err(error) = mailbox.is_kept() {
            return Ok(Err(error.into()));
        }
        if items.is_empty() {
            break;
        }
    }
    let resting = Some(mailbox.resting()).filter(|resting| *resting > 0);
    if let Some(trouble) = trouble.or(resting.map(HubTrouble::Resting)) {
        round.is_set_aside = true;
        return Ok(Err(trouble));
    }
    fetch_missing(register, mailbox, ends, clock, round)
}

fn fetch_missing(
    register: &mut Register,
    mailbox: &mut dyn Mailbox,
    ends: Ends<'_>,
    clock: &dyn Fn() -> Timestamp,
    round: &mut Round,
) -> Result<Heard, RegisterError> {
    let Some((mut above, last)) = register.missing_due(clock())? else { return Ok(Ok(())) };
    for _ in 0..DOCUMENTS {
        let document = match mailbox.collect_again(above) {
            Err(error) => return Ok(Err(error.into())),
            Ok(Collected::OtherNumbers | Collected::NothingMore | Collected::ReceiptsLost(_)) => break,
            Ok(Collected::Document(document)) => document,
        };
        let (heading, items) = match believed(&document, ends) {
            Err(trouble) => return Ok(Err(trouble)),
            Ok(believed) => believed,
        };
        round.new += register.take_again(&heading, &items, clock())?.new;
        // Numbers only rise, or this would not end before its time.
        match items.last().map(|item| item.mark().number) {
            Some(reached) if reached > above && reached < last => above = reached,
            Some(_) | None => break,
        }
    }
    Ok(Ok(()))
}

/// A document, if it is from the configured hub and for this authority.
fn believed(document: &[u8], ends: Ends<'_>) -> Result<(Heading, Vec<Item>), HubTrouble> {
    let (heading, items) = notice::read(document)?;
    if heading.source != ends.issuer {
        return Err(HubTrouble::OtherSource);
    }
    if heading.authority_code != ends.authority_code {
        return Err(HubTrouble::OtherAuthority);
    }
    let is_in_order = items.windows(2).all(|pair| match pair {
        [one, next] => one.mark().number < next.mark().number,
        _ => true,
    });
    if is_in_order { Ok((heading, items)) } else { Err(HubTrouble::NotInOrder) }
}

fn document(
    register: &mut Register,
    open: OpenRecord<'_>,
    clock: &dyn Fn() -> Timestamp,
    round: &mut Round,
) -> Result<Result<(), String>, RegisterError> {
    let mut trouble = None;
    if register.next_part(clock())?.is_none() {
        return Ok(Ok(()));
    }
    let mut record = match open(register) {
        Ok(record) => record,
        Err(NotPlaced::Register(error)) => return Err(error),
        Err(NotPlaced::Trouble(Trouble::Away(why) | Trouble::Refused(why))) => return Ok(Err(why)),
    };
    while let Some(part) = register.next_part(clock())? {
        match record.place(&part) {
            Ok(()) => {
                register.placed(&part, clock())?;
                round.placed += 1;
            }
            Err(NotPlaced::Register(error)) => return Err(error),
            Err(NotPlaced::Trouble(Trouble::Away(why))) => return Ok(Err(why)),
            Err(NotPlaced::Trouble(Trouble::Refused(why))) => {
                register.refused(&part, &why, clock())?;
                trouble = Some(why);
            }
        }
    }
    Ok(trouble.map_or(Ok(()), Err))
}

fn file(
    register: &mut Register,
    mailbox: &mut dyn Mailbox,
    ends: Ends<'_>,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Heard, RegisterError> {
    match mailbox.under_way() {
        Err(error) => return Ok(Err(error.into())),
        Ok(None) => {}
        Ok(Some(gone)) => {
            // What cannot be read is sent again by the register.
            let receipts =
                notice::read_receipts(&gone.receipts).map(|gone| gone.receipts).unwrap_or_default();
            register.receipts_taken(&receipts, Some(&gone.name), clock())?;
            if let Err(error) = mailbox.is_noted() {
                return Ok(Err(error.into()));
            }
        }
    }
    for _ in 0..DOCUMENTS {
        let receipts = register.receipts()?;
        if receipts.is_empty() {
            break;
        }
        let what = Receipts { authority_code: ends.authority_code.to_owned(), receipts };
        let name = match mailbox.file(&notice::write_receipts(&what, clock())) {
            Ok(name) => name,
            Err(error) => return Ok(Err(error.into())),
        };
        register.receipts_taken(&what.receipts, name.as_deref(), clock())?;
        if let Err(error) = mailbox.is_noted() {
            return Ok(Err(error.into()));
        }
    }
    Ok(Ok(()))
}
