//! The operators' desk: a directory with one room. It keeps the settings, hands edges its document, and tells the Room again and again
//! until the Room has heard. Settings are merged by the production code; what the Room makes of them is the Room's.

use durable::json::Value;
use durable::order::{Document, DocumentRoom};
use durable::schedule;
use durable::settings::Settings;
use durable::state::Config;
use durable::units::Millis;
use durable::wire::to_text;

use super::rooms::{DESK, NOBODY};
use super::table::{Said, Wanted};
use super::{Event, ROOM_ID, World};
use crate::workload::orders::{Deed, closing};

/// How often the directory tells a Room that does not confirm.
const AGAIN: Millis = Millis(1_000);

/// See the module's words.
pub(super) struct Desk {
    version: u64,
    confirmed: u64,
    settings: Settings,
    events: Vec<schedule::Event>,
}

impl Desk {
    /// A desk with the room's first settings.
    pub(super) fn new(opening: &Value) -> Desk {
        let settings = Settings::parse(opening).unwrap_or_else(|faults| panic!("{faults:?}"));
        Desk { version: 1, confirmed: 0, settings, events: Vec::new() }
    }

    fn document(&self) -> String {
        let room =
            DocumentRoom { id: ROOM_ID.to_owned(), settings: self.settings.to_json(), rules: Vec::new() };
        to_text(&Document { version: self.version, rooms: vec![room] })
    }
}

impl World<'_> {
    /// An operator does something.
    pub(super) fn operate(&mut self, deed: &Deed) {
        let wanted = match deed {
            Deed::Set(patch) => return self.order(patch),
            Deed::Schedule(events) => return self.schedule(events),
            Deed::End(seat, generation) => Wanted::End(*seat, *generation),
            Deed::EndAll => Wanted::EndAll,
            Deed::Reset => Wanted::Reset,
        };
        self.trace.note(self.queue.now(), format_args!("an operator wants {wanted:?}"));
        let way = self.network.way(self.queue.now());
        for delay in [way.there, way.again].into_iter().flatten() {
            let wanted = wanted.clone();
            self.queue.after(delay, Event::RoomAsked { caller: NOBODY, wanted });
        }
    }

    /// An operator changes settings.
    pub(super) fn order(&mut self, patch: &Value) {
        self.trace.note(self.queue.now(), format_args!("an operator sets {}", to_text(patch)));
        if let Ok(settings) = self.desk.settings.merged(patch) {
            self.desk.settings = settings;
            self.desk.version += 1;
            self.configure();
        }
    }

    /// An operator schedules events, or calls them off.
    fn schedule(&mut self, events: &[schedule::Event]) {
        self.trace.note(self.queue.now(), format_args!("an operator schedules {events:?}"));
        self.desk.events = events.to_vec();
        self.desk.version += 1;
        self.configure();
    }

    /// The rush is over.
    pub(super) fn close(&mut self) {
        self.desk.events.clear();
        let patch = closing(self.desk.settings.queueing_method);
        self.order(&patch);
    }

    /// Whether the origin's commands are listened to.
    pub(super) fn hears_origin(&self) -> bool {
        self.desk.settings.revoked_by_origin
    }

    /// Whether the pace follows the origin.
    pub(super) fn follows_origin(&self) -> bool {
        self.desk.settings.origin_health.is_some()
    }

    /// The directory tells the Room, unless it knows.
    pub(super) fn configure(&mut self) {
        if self.desk.confirmed == self.desk.version {
            return;
        }
        let Desk { version, settings, events, .. } = &self.desk;
        let (version, settings) = (*version, settings.clone());
        let coming = events.iter().filter(|event| event.end_ms > self.queue.now().0);
        let events = coming.copied().collect();
        let config = Config { version, directory_version: version, settings, events };
        let way = self.network.way(self.queue.now());
        for delay in [way.there, way.again].into_iter().flatten() {
            let wanted = Wanted::Configure(Box::new(config.clone()));
            self.queue.after(delay, Event::RoomAsked { caller: DESK, wanted });
        }
        self.queue.after(AGAIN, Event::DeskRetries);
    }

    /// The Room confirmed.
    pub(super) fn confirmed(&mut self, said: &Said) {
        if let Said::Configured(version) = said {
            self.desk.confirmed = self.desk.confirmed.max(*version);
        }
    }

    /// What the directory says to an edge: nothing, while it cannot be reached.
    pub(super) fn document(&self) -> String {
        if self.queue.now() < self.directory_away_until { String::new() } else { self.desk.document() }
    }
}
