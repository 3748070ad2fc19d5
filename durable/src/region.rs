//! A region lobby: puts the batches of its leaves together, and hands each its share of what comes back.
//!
//! While batches of its own are in flight, the next leaves 50 ms after the last ([`crate::courier`]). So the Room is asked some twenty times a second by a
//! region, however many leaves it has and however many people ask them.
//!
//! To a leaf it is what the Room is to it: same name, same reply ([`crate::replies`]), a number out of turn is told which is expected, an incarnation that
//! it does not know begins anew. What it remembers it remembers in memory alone. Where that is lost, a batch that was carried out may be carried
//! out again under another name: claims and renewals come to the same, and ranks and seats that nobody heard of are ghosts.

use std::collections::VecDeque;

use crate::batch::{Batch, BatchAnswer, BatchName, Items, PassRef, Reply, decode_batch};
use crate::board::Board;
use crate::bulletin::{BoardWanted, Bulletin};
use crate::codec::Malformed;
use crate::courier::{Cargo, Courier, Heard, Next, Why};
use crate::hearsay::Hearsay;
use crate::leases::{Handed, Leases};
use crate::listed::Listed as _;
use crate::lobby::{Caller, LEAVES, Said};
use crate::protocol::BoardAnswer;
use crate::replies::{Replies, Verdict};
use crate::units::{Millis, Rank};
use crate::wire::to_text;

/// While batches are in flight, the next leaves this long after the last.
const SPACING: Millis = Millis(50);
/// Joins that a batch holds, unless a leaf's alone has more: half of what its receiver takes. 40 leaves send no more in 50 ms than
/// 20 000 wishes in all.
const JOINS: usize = 8_192;
/// The same of all other items: each has an answer of its own, which the Room keeps.
const ANSWERED: usize = 1_024;
/// Batches that may wait: eight of each leaf, of two lives. With more, they are told that too many ask.
const PENDING_MAX: usize = 16 * LEAVES as usize;

/// A leaf's batch on its way.
struct Parcel {
    name: BatchName,
    items: Items,
}

/// A batch of its own on its way.
struct Flight {
    number: u64,
    parcels: Vec<Parcel>,
    /// So many seats to have in hand it asks for.
    leases: u32,
    /// Those that it gives back.
    returns: Vec<PassRef>,
}

/// See the module's words.
pub struct Region {
    courier: Courier,
    bulletin: Bulletin,
    replies: Replies,
    pending: VecDeque<Parcel>,
    flights: VecDeque<Flight>,
    /// Who waits for the answer to which batch.
    callers: Vec<(Caller, BatchName, BoardWanted)>,
    wants_board: Vec<Caller>,
    hearsay: Hearsay,
    leases: Leases,
}

impl Region {
    /// One whose memory begins now, named by these random bytes.
    pub fn new(name: String, incarnation: [u8; 16]) -> Region {
        Region {
            courier: Courier::new(name, incarnation, SPACING),
            bulletin: Bulletin::default(),
            replies: Replies::default(),
            pending: VecDeque::new(),
            flights: VecDeque::new(),
            callers: Vec::new(),
            wants_board: Vec::new(),
            hearsay: Hearsay::default(),
            leases: Leases::default(),
        }
    }

    /// Takes a leaf's batch: its answer, if it is known right away. An error is a batch that no leaf of ours sends.
    pub fn take(&mut self, now: Millis, caller: Caller, bytes: &[u8]) -> Result<Option<Said>, Malformed> {
        let Batch { name, digest, mut items } = decode_batch(bytes)?;
        let board = BoardWanted::of(&items);
        let answer = match self.replies.judge(&name, &digest) {
            Verdict::New if self.pending.len() >= PENDING_MAX => Some(BatchAnswer::Overloaded),
            Verdict::New => {
                self.hearsay.hear(std::mem::take(&mut items.health));
                let answer = self.known(now, &items);
                let reply = answer.as_ref().map(Reply::encode).unwrap_or_default();
                self.replies.remember(&name, digest, reply);
                if answer.is_none() {
                    self.pending.push_back(Parcel { name: name.clone(), items });
                }
                answer.map(BatchAnswer::Done)
            }
            // It is on its way.
            Verdict::Repeated([]) => None,
            Verdict::Repeated(reply) => Some(BatchAnswer::Done(Reply::decode(reply)?)),
            Verdict::Expected(number) => Some(BatchAnswer::Expected(number)),
            Verdict::Refused => Some(BatchAnswer::Refused),
        };
        if answer.is_none() {
            self.callers.push((caller, name, board));
        }
        Ok(answer.map(|answer| self.say(now, &answer, board)))
    }

