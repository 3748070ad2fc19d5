//! Rule 9, of events: a seed is fixed before anybody joins whom it draws, and told at the start and not before; everybody who joined in between is drawn,
//! and the order follows from the seed and from the joins alone. Places are laid out anew by [`super::lots`]; that they are called in order is
//! rule 3 ([`super::order`]).

use durable::board::Board;
use durable::draw::Draw;
use durable::draws::Occasion;
use durable::schedule::Event;
use durable::units::Millis;

use super::facts::{Facts, RankFacts};
use super::lots::{digest, ranks_by_place};
use super::{Auditor, Rule};

/// So many draws may be under way at once; behind them people stay in order.
const DRAWS_MAX: usize = 3;

/// A seed that was fixed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) occasion: Occasion,
    pub(super) seed: [u8; 32],
}

/// Who is gathered: for which event, from which rank on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathered {
    pub(super) event: [u8; 16],
    pub(super) first: u64,
}

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Draws {
    pub(super) sealed: Vec<Sealed>,
    pub(super) gathered: Option<Gathered>,
    pub(super) held: Vec<(Occasion, Draw)>,
    /// For which prequeues sessions were ended.
    pub(super) swept: Vec<Occasion>,
    /// For which they have to be in the row that is read: those that came since the row before, even if they are over.
    pub(super) owed: Vec<Occasion>,
}

impl Draws {
    /// What was fixed for an event.
    fn seed(&self, event: &Event) -> Option<[u8; 32]> {
        let sealed = self.sealed.iter().find(|sealed| sealed.occasion == occasion(event));
        sealed.map(|sealed| sealed.seed)
    }

    /// A seed is worth nothing once its event has started and nobody was gathered: the alarm may have come after all of the prequeue.
    pub(super) fn forget_missed(&mut self, at: Millis) {
        let gathered = self.gathered.map(|gathered| gathered.event);
        self.sealed.retain(|sealed| sealed.occasion.start > at || gathered == Some(sealed.occasion.event));
    }

    /// The start of the draw that gave a place.
    pub(super) fn start_of(&self, place: u64) -> Option<Millis> {
        let drawn = |draw: &Draw| (draw.first.0..draw.first.0 + draw.count).contains(&place);
        self.held.iter().find(|(_, draw)| drawn(draw)).map(|(occasion, _)| occasion.start)
    }

    /// The last start of a draw that gave this place or a later one.
    pub(super) fn last_start_from(&self, place: u64) -> Option<Millis> {
        let reaches = |draw: &Draw| draw.first.0 + draw.count > place;
        self.held.iter().filter(|(_, draw)| reaches(draw)).map(|(occasion, _)| occasion.start).max()
    }
}

impl Facts {
    /// Draws of whose places some are still to be called, or may still enter.
    fn standing_draws(&self, at: Millis) -> usize {
        let clock = self.moment(at);
        let may_enter = |rank: &RankFacts| rank.turn.is_some_and(|turn| turn.late_until > clock);
        let stands =
            |place: u64| place >= self.called || self.rank(self.rank_of(place)).is_some_and(may_enter);
        let held = self.draws.held.iter();
        held.filter(|(_, draw)| (draw.first.0..draw.first.0 + draw.count).any(stands)).count()
    }
}

/// As the Room names it.
pub(super) fn occasion(event: &Event) -> Occasion {
    Occasion { event: event.id, start: Millis(event.start_ms) }
}

/// Whether it is this one's, and its places are to be drawn.
pub(super) fn is_of(of: Occasion, event: &Event) -> bool {
    event.shuffle && occasion(event) == of
}

impl Auditor {
    /// A seed is fixed.
    pub(super) fn judge_sealed(&mut self, at: Millis, occasion: Occasion, seed: [u8; 32]) {
        let events = &self.facts.orders.events;
        let wanted = events.iter().any(|event| is_of(occasion, event) && event.start_ms > at.0);
        let again = self.facts.draws.sealed.iter().any(|sealed| sealed.occasion == occasion);
        self.facts.draws.sealed.push(Sealed { occasion, seed });
        self.check(at, wanted && !again, Rule::Drawn, || {
            format!("a seed is fixed for {occasion:?}: wanted {wanted}, again {again}")
        });
    }

    /// People are gathered from here on, or no longer.
    pub(super) fn judge_gathering(&mut self, at: Millis, event: Option<[u8; 16]>) {
        let first = self.facts.ranks.len() as u64;
        let Some(id) = event else {
            let left = self.facts.draws.gathered.take();
            let owed = left.and_then(|left| {
                let events = self.facts.orders.events.iter();
                let mut wanted = events.filter(|event| event.id == left.event && event.shuffle);
                wanted.find(|event| event.prequeue_ms <= at.0 && at.0 < event.end_ms).copied()
            });
            let owed = owed.filter(|event| self.facts.draws.seed(event).is_some());
            let full = self.facts.standing_draws(at) >= DRAWS_MAX;
            return self.check(at, owed.is_none() || full, Rule::Drawn, || {
                format!("people are dispersed who were gathered for {owed:?}")
            });
        };
        let wanted = self.facts.orders.prequeue(at).filter(|event| event.id == id && event.shuffle).copied();
        let sealed = wanted.and_then(|event| self.facts.draws.seed(&event)).is_some();
        self.facts.draws.gathered = Some(Gathered { event: id, first });
        self.check(at, sealed, Rule::Drawn, || {
            format!("people are gathered for {wanted:?} from rank {first} on, without a seed")
        });
    }

