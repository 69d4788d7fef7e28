//! The course of a load: know the file, begin or go on, slice by slice, report.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::index::Index;
use super::lines::Stamp;
use super::units::{Position, Unit, Units};
use super::{LineError, LoadAsk, LoadError, LoadReport, Progress, Watch};
use crate::domain::Caller;
use crate::hub::limits;
use crate::hub::store::{LoadBegin, Loading, Store, StoreError};

type Chunk = Vec<(Unit, Position)>;

/// What a load works with once it knows its file.
struct Course<'a, 'w> {
    store: &'a Store,
    ask: &'a LoadAsk,
    by: &'a Caller,
    stamp: Stamp,
    index: &'a Index,
    watch: &'a mut Watch<'w>,
}

pub(super) fn load(
    store: &Store,
    ask: &LoadAsk,
    by: &Caller,
    watch: &mut Watch<'_>,
) -> Result<LoadReport, LoadError> {
    let stamp = ask.source.stamp()?;
    let index = Index::of(&ask.source, stamp.size(), watch)?;
    if index.lines == 0 {
        return Err(LoadError::Refused(LineError::new(0, "the file is empty")));
    }
    let begin = LoadBegin {
        name: ask.source.name(),
        size: stamp.size(),
        digest: index.digest.clone(),
        synthetic: ask.synthetic,
        restart: ask.restart,
        first_real: index.first_real,
        authorities: Arc::new(index.authorities()),
        links: Arc::new(index.links.clone()),
    };
    let course = Course { store, ask, by, stamp, index: &index, watch };
    course.unchanged()?;
    if index.lines <= limits::LOAD_AT_ONCE { course.at_once(begin) } else { course.in_slices(begin) }
}

fn refused(error: StoreError) -> LoadError {
    match error {
        StoreError::LoadRefused(why) => LoadError::Refused(why),
        error @ (StoreError::Busy | StoreError::Failed { .. } | StoreError::Closed | StoreError::NoRoom) => {
            LoadError::Store(error)
        }
    }
}

impl Course<'_, '_> {
    fn unchanged(&self) -> Result<(), LoadError> {
        if self.ask.source.stamp()? == self.stamp { Ok(()) } else { Err(LoadError::Changed) }
    }

    /// A short file is one commit.
    fn at_once(self, begin: LoadBegin) -> Result<LoadReport, LoadError> {
        let mut units = Units::from(&self.ask.source, self.index, Position::default())?;
        let mut all = Vec::new();
        while let Some(unit) = units.next()? {
            all.push(unit);
        }
        self.unchanged()?;
        let loaded = self.store.load_at_once(self.by.clone(), begin, all);
        let (mut report, mut refusals) = loaded.map_err(refused)?;
        refusals.sort_by_key(|error| error.line);
        written(self.watch, &refusals)?;
        refusals.truncate(limits::LOAD_ERRORS);
        report.named = refusals;
        Ok(report)
    }

    fn in_slices(mut self, begin: LoadBegin) -> Result<LoadReport, LoadError> {
        let mut loading = self.store.load_begin(self.by.clone(), begin).map_err(refused)?;
        if !loading.is_complete() {
            let (sender, receiver) = sync_channel(limits::LOAD_CHUNKS);
            let (ask, index, at) = (self.ask, self.index, loading.position());
            std::thread::scope(|scope| {
                std::thread::Builder::new()
                    .name("load-parser".to_owned())
                    .spawn_scoped(scope, || parse(ask, index, at, &sender))
                    .map_err(|error| LoadError::Unreadable(error.to_string()))?;
                // However this ends, the parser finds nobody to send to, and ends too.
                for chunk in receiver {
                    let chunk = Arc::new(chunk?);
                    self.unchanged()?;
                    applied(self.store, &mut loading, &chunk)?;
                    self.told(loading.position());
                    if loading.counts().refused > limits::LOAD_REFUSED {
                        self.reported(&loading)?;
                        return Err(LoadError::TooManyRefused(limits::LOAD_REFUSED));
                    }
                    if loading.position().phase > 3 {
                        break;
                    }
                }
                Ok(())
            })?;
            loading = self.store.load_finish(&loading).map_err(LoadError::Store)?;
        }
        let named = self.reported(&loading)?;
        kept(self.watch)?;
        self.store.load_told(&loading).map_err(LoadError::Store)?;
        Ok(LoadReport { named, ..loading.counts().clone() })
    }