    /// The reply to these items, if the Room need not be asked for it.
    fn known(&mut self, now: Millis, items: &Items) -> Option<Reply> {
        // What is heard of the origin alone nobody waits for.
        if items.is_empty() {
            return Some(Reply::default());
        }
        // First contacts have batches of their own (`leaf.rs`), and there may be seats in hand for them.
        let Items { enters, board_held, .. } = *items;
        if *items != (Items { enters, board_held, ..Items::default() }) {
            return None;
        }
        let handed = self.leases.hand_out(now, enters, self.bulletin.newest(now));
        handed.map(|Handed { grants, of: (epoch, pass_epoch) }| Reply {
            epoch,
            pass_epoch,
            entered: grants,
            ..Reply::default()
        })
    }

    /// Somebody wants a board: it, if there is a fresh one.
    pub fn board(&mut self, now: Millis, caller: Caller) -> Option<Said> {
        let said = self.bulletin.fresh(now).map(|(board, age)| self.board_text(board.clone(), age));
        if said.is_none() {
            self.wants_board.push(caller);
        }
        said
    }

    /// Whether somebody waits for a board.
    pub fn want_board(&self) -> bool {
        !self.wants_board.is_empty()
    }

    /// Says what to do now. After `Send`, ask again.
    pub fn next(&mut self, now: Millis) -> Next {
        let has_more = !self.pending.is_empty()
            || self.hearsay.is_due(now)
            || self.leases.is_due(now, self.bulletin.newest(now));
        if let Some(next) = self.courier.due(now, Cargo::Mixed, has_more) {
            return self.leases.wakes(now, self.hearsay.wakes(now, next));
        }
        let (mut items, mut parcels) = (Items::default(), Vec::new());
        while let Some(parcel) = self.pending.pop_front() {
            items.append(&parcel.items);
            parcels.push(parcel);
            // What a leaf sends is not torn apart.
            let fits = |next: &Parcel| {
                items.joins.len() + next.items.joins.len() <= JOINS
                    && items.answered() + next.items.answered() <= ANSWERED
            };
            if !self.pending.front().is_some_and(fits) {
                break;
            }
        }
        items.lease_returns = self.leases.give_back(now, self.bulletin.newest(now));
        items.leases = self.leases.ask(now, self.bulletin.newest(now));
        items.board_held = self.bulletin.held(now);
        items.health = self.hearsay.pass_on(now);
        let (number, next) = self.courier.send(now, Cargo::Mixed, &items);
        let Items { leases, lease_returns: returns, .. } = items;
        self.flights.push_back(Flight { number, parcels, leases, returns });
        next
    }

    /// What a call came to: who is told what. `fresh` is a new incarnation's name, should one be needed.
    pub fn hear(&mut self, now: Millis, heard: Heard, fresh: [u8; 16]) -> Vec<(Caller, Said)> {
        match heard {
            Heard::Reply(number, reply) => {
                let index = self.flights.iter().position(|flight| flight.number == number);
                let Some(flight) = index.and_then(|index| self.flights.remove(index)) else {
                    return Vec::new();
                };
                self.leases.take(now, flight.leases, &reply);
                self.hand_out(now, &flight.parcels, reply)
            }
            Heard::Nothing => Vec::new(),
            Heard::Forgotten => {
                let unanswered = self.begin_again(now, fresh);
                unanswered.into_iter().rev().for_each(|parcel| self.pending.push_front(parcel));
                Vec::new()
            }
            Heard::GivenUp(why) => self.give_up(now, why, fresh),
        }
    }

