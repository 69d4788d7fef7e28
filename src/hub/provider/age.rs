//! How long ago somebody may have shown who they are: asked for at the provider, and held against what it says.

use jiff::{SignedDuration, Timestamp};

use crate::config::hub::{Level, ProviderSettings};
use crate::hub::limits;

/// What the provider is asked for as `max_age`: never more than the longest session, so that it asks again whom the hub
/// would only send back. `None` where it is not to be asked.
pub(super) fn asked(settings: &ProviderSettings) -> Option<SignedDuration> {
    if settings.may_lack_auth_time && settings.max_age.is_none() {
        return None;
    }
    let longest = settings.levels.iter().map(|level| level.whole).max();
    [settings.max_age, longest].into_iter().flatten().min()
}

/// Whether it was lately enough; otherwise a word.
pub(super) fn check(
    settings: &ProviderSettings,
    shown: Option<Timestamp>,
    level: &Level,
    afresh_since: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), &'static str> {
    let leeway = SignedDuration::try_from(limits::PROVIDER_LEEWAY).unwrap_or_default();
    let Some(shown) = shown else {
        let may_lack = settings.may_lack_auth_time && settings.max_age.is_none() && afresh_since.is_none();
        return if may_lack { Ok(()) } else { Err("auth-time") };
    };
    let age = now.duration_since(shown);
    let is_old = age >= level.whole
        || settings.max_age.is_some_and(|most| age > most.saturating_add(leeway))
        || afresh_since.is_some_and(|since| since.duration_since(shown) > leeway);
    if is_old || age < -leeway { Err("auth-time") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hub::ClientProof;

    fn settings() -> ProviderSettings {
        let level = |acr: &str, hours| Level {
            acr: acr.to_owned(),
            idle: SignedDuration::from_mins(15),
            whole: SignedDuration::from_hours(hours),
        };
        ProviderSettings {
            issuer: String::new(),
            client_id: String::new(),
            proof: ClientProof::Secret(std::path::PathBuf::new()),
            scopes: Vec::new(),
            levels: vec![level("a", 8), level("b", 12)],
            demands: Vec::new(),
            max_age: None,
            may_lack_auth_time: false,
            acr_values: Vec::new(),
            ca: None,
        }
    }

    #[test]
    fn the_provider_is_asked_for_no_more_than_the_longest_session() {
        let hours = SignedDuration::from_hours;
        assert_eq!(asked(&settings()), Some(hours(12)));
        let with =
            |max_age, may_lack_auth_time| ProviderSettings { max_age, may_lack_auth_time, ..settings() };
        assert_eq!(asked(&with(Some(hours(1)), false)), Some(hours(1)));
        assert_eq!(asked(&with(Some(hours(24)), false)), Some(hours(12)));
        assert_eq!(asked(&with(None, true)), None);
        assert_eq!(asked(&with(Some(hours(1)), true)), Some(hours(1)));
    }

    #[test]
    fn whoever_showed_nobody_knows_when_is_refused_unless_the_settings_say_otherwise() {
        let (settings, now) = (settings(), Timestamp::from_second(1_000_000).unwrap());
        let level = settings.levels[0].clone();
        let ago = |hours| Some(now - SignedDuration::from_hours(hours));
        let check = |settings: &ProviderSettings, shown| check(settings, shown, &level, None, now);
        assert_eq!(check(&settings, None), Err("auth-time"));
        assert_eq!(check(&settings, ago(7)), Ok(()));
        assert_eq!(check(&settings, ago(8)), Err("auth-time"), "its session would be over");
        let lacking = ProviderSettings { may_lack_auth_time: true, ..settings.clone() };
        assert_eq!(check(&lacking, None), Ok(()));
        let bounded = ProviderSettings { max_age: Some(SignedDuration::from_hours(1)), ..lacking };
        assert_eq!((check(&bounded, None), check(&bounded, ago(2))), (Err("auth-time"), Err("auth-time")));
    }
}