    fn told(&mut self, at: Position) {
        let Some(progress) = &mut self.watch.progress else { return };
        let index = self.index;
        let (doing, done, of) = match at.phase {
            0 => ("loading people", at.offset, self.stamp.size()),
            1 => ("loading superseded numbers", at.next as u64, index.replacements.len() as u64),
            2 => ("loading plans", at.next as u64, index.plans.len() as u64),
            _ => ("ending identities", at.next as u64, index.ends.len() as u64),
        };
        progress(Progress { doing, done, of });
    }

    /// Writes the whole report, and returns its beginning.
    fn reported(&mut self, loading: &Loading) -> Result<Vec<LineError>, LoadError> {
        let mut named: Vec<LineError> = Vec::new();
        let mut after = 0;
        loop {
            let page = self.store.load_refusals(loading, after).map_err(LoadError::Store)?;
            let Some(last) = page.last() else { return Ok(named) };
            after = last.line;
            written(self.watch, &page)?;
            named.extend(page.into_iter().take(limits::LOAD_ERRORS.saturating_sub(named.len())));
        }
    }
}

fn written(watch: &mut Watch<'_>, refusals: &[LineError]) -> Result<(), LoadError> {
    let Some(report) = &mut watch.report else { return Ok(()) };
    refusals
        .iter()
        .try_for_each(|error| writeln!(report, "{error}"))
        .and_then(|()| report.flush())
        .map_err(|error| LoadError::Report(error.kind().to_string()))
}

/// The report is on disk before what it says is forgotten.
fn kept(watch: &mut Watch<'_>) -> Result<(), LoadError> {
    let Some(keep) = &mut watch.keep_report else { return Ok(()) };
    keep().map_err(|error| LoadError::Report(error.kind().to_string()))
}

/// Reads on, until the end, or until nobody wants more.
fn parse(ask: &LoadAsk, index: &Index, at: Position, sender: &SyncSender<Result<Chunk, LoadError>>) {
    let read = Units::from(&ask.source, index, at).and_then(|mut units| {
        let mut chunk = Vec::with_capacity(limits::LOAD_CHUNK);
        while let Some(unit) = units.next()? {
            chunk.push(unit);
            if chunk.len() >= limits::LOAD_CHUNK {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(limits::LOAD_CHUNK));
                if sender.send(Ok(full)).is_err() {
                    return Ok(());
                }
            }
        }
        let _ = sender.send(Ok(chunk));
        Ok(())
    });
    if let Err(error) = read {
        let _ = sender.send(Err(error));
    }
}

/// Applies a chunk, in as many slices as it takes.
fn applied(store: &Store, loading: &mut Loading, chunk: &Arc<Chunk>) -> Result<(), LoadError> {
    let mut done = 0;
    let mut tries = 0;
    while done < chunk.len() {
        match store.load_slice(loading, chunk, done) {
            Ok((next, consumed)) => {
                (*loading, done, tries) = (next, consumed, 0);
            }
            // Another process had the database for long: nothing was written.
            Err(StoreError::Busy | StoreError::Failed { phase: "begin", .. })
                if tries < limits::LOAD_TRIES =>
            {
                tries += 1;
            }
            // Another command went on with it.
            Err(StoreError::LoadRefused(_)) => return Err(LoadError::Overtaken),
            Err(error) => return Err(refused(error)),
        }
        std::thread::sleep(limits::LOAD_PAUSE);
    }
    Ok(())
}