    /// Everybody who waits for a batch hears why, and this memory begins anew. Its leaves do the same: of what they sent it knows nothing any more.
    fn give_up(&mut self, now: Millis, why: Why, fresh: [u8; 16]) -> Vec<(Caller, Said)> {
        let said = refusal(why);
        self.begin_again(now, fresh);
        if why == Why::Unknown {
            self.leases = Leases::default();
        }
        self.replies = Replies::default();
        self.pending.clear();
        let callers = std::mem::take(&mut self.callers).into_iter();
        callers.map(|(caller, ..)| (caller, said.clone())).listed()
    }

    /// Nothing is under way any more: what was, in order.
    fn begin_again(&mut self, now: Millis, fresh: [u8; 16]) -> Vec<Parcel> {
        self.courier.begin_again(now, fresh);
        let (mut parcels, mut returns) = (Vec::new(), Vec::new());
        for flight in std::mem::take(&mut self.flights) {
            parcels.extend(flight.parcels);
            returns.extend(flight.returns);
        }
        self.leases.begin_again(now, returns);
        parcels
    }

    /// A board came, or why there is none: who waited for it hears of it.
    pub fn hear_board(&mut self, now: Millis, answer: Result<BoardAnswer, Why>) -> Vec<(Caller, Said)> {
        let came = answer.map(|answer| self.bulletin.take(now, answer));
        // It may be one whose list is not here.
        let whole = came.and_then(|()| self.bulletin.whole(now).ok_or(Why::Unreachable));
        let said = whole.map_or_else(refusal, |(board, age)| self.board_text(board.clone(), age));
        let callers = std::mem::take(&mut self.wants_board);
        callers.into_iter().map(|caller| (caller, said.clone())).listed()
    }

    /// Its batches on their way.
    pub fn courier(&mut self) -> &mut Courier {
        &mut self.courier
    }

    /// The newest board, and the list that goes with it.
    pub fn bulletin(&mut self) -> &mut Bulletin {
        &mut self.bulletin
    }

    /// To each leaf its share, in the order in which the batches were put together.
    fn hand_out(&mut self, now: Millis, parcels: &[Parcel], reply: Reply) -> Vec<(Caller, Said)> {
        let Reply { epoch, pass_epoch, mut first_rank, joined_at, claims, renewals, entered, .. } = reply;
        let (mut claims, mut renewals, mut entered) =
            (claims.into_iter(), renewals.into_iter(), entered.into_iter());
        let (mut heard, mut callers) = (Vec::new(), std::mem::take(&mut self.callers));
        for Parcel { name, items } in parcels {
            let share = Reply {
                epoch,
                pass_epoch,
                first_rank,
                joined_at,
                claims: claims.by_ref().take(items.claims.len()).listed(),
                renewals: renewals.by_ref().take(items.renewals.len()).listed(),
                entered: entered.by_ref().take(items.enters as usize).listed(),
                leased: Vec::new(),
            };
            first_rank = Rank(first_rank.0 + items.joins.len() as u64);
            self.replies.fulfil(name, share.encode());
            let answer = BatchAnswer::Done(share);
            callers.retain(|(caller, of, board)| {
                let waits = of == name;
                if waits {
                    heard.push((*caller, self.say(now, &answer, *board)));
                }
                !waits
            });
        }
        self.callers = callers;
        heard
    }

    fn say(&self, now: Millis, answer: &BatchAnswer, board: BoardWanted) -> Said {
        let board = self.bulletin.newest(now).filter(|(newest, _)| board.with(answer, newest));
        let (text, age) = board.map_or_else(Default::default, |(board, age)| (to_text(board), age));
        Said::Bytes(answer.encode(text.as_bytes(), age))
    }

    fn board_text(&self, board: Board, age: Millis) -> Said {
        let revocations = Some(self.bulletin.revocations().clone());
        Said::Text(to_text(&BoardAnswer { board, board_age_ms: age.0, revocations }))
    }
}

/// Nothing, and why.
fn refusal(why: Why) -> Said {
    match why {
        Why::Unreachable => Said::Bytes(BatchAnswer::Unreachable.encode(&[], Millis(0))),
        Why::Overloaded => Said::Bytes(BatchAnswer::Overloaded.encode(&[], Millis(0))),
        Why::Unknown => Said::Unknown,
    }
}