    /// A draw is held: from here on places are as it says.
    pub(super) fn judge_drawn(&mut self, at: Millis, occasion: Occasion, draw: &Draw) {
        let facts = &mut self.facts;
        let issued = facts.ranks.len() as u64;
        let seed = facts.draws.sealed.iter().find(|sealed| sealed.occasion == occasion);
        let seed = seed.map(|sealed| sealed.seed);
        let gathered = facts.draws.gathered.take().filter(|gathered| gathered.event == occasion.event);
        facts.draws.sealed.retain(|sealed| sealed.occasion != occasion);
        facts.draws.held.push((occasion, *draw));
        let first = gathered.map_or(issued, |gathered| gathered.first);
        let joined = facts.ranks.get(first as usize..).unwrap_or_default();
        let hash = joined.iter().fold([0; 32], |hash, rank| digest(&[&hash, &rank.holder]));
        let is_right = seed == Some(draw.seed)
            && hash == draw.hash
            && (draw.first.0, draw.count) == (first, issued - first);
        let began = facts.orders.events.iter().any(|event| {
            is_of(occasion, event) && event.prequeue_ms < event.start_ms && event.start_ms <= at.0
        });
        let uncalled = facts.called <= first;
        self.check(at, is_right && began && uncalled && gathered.is_some(), Rule::Drawn, || {
            format!("{draw:?} is held for {occasion:?}; gathered were {gathered:?} of {issued}, sealed is {seed:?}")
        });
        if is_right {
            self.facts.lay_out(first, &ranks_by_place(draw));
        }
    }

    /// The prequeues by whose beginning sessions end, and have not: those since the last row and the one under way.
    pub(super) fn unswept(&self, at: Millis) -> impl Iterator<Item = Occasion> {
        let (last, swept) = (self.facts.at, &self.facts.draws.swept);
        let is_due = move |event: &&Event| {
            let came = last.0 < event.prequeue_ms && event.prequeue_ms <= at.0;
            let is_under_way = event.prequeue_ms <= at.0 && at.0 < event.start_ms;
            event.ends_sessions && event.prequeue_ms < event.start_ms && (came || is_under_way)
        };
        let due = self.facts.orders.events.iter().filter(is_due).map(occasion);
        due.filter(|occasion| !swept.contains(occasion))
    }

    /// Whatever the schedule wanted by now was done in this row at the latest.
    pub(super) fn judge_schedule(&mut self, at: Millis) {
        let facts = &self.facts;
        let unsealed = facts
            .orders
            .events
            .iter()
            .find(|event| event.shuffle && event.start_ms > at.0 && facts.draws.seed(event).is_none());
        let prequeue = facts.orders.prequeue(at).copied();
        let unswept: Vec<_> = facts.draws.owed.iter().copied().chain(self.unswept(at)).collect();
        let gathered = facts.draws.gathered.map(|gathered| gathered.event);
        let scattered = prequeue.filter(|event| event.shuffle && gathered != Some(event.id));
        let missed = unsealed.copied().or(scattered);
        let gathers = |event: &&Event| event.shuffle && event.prequeue_ms <= at.0 && at.0 < event.start_ms;
        let kept =
            gathered.filter(|id| !facts.orders.events.iter().filter(gathers).any(|event| event.id == *id));
        self.check(at, kept.is_none(), Rule::Drawn, || {
            format!("people are still gathered for {kept:?}, neither drawn nor dispersed")
        });
        self.check(at, unswept.is_empty(), Rule::Kept, || {
            format!("sessions go on, and were to end for {unswept:?}")
        });
        self.check(at, missed.is_none(), Rule::Drawn, || {
            format!("the schedule is not followed for {missed:?}")
        });
    }

    /// Boards tell what was fixed, and no seed before its time.
    pub(super) fn judge_board_draws(&mut self, now: Millis, board: &Board) {
        let mut draws = self.facts.draws.clone();
        draws.forget_missed(Millis(board.at_ms));
        let gathers_from = draws.gathered.map(|gathered| gathered.first);
        let sealed = |start: u64, commitment: [u8; 32]| {
            let at_start = draws.sealed.iter().filter(|sealed| sealed.occasion.start.0 == start);
            at_start.into_iter().any(|sealed| digest(&[&sealed.seed]) == commitment)
        };
        let seals = board.seals.iter().all(|seal| sealed(seal.start_ms, seal.commitment.0));
        let owed = draws.sealed.len().min(2) == board.seals.len();
        let held = |told: &durable::board::BoardDraw| draws.held.iter().any(|(_, draw)| *draw == told.draw());
        let told = board.draws.iter().all(held);
        let right = board.gathers_from == gathers_from && seals && owed && told;
        self.check(now, right, Rule::Drawn, || {
            format!(
                "the board tells {:?}, {:?} and {:?}; fixed is {draws:?}",
                board.gathers_from, board.seals, board.draws
            )
        });
    }
}
